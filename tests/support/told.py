"""The commands about the list in a small newsletter, and what they told.

assert told.by("add", "ana@example.org") == 0
assert "on the list" in told.out
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.cli import main
from newsletter.cli.console import Console
from newsletter.cli.shell import Session

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

__all__ = ["Told", "letter", "small_newsletter", "told"]


class Told:
    """Runs commands that begin with the same words, and keeps what the last one told."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str, now: datetime | None = None) -> None:
        """`now` is the time that they believe; None: the real one."""
        self._capsys, self._words, self._now = capsys, words, now
        self.out = self.err = ""

    def by(self, *arguments: str, now: datetime | None = None) -> int:
        """Run one, perhaps at another time; its exit code."""
        self._capsys.readouterr()
        moment = now or self._now
        session = Session(Console(), clock=lambda: moment) if moment else None
        code = main([*self._words, *arguments], session)
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str) -> Any:
        """Run one that succeeds; its report."""
        assert self.by(*arguments, "--json") == 0, self.err
        return json.loads(self.out)


def small_newsletter(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str = 'language = "en"') -> Path:
    """A newsletter in this folder, which is the current one from now on."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)
    (folder / "newsletter.toml").write_text(f'[newsletter]\ntitle = "Letter"\n{settings}\n')
    return folder


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A newsletter in the current folder."""
    return small_newsletter(tmp_path, monkeypatch)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """What `newsletter subscribers …` tells."""
    return Told(capsys, "subscribers")
