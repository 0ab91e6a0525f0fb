"""What PostgreSQL says when it cannot, told as a StoreError that says what to do. No password is ever repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from newsletter.errors import Problem, StoreError
from newsletter.store.database import Locked, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping


_AGAIN = "nothing of this step was stored; run the command again"
_SETTING = "check url under [store] in newsletter.toml"

# https://www.postgresql.org/docs/current/errcodes-appendix.html: a code, or its first two signs.
_FULL = ("the server has no connection left", "raise max_connections there, or let fewer processes run")
_LOCKED = "55P03"
_BY_CODE = {
    "25006": ("the database is read-only", "name the server that takes changes, not one that follows it"),
    "25P03": ("the server ended a transaction in which nothing was asked for too long", _AGAIN),
    "40001": ("another process changed the same rows at this moment", _AGAIN),
    "40P01": ("two processes waited for each other", _AGAIN),
    "42501": ("{user} may not do this in the database", "let the owner of its tables run this, or grant the rights"),
    "53100": ("the server's disk is full; nothing of this step was stored", "make room on it, then run this again"),
    "53200": ("the server has no memory left; nothing of this step was stored", "run the command again"),
    "53300": _FULL,
    _LOCKED: (
        "the database is locked by another process",
        "wait until the other newsletter command has ended, then run this one again",
    ),
    "57014": ("the server's own time limit stopped this", "raise statement_timeout for {user}"),
    "58030": ("the server's disk failed", "look into the server's log"),
    "XX001": ("the database is damaged", "look into the server's log, and restore a backup"),
}
LOST = ("57P01", "57P02", "57P03", "57P05", "08")
_HIDDEN = "into the variable PGPASSWORD, or into the file ~/.pgpass"
# A connection that is refused has no code: a piece of the server's words.
_BY_WORDS = (
    (
        "password authentication failed",
        "the server does not take the password of {user}",
        f"put the right one {_HIDDEN}",
    ),
    ("no password supplied", "the server asks for a password of {user}", f"put it {_HIDDEN}"),
    ("authentication failed", "the server does not let {user} in", "check the user in url under [store]"),
    ("no pg_hba.conf entry", "the server does not let {user} in from here", "add a line for it to its pg_hba.conf"),
    ("role ", "the server knows no user {user}", "make one with: createuser {user}"),
    ("database ", "the server has no database {dbname}", "make one with: createdb --owner {user} {dbname}"),
    ("too many clients", *_FULL),
    ("remaining connection slots", *_FULL),
)
_NOT_THERE = ("connection failed", "connection is bad", "timeout expired", "failed to resolve host")
_COMES_BACK = ("starting up", "shutting down", "in recovery mode")


def comes_back(error: psycopg.Error) -> bool:
    """Whether a server that says so will soon let somebody in."""
    return any(words in str(error) for words in _COMES_BACK)


class Translated:
    """Tells what the driver raises in our words. A class, since every transaction goes through it."""

    __slots__ = ("_name", "_settings")

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self._name = name
        self._settings = settings

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if error is None or isinstance(error, StoreError):
            return
        if isinstance(error, psycopg.Error) and (told := self._told(error)):
            # The driver's own error stays out of what is shown: its words may name the server's settings.
            raise told from error

    def _told(self, error: psycopg.Error) -> StoreError | None:
        who = {"user": "this user", "dbname": "of this name", **self._settings}
        code = error.sqlstate or ""
        if found := _BY_CODE.get(code):
            kind = Locked if code == _LOCKED else StoreError
            return kind(Problem(found[0].format(**who), path=self._name, fix=found[1].format(**who)))
        if code.startswith(LOST):
            return self._unreachable("the server ended the connection", "once it is back, run the command again")
        # Anything else that has a code is a mistake of this program, and its own words serve best.
        if code or not isinstance(error, psycopg.OperationalError):
            return None
        words = str(error)
        if "FATAL" in words:
            for piece, message, fix in _BY_WORDS:
                if piece in words:
                    return StoreError(Problem(message.format(**who), path=self._name, fix=fix.format(**who)))
            if comes_back(error):
                return self._unreachable("the server is starting, or ending", "wait a moment, then run this again")
        if any(piece in words for piece in _NOT_THERE):
            place = who.get("host") or who.get("hostaddr") or "this machine"
            return self._unreachable(
                f"no PostgreSQL server answers at {place} ({_gist(words)})", f"see that it runs there, and {_SETTING}"
            )
        return self._unreachable("the connection to the server was lost", "once it is back, run the command again")

    def _unreachable(self, message: str, fix: str) -> Unreachable:
        return Unreachable(Problem(message, path=self._name, fix=fix))


def _gist(words: str) -> str:
    """The end of the first line, where the library says why."""
    return words.strip().splitlines()[0].rpartition(": ")[2].strip()
