"""What an SMTP server says, reply by reply, out of bytes that arrive in pieces (RFC 5321 section 4.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.outcome import Reply, parse_reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# RFC 5321 allows 512 octets a line and names no number of lines; no honest server comes near these.
_LONGEST_LINE = 4096
_MOST_LINES = 256
_FIRST_DIGITS = frozenset((b"2", b"3", b"4", b"5"))
_MARKS = frozenset((b"", b" ", b"-"))

# A consent whose text is never looked at.
bare = lru_cache(maxsize=64)(Reply)


class ConnectionClosed(Exception):
    """The server is closing the connection (421), or does not keep to the protocol."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Replies:
    """Takes in bytes and gives replies; what has no end yet waits for more."""

    __slots__ = ("_buffer", "_texts")

    def __init__(self) -> None:
        self._buffer = b""
        self._texts: list[bytes] = []  # the first lines of a reply whose last has not come

    def read(self, data: bytes) -> Iterator[tuple[int, Sequence[bytes]]]:
        """The replies that end in `data`: the code, and the text of each line. Raises ConnectionClosed."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if line[:4] == b"250 " and not self._texts:  # three of four are, and need no closer look
                yield 250, (line[4:],)
                continue
            line = line.rstrip(b"\r")
            if line[:1] not in _FIRST_DIGITS or not line[:3].isdigit() or len(line) < 3 or line[3:4] not in _MARKS:
                raise ConnectionClosed(parse_reply(500, ["this is not SMTP: " + line[:100].decode("latin-1")]))
            self._texts.append(line[4:])
            if line[3:4] == b"-":
                if len(self._texts) > _MOST_LINES:
                    raise ConnectionClosed(Reply(500, "", "the server's reply has no end"))
                continue
            texts, self._texts = self._texts, []
            yield int(line[:3]), texts
        if len(self._buffer) > _LONGEST_LINE:
            raise ConnectionClosed(Reply(500, "", "the server's reply has no end"))


def read_whole(code: int, texts: Sequence[bytes]) -> Reply:
    """The reply with all that it says."""
    return parse_reply(code, [text.rstrip(b"\r").decode("latin-1") for text in texts])


def out_of_turn(reply: Reply) -> ConnectionClosed:
    """What to raise for an answer to nothing."""
    return ConnectionClosed(Reply(0, "4.5.0", f"the server's reply is out of turn: {reply}"))
