"""Snippets on disk: Markdown that several issues share, one file each, in `templates/snippets/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import IssueError, Problem
from newsletter.sources.themes import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from newsletter.render.snippets import Snippet

FOLDER = "snippets"


def read_snippets(templates: Path) -> Mapping[str, Snippet]:
    """The author's snippets by their names: the path below `templates`/snippets without its ending.

    Raises IssueError for one that cannot be read.
    """
    from newsletter.render.snippets import Snippet

    folder = templates / FOLDER
    found: dict[str, Snippet] = {}
    for path in sorted(folder.rglob("*.md")):
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise IssueError(Problem(f"cannot be read: {error}", shown(path))) from None
        found[path.relative_to(folder).with_suffix("").as_posix()] = Snippet(shown(path), text)
    return found
