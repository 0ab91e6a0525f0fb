"""Almost: what was meant as a link or an image, and is plain text, because Markdown cannot read its address.

Without a word about it, readers would get `![A sky](my photo.jpg)` as it stands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem

if TYPE_CHECKING:
    from newsletter.render.holes import Holes

SIGN = "]("
_SCHEME = re.compile(r"\]\(\s*<?(?P<scheme>file|javascript|vbscript|data):", re.IGNORECASE)
_ADDRESS = re.compile(r"\]\((?P<address>[^()<>\"“”«»„]{1,300})")
_ENDING = re.compile(r"\S\.(?:jpe?g|png|gif|webp|avif|bmp|svg|heic|tiff?)$", re.IGNORECASE)


def refuse(text: str, holes: Holes, line: int) -> None:
    """Raise IssueError for text that holds what was to be a link or an image."""
    if found := _SCHEME.search(text):
        scheme = found["scheme"].lower()
        fix = "name a file of the newsletter, as photo.jpg, or an address that begins with https://"
        raise IssueError(Problem(f"an address that begins with `{scheme}:` cannot be shown", holes.path, line, fix=fix))
    for found in _ADDRESS.finditer(text):
        address = holes.restore(found["address"].strip())
        if " " in address and _ENDING.search(address):
            fix = f"write it between angle brackets: (<{address}>)"
            raise IssueError(
                Problem(f"the address `{address}` holds a space, and so is none", holes.path, line, fix=fix)
            )
