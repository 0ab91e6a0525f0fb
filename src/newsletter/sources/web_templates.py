"""The templates of the archive's pages on disk: those that ship, and the author's own in their place, file by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import Problem, ThemeError
from newsletter.sources.themes import shipped_templates, shown

if TYPE_CHECKING:
    from pathlib import Path

FOLDER, NAMES = "web", "archive*.j2"


def read_web_templates(own: Path) -> dict[str, str]:
    """The texts of the templates by their names; `own` may not exist. Raises ThemeError for one that cannot be read."""
    found: dict[str, str] = {}
    for folder in (shipped_templates() / FOLDER, own / FOLDER):
        for path in sorted(folder.glob(NAMES)):
            try:
                found[path.name] = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ThemeError(Problem(f"cannot be read: {error}", shown(path))) from None
    return found
