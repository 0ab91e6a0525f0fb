"""Themes on disk: the author's own come first, then those that ship with the program.

A theme is a folder with a theme.toml in it; `notices/` and `web/` beside the themes are none. One that says `inherits`
takes from the other every file that it does not have itself, and every token that it does not set.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import newsletter
from newsletter.errors import Problem, ThemeError, did_you_mean
from newsletter.toml_places import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.render.theme import Said as Place
    from newsletter.render.theme import Theme
    from newsletter.render.tokens import Said
    from newsletter.toml_places import Found, KeyPath

MARK = "theme.toml"
_READ = (".j2", ".md", ".toml")


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


def read_theme(name: str, own: Path | None = None) -> Theme:
    """The theme of that name with all that it inherits: below `own` (which may not exist), else one that ships.

    Raises ThemeError: there is no such theme, a file cannot be read, a theme inherits from itself, a token is wrong.
    """
    from newsletter.render.tokens import check

    said: list[Said] = []
    theme = _read(name, [place for place in (own, shipped_templates()) if place is not None], (), said)
    check(theme, said)
    return theme


def _read(name: str, places: Sequence[Path], children: tuple[tuple[str, Path], ...], said: list[Said]) -> Theme:
    """A theme over its parent; an own theme may inherit from the shipped one of the same name.

    What each theme.toml says is added to `said`, the child's before its parent's.
    """
    from newsletter.render.theme import Theme
    from newsletter.render.tokens import Said

    taken = {folder for _, folder in children}
    folders = (place / name for place in places)
    folder = next((folder for folder in folders if folder not in taken and (folder / MARK).is_file()), None)
    if folder is None:
        raise _unknown(name, places, children)
    files, origins = _files(folder)
    tokens, keys = read_toml(files[MARK], origins[MARK], ThemeError)
    said.append(Said(origins[MARK], tokens, keys))
    logo_said = _logo_said(folder, origins[MARK], keys)
    about = tokens.get("theme", {})
    parent_name = about.get("inherits") if isinstance(about, dict) else None
    if not parent_name:
        return Theme(name, files, tokens, origins, logo_said)
    parent = _read(str(parent_name), places, (*children, (name, folder)), said)
    return Theme(name, files, tokens, origins, logo_said).over(parent)


def _logo_said(folder: Path, path: str, keys: Mapping[KeyPath, Found]) -> dict[str, Place]:
    """Where a theme.toml names its logo's images, which lie in its folder."""
    from newsletter.render.theme import Said as Place

    places = {name: keys.get(("logo", name)) for name in ("src", "dark")}
    return {name: Place(path, found.key.line, str(folder)) for name, found in places.items() if found}


def _unknown(name: str, places: Sequence[Path], children: tuple[tuple[str, Path], ...]) -> ThemeError:
    fix = did_you_mean(name, theme_names(*places))
    if not children:
        return ThemeError(Problem(f"there is no theme {name!r}", fix=fix))
    names = [child for child, _ in children]
    place = shown(children[-1][1] / MARK)
    if name in names:
        ring = " → ".join([*names, name])
        return ThemeError(Problem(f"the theme inherits from itself: {ring}", place, fix="take one `inherits` away"))
    return ThemeError(Problem(f"there is no theme {name!r} to inherit from", place, fix=fix))


def _files(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of a theme's files by their path within it, and the paths to show for them."""
    files: dict[str, str] = {}
    origins: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _READ and path.is_file():
            inside = path.relative_to(folder).as_posix()
            origins[inside] = shown(path)
            try:
                files[inside] = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ThemeError(Problem(f"cannot be read: {error}", origins[inside])) from None
    return files, origins


def shown(path: Path) -> str:
    """The path as an author would write it: from here, if it is below here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
