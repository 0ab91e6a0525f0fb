"""Spelling: the words that hunspell does not know, where it is installed with a dictionary of the language.

Words of the author's own stand in `words.txt` beside newsletter.toml, one on a line. Words that begin with a capital
are mostly names, and are left alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDERS = ("/usr/share/hunspell", "/usr/share/myspell/dicts", "/usr/local/share/hunspell", "/Library/Spelling")
_COUNTRIES = {"en": ("GB", "US"), "fr": ("FR",), "de": ("DE",), "es": ("ES",), "it": ("IT",), "pt": ("PT", "BR")}
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NOT_READ = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\S+@\S+|https?://\S+|\b(?:[\w-]+\.)+[a-z]{2,}\S*", re.DOTALL)
_ANSWER = re.compile(r"[&#] (\S+) [\d ]+(?:: (.*))?")
_SECONDS = 20


def misspelt(texts: Iterable[str], language: str, own: Path) -> dict[str, tuple[str, ...]]:
    """Each unknown word with what it may have been meant to be; nothing where nobody can tell."""
    dictionary = _dictionary(language)
    program = shutil.which("hunspell")
    if dictionary is None or program is None:
        return {}
    words = {word for text in texts for word in _WORD.findall(_NOT_READ.sub(" ", text)) if word[0].islower()}
    words -= _own_words(own)
    if not words:
        return {}
    asked = "".join(f"^{word}\n" for word in sorted(words))
    try:
        done = subprocess.run(  # noqa: S603  (a program of this machine, by its full path)
            [program, "-i", "utf-8", "-d", str(dictionary), "-a"],
            input=asked, capture_output=True, text=True, encoding="utf-8", timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return {}
    # Of `l'écolle` the part behind the apostrophe is told; the whole word is what stands in the text.
    whole: dict[str, list[str]] = {}
    for word in sorted(words):
        for part in {word, *re.split(r"['’-]", word)}:
            whole.setdefault(part, []).append(word)
    found: dict[str, tuple[str, ...]] = {}
    for answer in _ANSWER.finditer(done.stdout):
        for word in whole.get(answer[1], ()):
            found.setdefault(word, tuple((answer[2] or "").split(", ")) if answer[2] else ())
    return found


def _own_words(file: Path) -> set[str]:
    try:
        return {line.strip() for line in file.read_text("utf-8").splitlines()}
    except (OSError, UnicodeDecodeError):
        return set()


def _dictionary(language: str) -> Path | None:
    """The dictionary of the language, without its ending: as exact as there is one."""
    base, _, country = language.replace("_", "-").partition("-")
    names = [f"{base}_{country.upper()}"] if country else []
    names += [base, *(f"{base}_{each}" for each in _COUNTRIES.get(base, ()))]
    for folder in (*os.environ.get("DICPATH", "").split(os.pathsep), *_FOLDERS):
        for name in names:
            path = Path(folder) / name
            if folder and path.with_suffix(".dic").is_file():
                return path
    return None
