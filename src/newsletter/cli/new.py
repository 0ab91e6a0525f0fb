"""newsletter new: begin the next issue, as a draft."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date
from typing import TYPE_CHECKING
from unicodedata import combining

import click

from newsletter.cli.console import short_path
from newsletter.cli.options import LANGUAGE, THEME, TITLE
from newsletter.cli.shell import Command, Session, pass_session
from newsletter.cli.starter import starter_text, translated
from newsletter.errors import Problem, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


_LONGEST_SLUG = 60  # characters of a file's name, so that a listing stays readable
_WORD = re.compile(r"[^\W_]+")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})  # letters that Unicode takes for one
_NUMBER = re.compile(r"""^number\s*[:=]\s*["']?(\d{1,9})["']?\s*(?:#.*)?$""", re.MULTILINE | re.IGNORECASE)
_HEAD = re.compile(r"---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
_ENOUGH = 4000  # characters; an issue's first lines stand within


@click.command(cls=Command)
@click.argument("title", type=TITLE)
@click.option("--theme", type=THEME, help="How it looks; otherwise as newsletter.toml says.")
@click.option("--language", type=LANGUAGE, help="What it is written in; otherwise as newsletter.toml says.")
@pass_session
def command(session: Session, title: str, theme: str | None, language: str | None) -> None:
    """Begin the next issue, as a draft, and print its path.

    It is named after the month and TITLE, and starts with the text that the theme proposes. When earlier issues have
    numbers, it gets the next one.
    """
    config = session.config()
    proposed, text = parted(_skeleton(theme or config.theme, config.templates, language or config.language))
    today = date.today()
    head = {
        "title": title,
        "date": today,
        "number": next_number(_beginnings(config.issues)),
        "lang": language if language != config.language else None,
        "theme": theme if theme != config.theme else None,
        "draft": True,
    }
    try:
        config.issues.mkdir(parents=True, exist_ok=True)
        path = write_new(config.issues, f"{today:%Y-%m}-{short_slug(title)}", f"{front_matter(head, proposed)}\n{text}")
    except OSError as error:
        fix = "see who may write there; newsletter.toml names the folder: issues"
        raise Refused(
            Problem(f"no issue can be made here: {error.strerror}", short_path(config.issues), fix=fix)
        ) from error
    session.console.result(short_path(path))
    session.console.note("It is a draft: `publish` refuses it until the line draft: true is gone.")


def short_slug(title: str) -> str:
    """A title as a part of a file's name: `L'été à Nantes !` is `l-ete-a-nantes`."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", title.casefold()) if not combining(letter))
    slug = unicodedata.normalize("NFC", "-".join(_WORD.findall(plain.translate(_LIGATURES)))) or "issue"
    if len(slug) <= _LONGEST_SLUG:
        return slug
    return slug[: _LONGEST_SLUG + 1].rpartition("-")[0] or slug[:_LONGEST_SLUG]


def next_number(beginnings: Iterable[str]) -> int | None:
    """One more than the highest number of the issues that begin so; None when none has a number."""
    numbers = [int(found[1]) for text in beginnings if (found := _NUMBER.search(text))]
    return max(numbers) + 1 if numbers else None


def parted(skeleton: str) -> tuple[list[str], str]:
    """The lines that a skeleton proposes for the front matter, and what it proposes to write below."""
    found = _HEAD.match(skeleton)
    return (found[1].splitlines(), skeleton[found.end() :]) if found else ([], skeleton)


def front_matter(head: Mapping[str, object], proposed: Iterable[str] = ()) -> str:
    """The first lines of an issue, in YAML; what is None is left out. JSON's texts and truths are YAML's, too."""
    lines = [
        f"{key}: {value if isinstance(value, date) else json.dumps(value, ensure_ascii=False)}"
        for key, value in head.items()
        if value is not None
    ]
    return "\n".join(["---", *lines, *proposed, "---", ""])


def write_new(folder: Path, stem: str, text: str) -> Path:
    """Write a text to a new file; when there is one of that name, `-2` is added to it, and so on."""
    number = 1
    while True:
        path = folder / (f"{stem}.md" if number == 1 else f"{stem}-{number}.md")
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            number += 1
        else:
            return path


def _beginnings(folder: Path) -> Iterable[str]:
    """The first lines of each issue, also of one that could not be read whole."""
    for path in (*folder.glob("*.md"), *folder.glob("*/index.md")):
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_ENOUGH)
        fence = text[:3]
        yield text.split(f"\n{fence}", 1)[0] if fence in ("---", "+++") else ""


def _skeleton(name: str, own: Path, language: str) -> str:
    """What the theme proposes to begin with, or else what we do. Raises ThemeError when there is no such theme."""
    from newsletter.sources.themes import read_theme

    theme = read_theme(name, own)
    in_language = f"skeleton.{language.partition('-')[0].lower()}.md"
    # A translation that is inherited does not count beside a skeleton that the theme has itself.
    if in_language in theme.files and (theme.is_own(in_language) or not theme.is_own("skeleton.md")):
        return theme.files[in_language]
    return theme.skeleton or starter_text(translated("skeleton", language))
