"""Kept: markup that the MJML compiler does not see; a mark stands for each run of it until the compiler is done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from newsletter.render import raw
from newsletter.render.theme import made

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kept:
    """The runs of markup of one page, by their marks."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._runs: list[str] = []
        self._mark = re.compile(rf"{nonce}k(\d+)zq")

    def keep(self, markup: str) -> Markup:
        """The mark for a run of markup, or of text, which is escaped."""
        self._runs.append(str(Markup.escape(markup)))
        return made(f"{self._nonce}k{len(self._runs) - 1}zq")

    def markup_of(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """A template's variables, with marks for those that are markup."""
        return {
            name: self.keep(value) if value and isinstance(value, Markup) else value
            for name, value in variables.items()
        }

    def without_styles(self, source: str) -> str:
        """The MJML with a mark in each style sheet: most of a page is style, and none of it is the compiler's."""
        out: list[str] = []
        position = 0
        for _, start, end in raw.raw_texts(source, ("mj-style",)):
            if source.find(self._nonce, start, end) < 0:  # it is not kept already
                out += (source[position:start], self.keep(made(source[start:end])))
                position = end
        return "".join((*out, source[position:]))

    def put_in(self, document: str) -> str:
        """The document with each run in the place of its mark."""
        return self._mark.sub(lambda mark: self._runs[int(mark[1])], document)
