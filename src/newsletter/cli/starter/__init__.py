"""The files that a newsletter begins with, as text with places to fill in: @TITLE@, @DATE@ and so on."""

from __future__ import annotations

import re
from importlib.resources import files


def starter_text(name: str, **places: str) -> str:
    """A file of this folder, its places filled in."""
    text = (files(__name__) / name).read_text("utf-8")
    return re.sub("@([A-Z]+)@", lambda place: places[place[1].lower()], text)


def translated(name: str, language: str) -> str:
    """The name of a file in a language, or in English where there is no translation: `hello` is `hello.fr.md`."""
    name_there = f"{name}.{language.partition('-')[0].lower()}.md"
    return name_there if (files(__name__) / name_there).is_file() else f"{name}.en.md"
