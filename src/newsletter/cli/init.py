"""newsletter init: make a new newsletter in a folder, and overwrite nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from newsletter.cli.console import short_path
from newsletter.cli.options import ADDRESS, LANGUAGE, THEME, TITLE
from newsletter.cli.shell import Command, Session, pass_session
from newsletter.cli.starter import starter_text, translated
from newsletter.config_values import line
from newsletter.errors import ConfigError, Problem, Refused, ThemeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.cli.console import Console
    from newsletter.config import Config


_ROOT = re.compile(rb'^# inherits = "\w+"', re.MULTILINE)  # in a theme that inherits from none


class File(NamedTuple):
    """A file to be made unless it is there."""

    path: Path
    content: bytes
    purpose: str
    theme: Path | None = None  # the folder of which this is a part


def _theme_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The name of a theme. What is a folder's path stood in the wrong place: DIR comes before the option."""
    try:
        return value and THEME.convert(value, param, ctx)
    except click.BadParameter as error:
        raise click.BadParameter(f"{error.message}. {_folder_first(str(value))}", ctx, param) from None


def _folder_first(directory: str) -> str:
    return f"For a newsletter in a folder of that name: newsletter init {shlex.quote(directory)} --with-templates"


@click.command(cls=Command)
@click.argument("directory", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@click.option("--title", type=TITLE, help="The newsletter's name; otherwise that of the folder.")
@click.option("--language", type=LANGUAGE, default="en", help="Of its issues, such as en or fr.", show_default=True)
@click.option("--sender-email", type=ADDRESS, default="newsletter@example.org", help="Who the messages come from.")
@click.option(
    "--with-templates",
    callback=_theme_name,
    is_flag=False,
    flag_value="letter",
    metavar="[THEME]",
    help="Copy a theme, to change it.",
)
@pass_session
def command(
    session: Session, directory: Path, title: str | None, language: str, sender_email: str, with_templates: str | None
) -> None:
    """Make a new newsletter in DIR, or in the current folder.

    It gets a commented newsletter.toml, a first issue and a .gitignore, and can be tried at once. What is there
    already stays as it is.
    """
    from newsletter.config import parse_config
    from newsletter.sources.settings import config_in, read_config

    if directory.exists() and not directory.is_dir():
        raise Refused(Problem("this is a file", str(directory), fix="name a folder, which may be new"))
    folder = directory.absolute()
    there = config_in(folder)
    path = there or folder / "newsletter.toml"
    settings = starter_text(
        "newsletter.toml",
        title=_toml(title or _title_of(folder)),
        language=_toml(language),
        theme=_toml(with_templates or "letter"),
        email=_toml(sender_email),
    )
    config = read_config(there) if there else parse_config(settings, str(path))
    files = [
        File(path, settings.encode(), "who sends it, and how"),
        *_first_issue(config, date.today()),
        File(folder / ".gitignore", starter_text("gitignore").encode(), "what git leaves out"),
        *(_theme_files(config, with_templates) if with_templates else ()),
    ]
    made = [file for file in files if _make(file)]
    _tell(session.console, folder, made, [file for file in files if file not in made])
    _tell_next(session.console, folder, config)


def _first_issue(config: Config, today: date) -> Iterator[File]:
    """An issue to begin with, unless there is one already."""
    from newsletter.sources.issues import list_issues

    if config.issues.is_dir() and list_issues(config.issues):
        return
    name = f"{today:%Y-%m}-{'bonjour' if config.language.startswith('fr') else 'hello'}.md"
    path = config.issues / name
    shown = path.relative_to(config.folder).as_posix() if path.is_relative_to(config.folder) else str(path)
    text = starter_text(
        translated("hello", config.language), date=today.isoformat(), language=config.language, path=shown
    )
    yield File(path, text.encode(), "a first issue, ready to be read and sent to yourself")


def _theme_files(config: Config, name: str) -> Iterator[File]:
    from newsletter.sources.themes import shipped_templates, theme_folder

    try:
        source, target = theme_folder(name, config.templates), config.templates / name
    except ThemeError as error:
        (problem,) = error.problems
        fix = f"{problem.fix}{'' if (problem.fix or '').endswith('?') else '.'} {_folder_first(name)}"
        raise ThemeError(replace(problem, fix=fix)) from None
    for path in sorted(source.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path == source / "theme.toml":
                # What a copy does not have, such as a block that comes with a later version, is the shipped one's.
                content = _ROOT.sub(f'inherits = "{name}"'.encode(), content)
            yield File(target / path.relative_to(source), content, "a theme of your own, to be changed", target)
    yield File(
        config.templates / "README.md",
        (shipped_templates() / "README.md").read_bytes(),
        "how themes are made, and what each file receives",
    )


def _make(file: File) -> bool:
    """Write a file unless there is one. Raises Refused when its folder takes none."""
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with file.path.open("xb") as stream:
            stream.write(file.content)
    except FileExistsError:
        return False
    except OSError as error:
        reason = error.strerror or str(error)
        raise Refused(Problem(f"cannot be made: {reason}", str(file.path), fix="choose another folder")) from error
    return True


def _tell(console: Console, folder: Path, made: list[File], left: list[File]) -> None:
    here = "this folder" if folder == Path.cwd() else short_path(folder)
    for files, what in ((made, "Made in"), (left, "Left as it was in")):
        lines = {_told_as(file, folder): file.purpose for file in files}
        width = max(map(len, lines), default=0)
        if lines:
            console.say(f"{what} {here}:")
        for name, purpose in lines.items():
            console.say(f"  {name:<{width}}  {purpose}")
    for file in left:
        if file.path.name == ".gitignore" and (missing := _missing_lines(file)):
            fix = f"add the lines: {', '.join(missing)}"
            console.warn(Problem("git would take your list of subscribers, too", str(file.path), fix=fix))


def _told_as(file: File, folder: Path) -> str:
    """A file's name as seen from the folder; a theme's files are one."""
    path = file.theme or file.path
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    return f"{shown}{os.sep}" if file.theme else str(shown)


def _missing_lines(file: File) -> list[str]:
    """What the author's own .gitignore lacks."""
    there = {line.strip().strip("/") for line in file.path.read_text("utf-8", errors="replace").splitlines()}
    wanted = [line for line in file.content.decode().splitlines() if not line.startswith("#")]
    return [line for line in wanted if line.strip("/") not in there]


def _tell_next(console: Console, folder: Path, config: Config) -> None:
    from newsletter.sources.issues import list_issues

    issue = Path(os.path.relpath(list_issues(config.issues)[-1], config.folder)).as_posix()
    steps = [
        (f"newsletter preview {issue}", "look at it as readers will; the page follows each save"),
        ("newsletter inbox", "a mailbox on this machine; let it run, and go on in a second terminal"),
        ("newsletter subscribers add you@example.org", "the first reader"),
        (f"newsletter publish {issue}", "see the plan, say yes, and look into the mailbox"),
    ]
    if folder != Path.cwd():
        steps.insert(0, (f"cd {short_path(folder)}", ""))
    console.note("\nNext:")
    for step, purpose in steps:
        console.note(f"  {step:<46} {purpose}".rstrip())


def _title_of(folder: Path) -> str:
    """A name made of the folder's: `la-lettre` is "La lettre"."""
    words = " ".join(re.split(r"[\s_-]+", folder.name)).strip()
    try:
        return line(words[:1].upper() + words[1:]) or "My letter"
    except ConfigError:
        return "My letter"


def _toml(text: str) -> str:
    """A text as TOML writes it; JSON writes it alike, as long as there are no control characters."""
    return json.dumps(text, ensure_ascii=False)
