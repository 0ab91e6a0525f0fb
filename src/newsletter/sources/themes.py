"""Themes on disk: the author's own come first, then those that ship with the program.

A theme is a folder with a theme.toml in it; `notices/` and `web/` beside the themes are none.
"""

from __future__ import annotations

from pathlib import Path

import newsletter
from newsletter.errors import Problem, ThemeError, did_you_mean

MARK = "theme.toml"


def shipped_templates() -> Path:
    """The folder of the themes that ship: inside the installed package, or at the top of a checkout."""
    package = Path(newsletter.__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parents[1] / "templates"


def theme_folder(name: str, own: Path) -> Path:
    """The folder of a theme: below `own` (which may not exist), else among those that ship.

    Raises ThemeError with the nearest name when there is none.
    """
    places = (own, shipped_templates())
    for place in places:
        if (place / name / MARK).is_file():
            return place / name
    known = theme_names(*places)
    fix = did_you_mean(name, known) if known else f"make one in {own / name}, with a {MARK}"
    raise ThemeError(Problem(f"there is no theme {name!r}", fix=fix))


def theme_names(*places: Path) -> tuple[str, ...]:
    """The names of all themes in these folders, in order, each once."""
    return tuple(sorted({mark.parent.name for place in places if place.is_dir() for mark in place.glob(f"*/{MARK}")}))
