"""What can go wrong, as one family, told so that the reader can act: where, what, why, what next.

NewsletterError
├── Refused            the issue, the configuration, the list or a theme is wrong; nothing was done   (exit 3)
│   ├── IssueError
│   ├── ConfigError
│   ├── ThemeError
│   ├── ListError      a subscriber list or a segment rule
│   └── LedgerError    the mailing cannot be planned or resumed as asked
└── Stopped            work began and could not go on; nothing is lost, `resume` goes on              (exit 4)
    ├── StoreError     the database is locked, read-only, newer than this program, …
    ├── TransportError the server cannot be reached, does not let us in, or refuses this sender
    ├── TakenOver      another process goes on with the mailing: this one was silent for too long
    └── Paused         to go on now would do harm: a daily limit is reached, or the server refuses us
        └── Halted     the author has asked for it
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it stands, what it is, and how to mend it.

    `path` is shown as given; `line` and `column` count from 1, and None means that the place is not known.
    """

    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    fix: str | None = None

    @property
    def place(self) -> str:
        """`path:line:column`, as far as known, in the form that editors turn into a link."""
        known = (self.path, self.line, self.column if self.line is not None else None)
        return ":".join(str(part) for part in known if part is not None)

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}" if self.place else self.message
        return f"{head}\n  → {self.fix}" if self.fix else head


class NewsletterError(Exception):
    """The base of every error that this program raises on purpose."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem(p) for p in problems)
        super().__init__("\n".join(map(str, self.problems)))


class Refused(NewsletterError):
    """Something that the author wrote is wrong; nothing was done."""


class IssueError(Refused):
    """An issue cannot be read or rendered."""


class ConfigError(Refused):
    """newsletter.toml is missing, or something in it is wrong."""


class ThemeError(Refused):
    """A theme does not exist or one of its templates is broken."""


class ListError(Refused):
    """A list of subscribers, an address or a segment rule cannot be used."""


class LedgerError(Refused):
    """A mailing cannot be planned or resumed as asked."""


class Stopped(NewsletterError):
    """Work began and could not go on; what was done is recorded."""


class StoreError(Stopped):
    """The database cannot be used now."""


class TransportError(Stopped):
    """The next hop cannot be reached, does not let us in, or refuses this sender."""


class TakenOver(Stopped):
    """Another process goes on with the mailing."""


class Paused(Stopped):
    """To go on now would do harm. `until` says when it would not, if that can be said."""

    def __init__(self, *problems: Problem | str, until: datetime | None = None) -> None:
        super().__init__(*problems)
        self.until = until


class Halted(Paused):
    """The author has paused or cancelled the mailing."""


_MOST_NAMES = 30  # that a message lists; nobody reads more
_PART = 3  # characters; fewer stand in too many names by chance


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that is written most like `word`, or None when nothing is near."""
    by_folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known name to propose for `word`: the nearest one, else the last one of which it is a part."""
    names = sorted(known)
    holding = [name for name in names if len(word) >= _PART and word.casefold() in name.casefold()]
    return nearest(word, names) or next(reversed(holding), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The fix for a misspelt name: the nearest one, and failing that all of them, or the first of very many."""
    names = sorted(known)
    if near := meant(word, names):
        return f"did you mean {near!r}?"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"known are: {', '.join(names[:_MOST_NAMES])}{more}"
