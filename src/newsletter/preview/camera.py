"""The camera: a page as a picture, by a Chromium that is found on this machine. Nothing is fetched for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from newsletter.errors import Problem, Stopped

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge")
_ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_HEIGHT = 12_000  # CSS pixels that are photographed; what is empty below the page is cut off
_MARGIN = 24
_PATIENCE = 90.0  # seconds
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--hide-scrollbars", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--force-color-profile=srgb",
)  # fmt: skip


def camera() -> str | None:
    """The program that takes pictures; None when there is none."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    return found or next((path for path in _ELSEWHERE if Path(path).exists()), None)


def photograph(program: str, page: Path, picture: Path, width: int) -> None:
    """Take a picture of the whole page, so many CSS pixels wide. Raises Stopped when the program does not."""
    with tempfile.TemporaryDirectory(prefix="newsletter-camera-") as profile:
        command = [
            program,
            *_FLAGS,
            # Chromium's own sandbox refuses root, who is at home in containers.
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            f"--user-data-dir={profile}",
            f"--window-size={width},{_HEIGHT}",
            f"--screenshot={picture.resolve()}",
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Stopped(Problem(f"{program} takes no pictures: {error}", str(page))) from error
    if done.returncode or not picture.exists():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Stopped(Problem(f"{program} takes no pictures: {said[-1] if said else done.returncode}", str(page)))
    _crop(picture)


def _crop(path: Path) -> None:
    """Cut off the empty rows at the bottom."""
    from PIL import Image, ImageChops

    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    empty = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, empty).getbbox()
    bottom = min(picture.height, (box[3] if box else 0) + _MARGIN)
    picture.crop((0, 0, picture.width, bottom)).save(path, optimize=True)
