"""Bytes for headers and bodies: quoted-printable, base64 (RFC 2045 section 6.7, 6.8) and encoded words (RFC 2047).

The standard library does this, too, at a hundred times the cost, and folds long List-Unsubscribe headers into
encoded words that mail clients cannot read. Here every function is pure, and the tests hold the result against the
standard library's parser.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_qp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = 76  # characters in a line of quoted-printable, and of a header with encoded words
_WIDTH = _LINE - 1  # of them for text: one column stays free for the "=" of a soft break
_WORD = 75  # characters in one encoded word

# What may not stand in a header value at all: it would end the header, or cannot be written.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322 phrase
_ADDRESS = re.compile(r"[^\s\x00-\x20\x7f<>,;:()\[\]\"\\]+")

_QP = [chr(byte) if 32 <= byte <= 126 and byte != 61 else f"={byte:02X}" for byte in range(256)]
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = ["_" if byte == 32 else chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in range(256)]


def header_safe(value: str) -> str:
    """The value, unchanged. Raises ValueError when it holds what would end or break a header."""
    if not value.isprintable() and (found := _UNSAFE.search(value)):
        raise ValueError(f"a header value holds U+{ord(found[0]):04X}, which no header may hold")
    return value


def header(name: str, value: str) -> bytes:
    """An unstructured header, folded, with its line end."""
    value = header_safe(value).strip(" ")
    used = len(name) + 2
    if _PRINTABLE.fullmatch(value) and "=?" not in value:
        if used + len(value) <= _LINE:
            return f"{name}: {value}\r\n".encode("ascii")
        if "  " not in value and max(map(len, value.split(" "))) < _LINE - used:
            return _fold(name, value.split(" "))
    return f"{name}: {_encoded_words(value, used)}\r\n".encode("ascii")


def mailbox_header(name: str, phrase: str, address: str) -> bytes:
    """A header with one mailbox, or a List-Id: an optional phrase, and the address.

    An address outside ASCII is written as UTF-8 (RFC 6532), which only a next hop with SMTPUTF8 takes.
    Raises ValueError for an address that would break out of its place.
    """
    if not _ADDRESS.fullmatch(header_safe(address)):
        raise ValueError("an address holds a character that no address may hold")
    phrase = header_safe(phrase).strip()
    if not phrase and name != "List-Id":
        return f"{name}: {address}\r\n".encode()
    used = len(name) + 2
    if not phrase:
        words = ""
    elif not phrase.isascii():
        words = _encoded_words(phrase, used)
    elif _ATOMS.fullmatch(phrase) and "=?" not in phrase and len(phrase) <= _LINE - used:
        words = phrase
    elif "=?" not in phrase and len(phrase) <= 60:
        words = '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        words = _encoded_words(phrase, used)
    last_line = used + len(words) if "\r\n" not in words else len(words.rpartition("\r\n")[2])
    gap = "" if not words else " " if last_line + len(address) + 3 <= _LINE else "\r\n "
    return f"{name}: {words}{gap}<{address}>\r\n".encode()


def _fold(name: str, words: list[str]) -> bytes:
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append("")
        lines[-1] += " " + word
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _encoded_words(text: str, used: int) -> str:
    """The text as encoded words, one a line, the first after `used` columns, none splitting a character."""
    raw = text.encode("utf-8")
    room = _WORD - used - len("=?utf-8?q??=")
    whole = "".join([_Q[byte] for byte in raw])
    q_is_shorter = len(whole) <= len(raw) * 4 / 3
    if not q_is_shorter:
        whole = b64encode(raw).decode()
    if len(whole) <= room:  # as nearly every name does
        return f"=?utf-8?{'q' if q_is_shorter else 'b'}?{whole}?="
    words: list[str] = []
    current: list[str] = []
    size = 0.0
    for char in text:
        octets = char.encode("utf-8")
        cost = sum(len(_Q[byte]) for byte in octets) if q_is_shorter else len(octets) * 4 / 3
        if current and size + cost > room - (0 if q_is_shorter else 3):
            words.append(_encoded_word("".join(current), q_is_shorter))
            current, size, room = [], 0.0, _WORD - 1 - len("=?utf-8?q??=")
        current.append(char)
        size += cost
    words.append(_encoded_word("".join(current), q_is_shorter))
    return "\r\n ".join(words)


def _encoded_word(text: str, q: bool) -> str:
    raw = text.encode("utf-8")
    if q:
        return "=?utf-8?q?" + "".join(_Q[byte] for byte in raw) + "?="
    return "=?utf-8?b?" + b64encode(raw).decode() + "?="


def quoted_printable(text: str, *, soft_end: bool = False) -> bytes:
    """Text as quoted-printable that starts at column 0 and has CRLF line ends.

    With `soft_end`, what follows it starts at column 0, too, and still belongs to the same line of text.
    No line starts with a dot (dot-stuffing is never needed) or with "From " (some mailboxes would quote it). There
    are no tabs, and never two spaces in a row: the text is its own canonical form for DKIM (RFC 6376 section 3.4).
    """
    out: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = len(lines) - 1
    for number, line in enumerate(lines):
        out.extend(_quoted_line(line, keep_end=number == last and soft_end))
        if number < last:
            out.append("\r\n")
    if soft_end and lines[-1]:
        out.append("=\r\n")
    return "".join(out).encode("ascii")


def _quoted_line(line: str, *, keep_end: bool) -> Iterator[str]:
    """One line of text in pieces: lines of at most 76 characters with soft breaks between them."""
    text = line if line.isascii() and line.isprintable() and "=" not in line else _escaped(line)
    text = text.replace("  ", " =20")
    if not keep_end and text.endswith(" "):
        text = f"{text[:-1]}=20"
    start, length = 0, len(text)
    while start < length:
        room = _WIDTH
        if text[start] == "." or text.startswith("From ", start):
            yield f"={ord(text[start]):02X}"
            start += 1
            room -= 3
        end = start + room
        if end < length:
            # An escape is not cut in two.
            end -= 1 if text[end - 1] == "=" else 2 if text[end - 2] == "=" else 0
        yield text[start:end]
        if end < length:
            yield "=\r\n"
        start = end


def _escaped(text: str) -> str:
    return "".join([_QP[byte] for byte in text.encode("utf-8")])


def quoted_value(text: str) -> bytes:
    """What fills a hole in a body: quoted-printable between two soft breaks. The text is one line.

    Raises UnicodeEncodeError (a ValueError) for a lone surrogate.
    """
    # Nearly every value is a link or a name: 0.4 µs for what is ASCII, 0.8 for a short name with accents, where the
    # careful way takes 5. Both write what it writes.
    if text and text.isprintable() and "  " not in text:
        if text.isascii() and "=" not in text:
            first, second = text[:_WIDTH], text[_WIDTH:]
            if len(second) <= _WIDTH and first[0] not in ".F" and second[:1] not in (".", "F"):
                return f"{first}=\r\n{second}=\r\n".encode("ascii") if second else f"{first}=\r\n".encode("ascii")
        elif len(text) <= _WIDTH and text[0] not in ".F" and text[-1] != " ":
            octets = text.encode("utf-8")
            if 3 * len(octets) <= _WIDTH:  # however many of them are written as three
                return b2a_qp(octets) + b"=\r\n"
    return quoted_printable(text, soft_end=True)


def base64_lines(content: bytes) -> bytes:
    """Base64 (RFC 2045 section 6.8) in lines of 76 characters, without a line end after the last."""
    text = b64encode(content)
    return b"\r\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))
