"""Where one can see that a message arrived: the mail server's log, or a mailbox. Both are read for Message-IDs.

Postfix's cleanup(8) writes `QUEUE_ID: message-id=<…>` as soon as it reads that header, also of a message whose end
never comes. What qmgr(8) takes up then, `QUEUE_ID: from=<…>, size=…, nrcpt=… (queue active)`, was accepted as a whole.
"""

from __future__ import annotations

import gzip
import re
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newsletter.errors import ListError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SEEN = re.compile(rb" (\w{1,30}): message-id=(<[^<>\s]{1,250}>)")
_TAKEN_UP = re.compile(rb" (\w{1,30}): from=<[^>]*>, size=[0-9]+, nrcpt=[0-9]+ \(queue active\)")
_HEADER = re.compile(rb"^message-id:\s*(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_HEADERS_AT_MOST = 65_536  # octets of a message that are searched for its Message-ID
_FIELD_AT_MOST = 1000  # octets of one field


def ids_in_log(*paths: Path) -> Iterator[str]:
    """The Message-IDs of all messages that Postfix's log says it took into its queue. `.gz` is unpacked.

    A log that was rotated is in several files, and may part the two lines about one message. They are read in the order
    in which they are named, and in the opposite one: whoever names them need not know which is the oldest.
    """
    for order in {paths, paths[::-1]}:
        seen: dict[bytes, bytes] = {}  # in a queue file: a name that another message may have later
        for path in order:
            for line in _lines(path):
                if found := _SEEN.search(line):
                    seen[found[1]] = found[2]
                elif (found := _TAKEN_UP.search(line)) and found[1] in seen:
                    yield seen.pop(found[1]).decode("ascii", "replace")


def ids_in_mailbox(path: Path) -> Iterator[str]:
    """The Message-IDs of the messages in a Maildir, in a folder of .eml files, or in an mbox file."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                with _told(file), file.open("rb") as content:
                    head = content.read(_HEADERS_AT_MOST).partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]
                yield from _ids(head)
        return
    field = b""
    for line in _lines(path):
        if not line.startswith((b" ", b"\t")):  # else it goes on with the field before (RFC 5322 section 2.2.3)
            yield from _ids(field)
            field = b""
        field = (field + line)[:_FIELD_AT_MOST]
    yield from _ids(field)


def _ids(text: bytes) -> Iterator[str]:
    for found in _HEADER.finditer(text):
        yield found[1].decode("ascii", "replace")


def _lines(path: Path) -> Iterator[bytes]:
    with _told(path), gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        yield from lines


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        fix = f"if it is no gzip at all, rename it; else fetch it again, or save what is left: gzip -dc {path} > rest"
        raise ListError(Problem(f"cannot be unpacked: {error}", str(path), fix=fix)) from error
    except OSError as error:
        raise ListError(
            Problem(f"cannot be read: {error.strerror}", str(path), fix="check its name and who may read it")
        ) from error
