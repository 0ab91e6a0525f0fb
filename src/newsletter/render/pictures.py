"""Pictures: which images an issue names, and where they stand in its blocks once somebody has prepared them.

    blocks ──used──▶ Use …    sources/images finds, fetches, shrinks    Picture … ──placed──▶ blocks

A block shows an image by `src`, and perhaps `width`, in its data; `picture` is added beside them. Images also stand in
running text, and in raw HTML. An address that holds a slot differs between recipients and is left as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from newsletter.picture import NO_PICTURE
from newsletter.render.raw import without_comments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from markdown_it.token import Token

    from newsletter.picture import Enclosed, Picture
    from newsletter.render.block import Block

_IMG = re.compile(r"""<img\b(?P<inside>(?>(?:[^>"']++|"[^"]*+"|'[^']*+')*))>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?P<name>[^\s=/"'>]+)(?:\s*=\s*(?:"(?P<a>[^"]*)"|'(?P<b>[^']*)'|(?P<c>[^\s"'>]+)))?""")


@dataclass(frozen=True, slots=True)
class Use:
    """An image that an issue names: its address as written, where, and how wide it is to be shown."""

    src: str
    line: int  # on which its block begins
    width: int = 0  # CSS pixels; 0: as wide as there is room
    is_needed: bool = (
        True  # False: nobody named it, such as the picture of a video; without it, something else is shown
    )
    lookup: str = ""  # of a video, whose address `src` is then: where to ask for the address of its picture
    path: str = ""  # the file that names it, when that is a theme's and not the issue's
    folder: str = ""  # where that file lies

    @property
    def key(self) -> str:
        """What its picture is known by: its address, and for a file of a theme the folder, too."""
        return self.lookup or (f"{self.folder}: {self.src}" if self.folder else self.src)


def used(blocks: Iterable[Block], nonce: str) -> Iterator[Use]:
    """The images of the blocks, in order, as often as they are used; `nonce` begins the mark of a slot."""
    for block in blocks:
        if "src" in block.data:
            is_needed = not block.data.get("is_guessed", False)
            yield from _use(block.data["src"], block.line, block.data.get("width", 0), nonce, is_needed=is_needed)
        if (lookup := block.data.get("lookup")) and nonce not in lookup:
            yield Use(block.data["href"], block.line, is_needed=False, lookup=lookup)
        if block.name == "html":
            yield from _used_in_raw(block.data["html"], block.line, nonce)
        for token in block.inline:
            if token.type == "image":
                yield from _use(str(token.attrGet("src") or ""), block.line, token.attrGet("width"), nonce)
            elif token.type == "html_inline":
                yield from _used_in_raw(without_comments(token.content), block.line, nonce)
        yield from used(block.children, nonce)


def placed(blocks: Sequence[Block], pictures: Mapping[str, Picture], most: int) -> tuple[Block, ...]:
    """The blocks with each picture in its place, in running text at most `most` CSS pixels wide."""
    return tuple(_placed(block, pictures, most) for block in blocks) if pictures else tuple(blocks)


def enclosed(uses: Iterable[Use], pictures: Mapping[str, Picture], document: str) -> tuple[Enclosed, ...]:
    """What the message has to carry, once each: a theme may leave out what an issue names."""
    named = (pictures[use.key].enclosed for use in uses if use.key in pictures)
    return tuple({each.digest: each for each in named if each and f"cid:{each.content_id}" in document}.values())


def _use(src: str, line: int, width: object, nonce: str, *, is_needed: bool = True) -> Iterator[Use]:
    if src and nonce not in src:
        yield Use(src, line, _pixels(width), is_needed)


def _used_in_raw(html: str, line: int, nonce: str) -> Iterator[Use]:
    for tag in _IMG.finditer(html):
        found = _attributes(tag["inside"])
        yield from _use(found.get("src", ""), line, found.get("width"), nonce)


def _pixels(written: object) -> int:
    text = str(written or "").removesuffix("px")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def _placed(block: Block, pictures: Mapping[str, Picture], most: int) -> Block:
    data: dict[str, Any] = dict(block.data)
    if "src" in data:
        picture = pictures.get(data.get("lookup") or data["src"])
        data["src"] = picture.src if picture else data["src"]
        data["picture"] = picture if picture is not NO_PICTURE else None
    if block.name == "html":
        data["html"] = _placed_in_raw(data["html"], pictures, most)
    tokens = tuple(_placed_token(token, pictures, most) for token in block.inline)
    return replace(block, data=data, inline=tokens, children=placed(block.children, pictures, most))


def _placed_token(token: Token, pictures: Mapping[str, Picture], most: int) -> Token:
    if token.type == "html_inline":
        return token.copy(content=_placed_in_raw(token.content, pictures, most))
    picture = pictures.get(str(token.attrGet("src"))) if token.type == "image" else None
    if picture is None:
        return token
    width, height = picture.shown(most, _pixels(token.attrGet("width")))
    return token.copy(attrs={**token.attrs, "src": picture.src, "width": width, "height": height})


def _placed_in_raw(html: str, pictures: Mapping[str, Picture], most: int) -> str:
    """The HTML with the images' addresses; a tag that says how large it is keeps its word."""

    def tag(found: re.Match[str]) -> str:
        attributes = _attributes(found["inside"])
        picture = pictures.get(attributes.get("src", ""))
        if picture is None:
            return found[0]
        attributes["src"] = picture.src
        if not attributes.keys() & {"width", "height"}:
            attributes["width"], attributes["height"] = map(str, picture.shown(most))
        # Without its other sources, which nobody prepared.
        written = (f'{name}="{escape(value)}"' for name, value in attributes.items() if name != "srcset")
        return f"<img {' '.join(written)} />"

    return _IMG.sub(tag, html) if pictures else html


def _attributes(inside: str) -> dict[str, str]:
    """A tag's attributes by their names in small letters; of two with one name, the first counts."""
    found: dict[str, str] = {}
    for each in _ATTRIBUTE.finditer(inside):
        found.setdefault(each["name"].lower(), unescape(each["a"] or each["b"] or each["c"] or ""))
    return found
