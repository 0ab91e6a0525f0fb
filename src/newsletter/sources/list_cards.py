"""A list as vCards (RFC 6350, RFC 2426, and vCard 2.1), as address books export them: one card a person.

EMAIL        the preferred one, by PREF=1 or TYPE=PREF, else the first
N, FN        the first and the last name, the whole one
CATEGORIES   tags
LANG         the language
ORG          the field `organization`

Cards are found line by line, and handed to vobject one at a time, less all that is not read here, such as photographs:
a card that is broken spoils no other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from newsletter.sources.csv_list import Unreadable
from newsletter.sources.list_columns import columns
from newsletter.sources.list_text import TextFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

HEADER = ["email", "first_name", "last_name", "name", "language", "tags", "organization"]
_READ = re.compile(r"(?:[\w-]+\.)?(VERSION|EMAIL|N|FN|CATEGORIES|LANG|ORG)[;:]", re.IGNORECASE)
_BEGIN = re.compile(r"BEGIN:VCARD\s*$", re.IGNORECASE)
_END = re.compile(r"END:VCARD\s*$", re.IGNORECASE)
_MOST_LINES = 200  # that are read of one card
_LONGEST = 10_000  # characters of such a line


class CardList:
    """A file of vCards that can be read several times over."""

    def __init__(
        self, opener: Callable[[], BinaryIO], name: str, part: str = "", mapping: Mapping[str, str] | None = None
    ) -> None:
        """Look at the file. Raises ListError when it is no text."""
        self.name, self.part = name, part
        self.header, self.header_line, self.delimiter = list(HEADER), 1, ","
        self.columns = columns(self.header, name, mapping)
        self.how = "vCards"
        self._file = TextFile(opener, name)

    def rows(self) -> Iterator[tuple[int, list[str] | Unreadable]]:
        """Each card with the line on which it begins: its cells, or what is wrong with it."""
        for line, lines in self._cards():
            if isinstance(lines, Unreadable):
                yield line, lines
                continue
            try:
                yield line, _cells(lines)
            except Exception as error:  # vobject raises whatever comes of what it is given
                reason = f"this vCard cannot be read: {str(error)[:100] or type(error).__name__}"
                yield line, Unreadable(reason, next((text for text in lines if "@" in text), ""))

    def _cards(self) -> Iterator[tuple[int, list[str] | Unreadable]]:
        """Each card's lines that are worth reading, unfolded."""
        card: list[str] | None = None
        begins, number, reading = 0, 0, False
        for block in self._file.lines():
            for line in block:
                number += 1
                line = line.rstrip("\r\n")
                if _BEGIN.match(line):
                    if card is not None:
                        yield begins, Unreadable("this vCard has no END:VCARD", "")
                    card, begins, reading = [], number, False
                elif card is None:
                    continue
                elif _END.match(line):
                    yield begins, card
                    card = None
                elif line[:1] in (" ", "\t") or (reading and card and _goes_on(card[-1])):
                    if reading and card and len(card[-1]) < _LONGEST:
                        card[-1] = (card[-1][:-1] if _goes_on(card[-1]) else card[-1]) + line[line[:1] in (" ", "\t") :]
                else:
                    reading = bool(_READ.match(line)) and len(card) < _MOST_LINES
                    if reading:
                        card.append(line[:_LONGEST])
        if card is not None:
            yield begins, Unreadable("this vCard has no END:VCARD", "")

    def about(self) -> int:
        """How many cards there are."""
        return sum(1 for _ in self._cards())


def _goes_on(line: str) -> bool:
    """Whether a line in quoted-printable ends with a soft break."""
    return line.endswith("=") and "QUOTED-PRINTABLE" in line.partition(":")[0].upper()


def _cells(lines: list[str]) -> list[str]:
    from vobject import readOne  # type: ignore[import-untyped]

    card = readOne("\r\n".join(["BEGIN:VCARD", *lines, "END:VCARD", ""]), allowQP=True).contents
    name = card["n"][0].value if "n" in card else None
    tags = [tag for each in card.get("categories", ()) for tag in _listed(each.value)]
    return [
        _best(card.get("email", ())),
        _joined(getattr(name, "given", "")),
        _joined(getattr(name, "family", "")),
        _joined(card["fn"][0].value) if "fn" in card else "",
        _best(card.get("lang", ())),
        ";".join(tags),
        _joined(card["org"][0].value) if "org" in card else "",
    ]


def _best(lines: Any) -> str:
    """The value that is preferred, else the first."""

    def rank(line: Any) -> int:
        types = {one.upper() for one in (*line.params.get("TYPE", ()), *line.singletonparams)}
        stated = line.params.get("PREF", ["101"])[0]
        return 0 if "PREF" in types else int(stated) if stated.isdecimal() else 101

    found = min(lines, key=rank, default=None)
    return str(found.value).strip().removeprefix("mailto:") if found is not None else ""


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else str(value).split(",")


def _joined(value: Any) -> str:
    return " ".join(map(str, value)).strip() if isinstance(value, list) else str(value or "").strip()


def is_cards(head: bytes) -> bool:
    """Whether a file begins as vCards do."""
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    return bool(re.match(r"\s*BEGIN:VCARD\b", text, re.IGNORECASE))
