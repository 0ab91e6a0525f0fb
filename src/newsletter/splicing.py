"""Splicing: patterns compiled for one encoding. What is constant is encoded once; a recipient costs a few values.

    Program = [b"…", hole, b"…", hole, b"…"]     quoted-printable for the wire (message.py), JSON for APIs (letter.py)

A value that stands in several places, or is the same for the next recipient, is encoded once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.edition import ESCAPES, Pattern, Slot, Where, is_unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Constant = Callable[[str, bool], bytes]  # a piece of text, and whether a hole follows
    Value = Callable[[str], bytes]  # an escaped value; raises ValueError for what the encoding cannot hold


class Program:
    """Patterns as encoded constants and the places of what is filled in."""

    __slots__ = ("choices", "constants", "slots")

    def __init__(self) -> None:
        """Without anything yet; whoever compiles may add constants of its own between patterns."""
        self.constants: list[bytes] = []
        self.slots: list[tuple[int, int]] = []  # position, number of the encoded value
        self.choices: list[tuple[int, int, tuple[Program, ...]]] = []  # position, expression, branches

    def parts(self, encoded: Sequence[bytes], values: Sequence[str]) -> list[bytes]:
        """All in pieces: they are joined once, with all else that the message consists of."""
        out = self.constants.copy()
        for position, number in self.slots:
            out[position] = encoded[number]
        for position, index, branches in self.choices:
            branch = int(values[index])
            if 0 <= branch < len(branches):
                out[position] = b"".join(branches[branch].parts(encoded, values))
        return out


class _Expression:
    """The value of an expression, and the places where it stands."""

    __slots__ = ("index", "is_address", "is_part", "last", "numbers", "places", "quote")

    def __init__(self, index: int, at: dict[Where, int], quote: Value) -> None:
        self.index = index
        self.places = tuple((number, ESCAPES[where]) for where, number in at.items())  # of the encoded value
        self.numbers = tuple(at.values())
        self.is_address = Where.URL in at
        self.is_part = Where.URL_PART in at  # of an address
        self.quote = quote
        # The archive's address is everybody's, and so is a default where no name is known.
        self.last = ("", b"")

    def encode(self, value: str, encoded: list[bytes]) -> None:
        """Write the value into `encoded`, for each of its places."""
        known, once = self.last
        if value == known and once:
            for number in self.numbers:
                encoded[number] = once
            return
        if not self.is_part and is_unchanged(value, as_address=self.is_address):
            once = self.quote(value)
            self.last = (value, once)
            for number in self.numbers:
                encoded[number] = once
            return
        before, once = "", b""
        for number, escape in self.places:
            text = escape(value)
            if text != before or not once:  # it is often the same in HTML and in plain text
                before, once = text, self.quote(text)
            encoded[number] = once


class Splicer:
    """Compiles patterns of one edition, and encodes what their holes are filled with."""

    def __init__(self, constant: Constant, value: Value) -> None:
        """With the two halves of an encoding."""
        self._constant, self._value = constant, value
        self._numbers: dict[tuple[int, Where], int] = {}
        self._expressions: list[_Expression] = []

    def add(self, program: Program, pattern: Pattern) -> None:
        """Compile a pattern, at the end of a program."""
        for number, part in enumerate(pattern):
            if isinstance(part, str):
                program.constants.append(self._constant(part, number + 1 < len(pattern)))
                continue
            position = len(program.constants)
            program.constants.append(b"")
            if isinstance(part, Slot):
                encoded = self._numbers.setdefault((part.index, part.where), len(self._numbers))
                program.slots.append((position, encoded))
            else:
                branches = tuple(Program() for _ in part.branches)
                for inner, branch in zip(branches, part.branches, strict=True):
                    self.add(inner, (*branch, ""))
                program.choices.append((position, part.index, branches))

    def ready(self) -> None:
        """All patterns were added."""
        places: dict[int, dict[Where, int]] = {}
        for (index, where), number in self._numbers.items():
            places.setdefault(index, {})[where] = number
        self._expressions = [_Expression(index, at, self._value) for index, at in places.items()]

    def encode(self, values: Sequence[str]) -> list[bytes]:
        """What fills the holes of all programs for one recipient, whose `values` stand as in `Edition.expressions`."""
        encoded = [b""] * len(self._numbers)
        for expression in self._expressions:
            expression.encode(values[expression.index], encoded)
        return encoded
