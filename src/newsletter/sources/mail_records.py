"""Where one can see that a message arrived: the mail server's log, or a mailbox. Both are read for Message-IDs.

Postfix's cleanup(8) writes `QUEUE_ID: message-id=<…>` as soon as it reads that header, also of a message whose end
never comes. What qmgr(8) takes up then, `QUEUE_ID: from=<…>, size=…, nrcpt=… (queue active)`, was accepted as a whole.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

from newsletter.errors import ListError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

_SEEN = re.compile(rb" (\w{1,30}): message-id=(<[^<>\s]{1,250}>)")
_TAKEN_UP = re.compile(rb" (\w{1,30}): from=<[^>]*>, size=[0-9]+, nrcpt=[0-9]+ \(queue active\)")
_HEADER = re.compile(rb"^message-id:\s*(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_HEADERS_AT_MOST = 65_536  # octets of a message that are searched for its Message-ID


def ids_in_log(path: Path) -> Iterator[str]:
    """The Message-IDs of all messages that Postfix's log says it took into its queue. `.gz` is unpacked."""
    seen: dict[bytes, bytes] = {}  # in a queue file: a name that another message may have later
    with _open(path) as lines:
        for line in lines:
            if found := _SEEN.search(line):
                seen[found[1]] = found[2]
            elif (found := _TAKEN_UP.search(line)) and found[1] in seen:
                yield seen.pop(found[1]).decode("ascii", "replace")


def ids_in_mailbox(path: Path) -> Iterator[str]:
    """The Message-IDs of the messages in a Maildir, in a folder of .eml files, or in an mbox file."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                with file.open("rb") as content:
                    yield from _ids(content.read(_HEADERS_AT_MOST).partition(b"\r\n\r\n")[0].partition(b"\n\n")[0])
        return
    with _open(path) as lines:
        for line in lines:
            yield from _ids(line)


def _ids(text: bytes) -> Iterator[str]:
    for found in _HEADER.finditer(text):
        yield found[1].decode("ascii", "replace")


def _open(path: Path) -> IO[bytes]:
    try:
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise ListError(
            Problem(f"cannot be read: {error.strerror}", str(path), fix="check its name and who may read it")
        ) from error
