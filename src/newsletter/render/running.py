"""Running text as plain text: emphasis by signs, links by their address behind the label, notes by their number.

Where a theme asks for it, a link has a number, too, and its address stands at the end. Not within a condition: whom it
does not concern would see the address all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render import inline
from newsletter.render.holes import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from markdown_it.token import Token

    from newsletter.render.holes import Holes

_MARKS = {"strong_open": "*", "strong_close": "*", "em_open": "_", "em_close": "_", "s_open": "~", "s_close": "~"}


class RunningText:
    """Turns the tokens of a paragraph into plain text."""

    def __init__(self, holes: Holes, resolve: Callable[[str], str], *, numbered: bool = False) -> None:
        self._holes = holes
        self._resolve = resolve
        self._numbered = numbered
        self._numbers: dict[str, int] = {}
        self._conditions = 0  # that are open
        self.first_number = 1

    def numbered(self) -> Iterator[str]:
        """The addresses that have numbers, each with its own."""
        for address, number in self._numbers.items():
            yield f"[{number}] {address}"

    def passes(self, text: str) -> str:
        """The text, which may hold the marks of conditions that begin or end here."""
        if self._holes.nonce in text:
            for mark in self._holes.mark.finditer(text):
                kind = self._holes[int(mark[1])].kind
                self._conditions += (kind is Kind.IF) - (kind is Kind.ENDIF)
        return text

    def text(self, tokens: Sequence[Token]) -> str:
        """Running text; a line feed stands for a line break that the author asked for."""
        out: list[str] = []
        opened: list[tuple[int, str]] = []
        for token in tokens:
            match token.type:
                case "text" | "code_inline":
                    out.append(self.passes(token.content) if self._numbered else token.content)
                case "softbreak":
                    out.append(" ")
                case "hardbreak":
                    out.append("\n")
                case "image":
                    if alt := inline.text(token.children or ()):
                        out.append(f"[{alt}]")
                case "footnote_ref":
                    out.append(f"[{token.meta['id'] + 1}]")
                case "task":
                    out.append("[x] " if token.content else "[ ] ")
                case "html_inline":
                    if (href := inline.address_of(token.content)) is not None:
                        opened.append((len(out), href))
                    elif token.content.casefold().startswith("</a") and opened:
                        self._end_link(out, *opened.pop())
                    else:
                        out.append(inline.strip_tags(token.content))
                case "link_open":
                    # An address that is its own label is not said twice.
                    opened.append((len(out), "" if token.info == "auto" else str(token.attrGet("href") or "")))
                case "link_close":
                    self._end_link(out, *opened.pop())
                case "directive_open":
                    opened.append((len(out), str(token.meta["data"].get("href", ""))))
                case "directive_close":
                    self._end_link(out, *opened.pop())
                case _:
                    out.append(_MARKS.get(token.type, "" if token.nesting else token.content))
        return "".join(out)

    def _end_link(self, out: list[str], at: int, href: str) -> None:
        label = "".join(out[at:]).strip()
        if href.removeprefix("mailto:") != label:
            out.append(self._number(href) if self._numbered and not self._conditions else self.address(href))

    def _number(self, href: str) -> str:
        """The number of an address, behind its label."""
        address = self.address(href).strip(" <>")
        if not address:
            return ""
        return f" [{self._numbers.setdefault(address, self.first_number + len(self._numbers))}]"

    def address(self, href: str) -> str:
        """An address after its label; one within the page leads nowhere in plain text."""
        if not href or href.startswith("#"):
            return ""
        return f" <{self.whole(href).removeprefix('mailto:')}>"

    def whole(self, href: str) -> str:
        """An address as it is written in plain text."""
        return self.in_address(self._resolve(href))

    def in_address(self, address: str) -> str:
        """The address, with its slots told to be parts of an address."""
        return self._holes.mark.sub(lambda m: m[0] if not m.start() else m[0][:-2] + "uzq", address)
