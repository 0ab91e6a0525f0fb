"""newsletter themes: which there are, and what each of them is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import ExitCode, count, short_path
from newsletter.cli.shell import Command, Session, json_option, pass_session
from newsletter.errors import ConfigError, ThemeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.cli.console import Console
    from newsletter.render.theme import Theme

_TABLES = {"fonts": "Faces", "sizes": "Sizes", "logo": "Logo"}


@click.command(cls=Command, epilog="Example: newsletter themes interview")
@click.argument("name", required=False)
@json_option
@pass_session
def command(session: Session, name: str | None, as_json: bool) -> ExitCode:
    """List the themes, or show what NAME is made of: its colours, faces and sizes, and the files that it changes."""
    from newsletter.sources.themes import read_theme, shipped_templates, theme_names

    own = _own_templates(session)
    if name is not None:
        theme = read_theme(name, own)
        if as_json:
            session.console.print_json(_as_json(theme) | {"tokens": theme.look, "files": dict(_files(theme))})
        else:
            _show(session.console, theme)
        return ExitCode.DONE
    themes, code = [], ExitCode.DONE
    for each in theme_names(*filter(None, (own, shipped_templates()))):
        try:
            themes.append(read_theme(each, own))
        except ThemeError as error:
            session.console.warn(error.problems[0])
            code = ExitCode.REFUSED
    if as_json:
        session.console.print_json([_as_json(theme) for theme in themes])
    else:
        _list(session.console, themes)
    return code


def _own_templates(session: Session) -> Path | None:
    """The author's own themes; outside of a newsletter there are none. Raises ConfigError for one that is broken."""
    from newsletter.sources.settings import find_config

    if session.config_file is None:
        import os

        try:
            find_config(Path.cwd(), None, os.environ)
        except ConfigError:
            return None
    return session.config().templates


def _as_json(theme: Theme) -> dict[str, Any]:
    return {
        "name": theme.name,
        "description": theme.description,
        "width": theme.width,
        "text_width": theme.text_width,
        "inherits": theme.inherits,
        "folder": str(Path(theme.folder).absolute()),
        "shipped": _is_shipped(theme),
    }


def _is_shipped(theme: Theme) -> bool:
    from newsletter.sources.themes import shipped_templates

    return Path(theme.folder).absolute().parent == shipped_templates().absolute()


def _whence(theme: Theme) -> str:
    return "shipped" if _is_shipped(theme) else short_path(theme.folder)


def _files(theme: Theme) -> Iterator[tuple[str, str]]:
    """The theme's own files, and what each does beside those that it inherits."""
    from newsletter.render.theme import INHERITED

    for path in sorted(theme.files):
        if theme.is_own(path) and path != "theme.toml":
            replaces = f"{INHERITED}{path}" in theme.files
            goes_on = replaces and INHERITED in theme.files[path]
            yield path, "goes on from" if goes_on else "replaces" if replaces else "adds"


# ── For people ──


def _list(console: Console, themes: list[Theme]) -> None:
    widest = max(len(theme.name) for theme in themes)
    for theme in themes:
        console.say(f"{click.style(theme.name, bold=True)}{' ' * (widest - len(theme.name))}  {theme.description}")
        console.say(f"{' ' * widest}  {theme.width} pixels wide, {theme.text_width} of them text · {_whence(theme)}")
    console.note("\nBegin an issue in one of them with: newsletter new TITLE --theme NAME")


def _show(console: Console, theme: Theme) -> None:
    console.say(f"{click.style(theme.name, bold=True)}: {theme.description}")
    from_it = f"inherits from {theme.inherits}" if theme.inherits else "inherits from none"
    console.say(f"{theme.width} pixels wide, {theme.text_width} of them text · {from_it} · {_whence(theme)}")
    light, dark = theme.look.get("light", {}), theme.look.get("dark", {})
    names = list(dict.fromkeys((*light, *dark)))
    console.say(f"\n{'Colours':<14}  {'light':<12}  dark")
    for name in names:
        console.say(f"  {name:<12}  {_swatch(light.get(name, ''))}  {_swatch(dark.get(name, ''))}")
    for table, title in _TABLES.items():
        said = {key: value for key, value in theme.look.get(table, {}).items() if value != ""}
        if said and (table != "logo" or "src" in said):
            console.say(f"\n{title}")
            for key, value in said.items():
                console.say(f"  {key:<12}  {value}{' px' if isinstance(value, int) else ''}")
    files = dict(_files(theme))
    console.say(f"\n{count(len(files), 'file')} of its own in {short_path(theme.folder)}")
    for path, what in files.items():
        console.say(f"  {what:<12}  {path}")


def _swatch(colour: str) -> str:
    """A colour, and on a terminal a glance at it."""
    if not colour:
        return " " * 12
    from newsletter.contrast import colour as numbers

    return f"{colour}  {click.style('   ', bg=numbers(colour))}"
