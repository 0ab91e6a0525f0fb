"""Watching: which files a preview depends on, and who is told when it was made anew.

Folders are watched one by one rather than as trees: what lies beside an issue may hold a repository, a mailbox or half
of npm, and none of it matters.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from newsletter.preview.proof import State, Studio

_STEP, _DEBOUNCE = 8, 50  # milliseconds: of silence before changes are told, and of patience with a noisy disk
_BESIDE_SETTINGS = frozenset(("newsletter.toml", "pyproject.toml", "words.txt"))
_NOT_OURS = (".db", ".db-wal", ".db-shm", ".db-journal", ".swp", ".swx", ".tmp", "~")
_MOST = 400  # folders


@dataclass(slots=True)
class Hub:
    """Tells everybody who listens of each new state, until the end."""

    _last: str = ""
    _listeners: set[asyncio.Queue[str]] = field(default_factory=set)

    def publish(self, state: State) -> None:
        """Say that there is a new state: `7`, or `7 stale`; from the event loop only."""
        self._tell(f"{state.version} stale" if state.problems else f"{state.version}")

    def close(self) -> None:
        """Let everybody go who listens."""
        self._tell("")

    async def states(self) -> AsyncIterator[str]:
        """What was published last, and each that comes."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield self._last
            while told := await queue.get():
                yield told
        finally:
            self._listeners.discard(queue)

    def _tell(self, what: str) -> None:
        self._last = what
        for each in self._listeners:
            each.put_nowait(what)


def watched(studio: Studio, settings: Path) -> frozenset[Path]:
    """The folders that hold what the preview is made of; without a proof yet, those beside the settings."""
    folder = settings.parent
    found = {folder}
    proof = studio.state.proof
    roots = [folder / "issues", folder / "templates"]
    if proof is not None:
        roots = [proof.config.issues, proof.config.templates, proof.path.parent]
        for image in proof.manuscript.survey.images:
            with suppress(OSError, ValueError):  # a name too long, or with a NUL
                near = ((base / image.src).resolve().parent for base in (proof.path.parent, folder))
                found |= {place for place in near if ":" not in image.src and place.is_dir()}
    for root in roots:
        found |= set(_folders(root))
    return frozenset(sorted(found)[:_MOST])


def _folders(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield root
        for path, names, _ in root.walk() if hasattr(root, "walk") else _walk(root):
            names[:] = [name for name in names if not name.startswith(".")]
            yield from (path / name for name in names)


def _walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    import os

    for path, folders, files in os.walk(root):  # Path.walk comes with Python 3.12
        yield Path(path), folders, files


def matters(path: Path, settings: Path) -> bool:
    """Whether a change of this file can change what is shown."""
    name = path.name
    if name.startswith(".") or name.endswith(_NOT_OURS) or name.isdecimal():  # 4913 is vim's
        return False
    beside = path.parent == settings.parent
    return not beside or name in _BESIDE_SETTINGS or name == settings.name or path.is_dir() or path.suffix in _IMAGES


_IMAGES = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg"))


async def watch(studio: Studio, hub: Hub, settings: Path, end: asyncio.Event) -> None:
    """Make the preview anew whenever something was saved, until the end."""
    from watchfiles import awatch

    known: frozenset[Path] = frozenset()
    while not end.is_set():
        again = asyncio.Event()
        folders = watched(studio, settings)
        if known and folders != known:  # what was saved while nobody watched the new folders
            hub.publish(await asyncio.to_thread(studio.refresh))
            folders = watched(studio, settings)
        known = folders
        ended = asyncio.create_task(_either(end, again))
        changes = awatch(
            *sorted(folders),
            watch_filter=lambda _, path: matters(Path(path), settings),
            step=_STEP,
            debounce=_DEBOUNCE,
            stop_event=again,
            recursive=False,
            rust_timeout=500,
            yield_on_timeout=False,
        )
        with suppress(FileNotFoundError):  # a folder that has just gone: the next round knows
            async for _ in changes:
                hub.publish(await asyncio.to_thread(studio.refresh))
                if end.is_set() or watched(studio, settings) != known:
                    break
        again.set()
        await ended


async def _either(end: asyncio.Event, again: asyncio.Event) -> None:
    """Set `again` when the end comes."""
    waiting = [asyncio.create_task(end.wait()), asyncio.create_task(again.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    again.set()
