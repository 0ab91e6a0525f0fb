"""From a save to the screen, in a real Chromium; an issue of 2,000 words checked offline; and a hundred of them.

The time to the screen begins before the file is written and ends when the page says that the frame has the new mail and
has been measured; asking the page so often is in it. The check is `manuscript_of` and all rules, in a process that has
done it before; spelling and SpamAssassin, which are other programs, are left out.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.issue import issue
from benchmarks.measure import as_installed, cost, table
from newsletter.checks import check
from newsletter.cli.shell import Session
from newsletter.preview.server import Preview
from newsletter.preview.tools import tools_for
from newsletter.wiring.editions import load
from newsletter.wiring.manuscripts import manuscript_of

PROGRAM = Path(sys.executable).with_name("newsletter")
CHROMIUM = Path("/usr/bin/chromium")
SETTINGS = """\
[newsletter]
title = "Letters"
language = "en"
postal_address = "12 Lilac Street"
[sender]
email = "letters@example.org"
"""
WORDS, ROUNDS, MANY = 2_000, 15, 100
_PICTURE = re.compile(r"!\[.*?\]\(.*?\)\n")  # it would be fetched


def run() -> None:
    """Print the three tables."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("newsletter.toml").write_text(SETTINGS, "utf-8")
        Path("issues").mkdir()
        text = _text()
        path = Path("issues/long.md")
        path.write_text(text, "utf-8")
        table(
            f"Check of an issue of {len(text.split()):,} words, offline",
            ("", "ms"),
            [(name, f"{1000 * seconds:.0f}") for name, seconds in _checked().items()],
        )
        if CHROMIUM.exists():
            rows = [(name, *_on_screen(path, body)) for name, body in (("short", _short()), ("2,000 words", text))]
            table("From a save to the screen", ("issue", "median ms", "slowest of 10, ms"), rows)
        path.unlink()
        as_installed()
        for number in range(MANY):
            body = text.replace("a year of letters", f"a year of letters, part {number}")
            Path(f"issues/issue-{number:03}.md").write_text(body, "utf-8")
        names = sorted(str(each) for each in Path("issues").iterdir())
        # Without spelling and SpamAssassin, of which the machine may have one, both or none.
        environment = {**os.environ, "PATH": "/nowhere"}
        whole = cost([PROGRAM, "check", "--offline", "--json", *names], env=environment)
        table(
            f"newsletter check of {MANY} issues",
            ("", "s"),
            [("wall", f"{whole.seconds:.1f}"), ("CPU", f"{whole.cpu:.1f}")],
        )


def _text() -> str:
    size = 10_000
    while len((text := _PICTURE.sub("", issue(size))).split()) < WORDS:
        size += 500
    return text.replace("date: 2026-11-21\n", "")


def _short() -> str:
    return (
        "---\ntitle: A short one\npreheader: It is short\n---\n\nHello {{ subscriber.first_name | default('you') }}.\n"
    )


def _checked() -> dict[str, float]:
    """The first time, and the median of those that follow."""
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        config = Session().config()
        path, written = load(config, "long")
        check(manuscript_of(config, path, written, datetime.now(UTC)).manuscript)
        times.append(perf_counter() - began)
    return {"first": times[0], "warm": median(times[1:])}


def _on_screen(path: Path, text: str) -> tuple[str, str]:
    """The median and the slowest of ten saves."""
    from playwright.sync_api import sync_playwright

    path.write_text(text, "utf-8")
    times = []
    with (
        Preview(tools_for(Session().config, Session().clock, "long"), Path("newsletter.toml").absolute()) as preview,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(preview.url)
        page.wait_for_selector("html[data-shown]")
        for number in range(12):
            page.wait_for_timeout(150)
            shown = int(page.locator("html").get_attribute("data-shown") or 0)
            began = perf_counter()
            path.write_text(f"{text}\nSaved {number} times.\n", "utf-8")
            page.wait_for_function("shown => Number(document.documentElement.dataset.shown) > shown", arg=shown)
            times.append(perf_counter() - began)
        browser.close()
    times = times[2:]
    return f"{1000 * median(times):.0f}", f"{1000 * max(times):.0f}"
