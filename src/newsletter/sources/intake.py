"""Messages that came in, wherever they are kept: a Maildir, an mbox, a file, standard input; imap.py has servers.

What was dealt with is put away, so that it is not read again; what was not stays as it is, since a person may want to
read it.

    Maildir   moved to the folder .Processed in it           file             stays where it is
    mbox      moved to the file NAME.processed beside it     standard input   is gone
"""

from __future__ import annotations

import mailbox
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from newsletter.errors import ListError, Problem, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# A report says all that matters at its beginning; what it returns behind it may be long.
ENOUGH = 1_000_000  # octets
_PROCESSED = ".Processed"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message: the name under which it can be put away, and its first million octets."""

    name: str
    raw: bytes


class Intake(Protocol):
    """Where messages come in."""

    place: str  # as a person says it

    def messages(self) -> Iterator[Incoming]:
        """Each message that was not put away yet, in the order of arrival."""
        ...

    def put_away(self, done: Iterable[str], seen: Iterable[str]) -> None:
        """Let the messages named `done` not come again; of those `seen`, it is known that they lead to nothing here."""
        ...

    def close(self) -> None:
        """Let go of files, locks and connections."""
        ...


def intake_at(path: Path | None) -> Intake:
    """What is at a path; standard input without one. Raises ListError when it cannot be read."""
    if path is None:
        return _StandardInput()
    with _told(path):
        if not path.is_dir():
            with path.open("rb") as file:
                return Mbox(path) if file.read(5) == b"From " or not path.stat().st_size else _File(path)
    return Maildir(path)


class _StandardInput:
    """One message through a pipe, as from a mail server's alias."""

    place = "standard input"

    def messages(self) -> Iterator[Incoming]:
        stream = sys.stdin.buffer
        raw = stream.read(ENOUGH)
        while stream.read(ENOUGH):  # whoever writes must not meet a closed pipe
            pass
        yield Incoming("-", raw)

    def put_away(self, done: Iterable[str], seen: Iterable[str]) -> None:
        pass

    def close(self) -> None:
        pass


class _File:
    """One message in a file."""

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._path = path

    def messages(self) -> Iterator[Incoming]:
        with _told(self._path):
            yield Incoming(self._path.name, _beginning(self._path))

    def put_away(self, done: Iterable[str], seen: Iterable[str]) -> None:
        pass

    def close(self) -> None:
        pass


class Maildir:
    """A folder in which a mail server puts each message into a file (https://cr.yp.to/proto/maildir.html)."""

    def __init__(self, path: Path) -> None:
        if not ((path / "new").is_dir() and (path / "cur").is_dir()):
            raise ListError(
                Problem("this is no Maildir: it has no folders `new` and `cur`", str(path),
                        fix="name a Maildir, an mbox or a file with one message")
            )  # fmt: skip
        self.place = str(path)
        self._path = path
        self._files: dict[str, Path] = {}

    def messages(self) -> Iterator[Incoming]:
        with _told(self._path):
            found = [file for name in ("cur", "new") for file in (self._path / name).iterdir()]
            # A name begins with the second of its arrival.
            for file in sorted(found, key=lambda file: file.name):
                name = file.name.partition(":2,")[0]
                if name.startswith(".") or not file.is_file():
                    continue
                self._files[name] = file
                try:
                    yield Incoming(name, _beginning(file))
                except FileNotFoundError:
                    continue  # a mail program has moved it in the meantime

    def put_away(self, done: Iterable[str], seen: Iterable[str]) -> None:  # noqa: ARG002
        with _told(self._path):
            for name in done:
                for folder in ("cur", "new", "tmp"):
                    (self._path / _PROCESSED / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # another run has been faster
                    self._files[name].replace(self._path / _PROCESSED / "cur" / f"{name}:2,S")

    def close(self) -> None:
        pass


class Mbox:
    """A file with all messages in it, one behind the other (RFC 4155). It is locked as long as it is open."""

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._path = path
        self._box = _locked(path)
        self._keys: dict[str, Any] = {}

    def messages(self) -> Iterator[Incoming]:
        with _told(self._path):
            self._keys = {str(key): key for key in self._box.iterkeys()}
            for name, key in self._keys.items():
                yield Incoming(name, self._box.get_file(key).read(ENOUGH))

    def put_away(self, done: Iterable[str], seen: Iterable[str]) -> None:  # noqa: ARG002
        keys = [self._keys[name] for name in done]
        if not keys:
            return
        with _told(self._path):
            # First there, then away from here: a crash in between leaves a message in both, and it is known by its id.
            other = _locked(self._path.with_name(f"{self._path.name}.processed"), create=True)
            try:
                for key in keys:
                    other.add(self._box.get_bytes(key))
                other.flush()
            finally:
                other.close()
            for key in keys:
                self._box.remove(key)

    def close(self) -> None:
        with _told(self._path):
            self._box.close()  # which writes it anew first, and unlocks it whatever comes of that


def _locked(path: Path, *, create: bool = False) -> mailbox.mbox:
    """An mbox that is ours until it is closed."""
    with _told(path):
        box = mailbox.mbox(path, create=create)
        try:
            box.lock()
        except mailbox.ExternalClashError as error:
            box.close()
            # What was killed leaves the file behind; what the system itself holds locked is in use.
            lock = path.with_name(f"{path.name}.lock")
            fix = f"; if no such program runs, remove {lock.name} beside it" if lock.exists() else ""
            problem = Problem("another program holds this mailbox locked", str(path), fix=f"try again in a moment{fix}")
            raise StoreError(problem) from error
        except BaseException:
            box.close()
            raise
        return box


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(ENOUGH)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        problem = Problem("there is no such file or folder", str(path), fix="check the name")
        raise ListError(problem) from error
    except (mailbox.Error, OSError) as error:
        if isinstance(error, mailbox.ExternalClashError):
            problem = Problem(
                "another program has changed this mailbox in the meantime, which we held locked", str(path),
                fix="run the command again: what was stored is known, and changes nothing",
            )  # fmt: skip
            raise StoreError(problem) from error
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise StoreError(
            Problem(f"cannot be read or changed: {told}", str(path), fix="check who may read and write it")
        ) from error
