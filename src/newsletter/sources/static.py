"""Static: a site as files in a folder that may hold other things. What was written is remembered, the rest left alone.

The list of what was written, each with the hash of its content, stands in `archive/.written.json`. A file that is not
on it, or that somebody has changed since, is not this program's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.errors import Problem, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LIST = "archive/.written.json"


@dataclass(frozen=True, slots=True)
class Changes:
    """What writing does to a folder; the paths are relative to it."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()  # in the way, or changed by somebody else: left as they are
    same: int = 0
    hashes: Mapping[str, str] = field(default_factory=dict)  # of what was written before

    @property
    def any(self) -> bool:
        """Whether there is something to write or to take away."""
        return bool(self.new or self.changed or self.gone)

    def told(self, *, done: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each kind of change, as a person reads it."""
        words = ("Wrote", "Changed", "Removed") if done else ("Would write", "Would change", "Would remove")
        return zip(words, (self.new, self.changed, self.gone), strict=True)

    def as_dict(self) -> dict[str, object]:
        """The same for scripts."""
        lists = {"new": self.new, "changed": self.changed, "gone": self.gone, "foreign": self.foreign}
        return {**{name: list(paths) for name, paths in lists.items()}, "unchanged": self.same}


def on_disk(path: str) -> str:
    """The file that a path of the site is: a page's is the index.html in its folder."""
    return f"{path}index.html" if path.endswith("/") else path


def changes_for(folder: Path, files: Mapping[str, bytes]) -> Changes:
    """What writing these files into the folder would do. Raises Refused when the folder cannot be read."""
    written = _written(folder)
    wanted = {on_disk(path): content for path, content in files.items()}
    same = 0
    new: list[str] = []
    changed: list[str] = []
    gone: list[str] = []
    foreign: list[str] = []
    for path, content in sorted(wanted.items()):
        there = _content(folder / path)
        if there is None:
            new.append(path)
        elif there == content:
            same += 1
        elif _hash(there) in written.get(path, "").split():
            changed.append(path)
        else:
            foreign.append(path)
    for path in sorted(set(written) - set(wanted)):
        there = _content(folder / path) if _is_below(folder, path) else None
        if there is not None:
            (gone if _hash(there) in written[path].split() else foreign).append(path)
    return Changes(tuple(new), tuple(changed), tuple(gone), tuple(foreign), same, written)


def write(folder: Path, files: Mapping[str, bytes], changes: Changes) -> None:
    """Do it. Each file is put in its place whole. Raises Refused when one cannot be written."""
    wanted = {on_disk(path): content for path, content in files.items()}
    kept = {path: _hash(content) for path, content in wanted.items() if path not in changes.foreign}
    if changes.any:
        # Named before it is written, with what stood there: what an interruption leaves half done is still ours.
        both = {path: f"{changes.hashes.get(path, '')} {digest}".strip() for path, digest in kept.items()}
        _put(folder / LIST, _listed({**changes.hashes, **both}))
    for path in (*changes.new, *changes.changed):
        _put(folder / path, wanted[path])
    for path in changes.gone:
        _remove(folder, folder / path)
    if _listed(kept) != _content(folder / LIST):
        _put(folder / LIST, _listed(kept))


def _listed(hashes: Mapping[str, str]) -> bytes:
    return (json.dumps(dict(hashes), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _written(folder: Path) -> dict[str, str]:
    content = _content(folder / LIST)
    if content is None:
        return {}
    try:
        data = json.loads(content)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        fix = "remove it; then files that are there already count as yours, and are left as they are"
        raise Refused(Problem("the list of what was written cannot be read", str(folder / LIST), fix=fix))
    return {str(path): str(digest) for path, digest in data.items()}


def _is_below(folder: Path, path: str) -> bool:
    """Whether a path of the list stays in the folder, whoever wrote the list."""
    return (folder / path).resolve().is_relative_to(folder.resolve())


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Refused(Problem(f"cannot be read: {error.strerror}", str(path))) from None


def _put(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Refused(Problem(f"cannot be written: {error.strerror}", str(path))) from None


def _remove(folder: Path, path: Path) -> None:
    """Remove a file, and the folders above it that held nothing else."""
    path.unlink(missing_ok=True)
    for above in path.parents:
        if above == folder:
            break
        try:
            above.rmdir()
        except OSError:
            break


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
