"""The page: blocks through the theme's templates into MJML, and MJML into HTML.

    blocks ──templates──▶ pieces ──group──▶ sections ──layout──▶ MJML ──compile──▶ HTML ──text put in──▶ styles inlined

The compiler never sees the author's text: a mark stands for each run of it, and the text is put in afterwards.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from newsletter.render import mjml, raw, styles
from newsletter.render.kept import Kept
from newsletter.render.pieces import Pieces
from newsletter.render.theme import LAYOUT, STYLE, made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from css_inline import CSSInliner

    from newsletter.render.block import Block
    from newsletter.render.holes import Holes
    from newsletter.render.theme import Machine

# White space between tags shrinks to a line feed, except in code.
_BETWEEN_TAGS = re.compile(r">[ \t]*\n[ \t\n]*<")
_CODE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
BEGINS, ENDS = '<i class="issue-begins"></i>', '<i class="issue-ends"></i>'


class Page:
    """One issue's HTML, on its way through a theme."""

    def __init__(
        self,
        machine: Machine,
        holes: Holes,
        variables: Mapping[str, Any],
        resolve: Callable[[str], str],
    ) -> None:
        self._machine = machine
        self._variables = variables
        self._less_than = f"{holes.nonce}ltzq"
        self._kept = Kept(holes.nonce)
        self._pieces = Pieces(machine, holes, variables, resolve, self._kept)

    def html(self, blocks: Sequence[Block]) -> str:
        """The document for the blocks, serialised, with marks for slots. Raises IssueError and ThemeError."""
        source = self._source(blocks)
        try:
            document = mjml.compile_mjml(self._kept.without_styles(source))
        except mjml.WrongMarkup as error:
            raise self._layout_error(error, source) from None
        return self._finish(self._kept.put_in(document))

    def source(self, blocks: Sequence[Block]) -> str:
        """The MJML for the blocks, with all text in it: to be read."""
        return self._kept.put_in(self._source(blocks))

    def _source(self, blocks: Sequence[Block]) -> str:
        variables = self._kept.markup_of(self._variables)
        body = made(self._pieces.sections(blocks))
        if variables.get("form") == "web":  # where the issue's own blocks begin and end, for feeds
            body = made(f"<mj-raw>{BEGINS}</mj-raw>{body}<mj-raw>{ENDS}</mj-raw>")
        return self._machine.run(LAYOUT, {**variables, "keep": self._kept.keep, "body": body})

    def _finish(self, document: str) -> str:
        from css_inline import InlineError

        css = self._machine.run(STYLE, dict(self._variables))
        try:
            # What writes the document anew escapes no `<` in attributes: it would look like the start of a tag.
            document = _inliner(css).inline(document.replace("&lt;", self._less_than))
        except InlineError as error:
            raise self._style_error(error) from None
        document = styles.pruned(raw.without_comments(document))
        parts = _CODE.split(document) if "<pre" in document else [document]
        parts[::2] = [_BETWEEN_TAGS.sub(">\n<", part) for part in parts[::2]]
        return "".join(parts).strip().replace(self._less_than, "&lt;") + "\n"

    def _style_error(self, error: Exception) -> Exception:
        """A style attribute in the author's HTML may be at fault, or the theme."""
        return self._machine.error(STYLE, f"a style cannot be read: {error}", fix="look at style attributes, too")

    def _layout_error(self, error: mjml.WrongMarkup, source: str) -> Exception:
        """Find the template whose output is at fault."""
        for markup, path in self._pieces.owners:
            try:
                mjml.check_markup(f"<mjml>{mjml.numeric_entities(markup)}</mjml>")
            except mjml.WrongMarkup as found:
                return self._template_error(path, markup, found)
        return self._template_error(LAYOUT, source, error)

    def _template_error(self, path: str, output: str, error: mjml.WrongMarkup) -> Exception:
        """The error with the template's line, found by the text of the output's line."""
        line = None
        if error.line is not None:
            lines = output.split("\n")
            wrong = lines[error.line - 1].strip() if error.line <= len(lines) else ""
            templates = [text.strip() for text in self._machine.theme.files[path].split("\n")]
            line = templates.index(wrong) + 1 if wrong in templates else min(error.line, len(templates))
        return self._machine.error(
            path,
            f"what it writes is not well-formed MJML: {error}",
            line,
            "close every element, quote every attribute, write < as &lt;",
        )


@lru_cache(maxsize=8)
def _inliner(css: str) -> CSSInliner:
    from css_inline import CSSInliner

    return CSSInliner(inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False, extra_css=css)
