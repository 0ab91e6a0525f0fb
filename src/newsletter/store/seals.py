"""Seals: what stays of an address when its owner is forgotten, so that no import can bring it back.

A seal is the address's HMAC-SHA-256 (RFC 2104) under a key of this database. It cannot be turned round without the key,
and with the key only by trying addresses: a pseudonym, not nothing, and kept for one purpose.

    suppressions.address     ana@example.org     somebody who left, bounced, or is blocked
                             sealed:3f9c…        the same of somebody who is forgotten
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from newsletter.store.database import Connection

PREFIX = "sealed:"
_AFTER = "sealed;"  # the first text behind all that begin with the prefix
_KEY = "seal key"
_KEY_BYTES = 32
_AT_ONCE = 1000  # of a statement's parameters; SQLite takes 32,766, PostgreSQL 65,535


def seal(connection: Connection, address: str) -> str:
    """The seal of a canonical address, inside a transaction; the first call makes the database's key."""
    key = _key(connection)
    if key is None:
        connection.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (_KEY, secrets.token_hex(_KEY_BYTES)))
        key = _key(connection)
        assert key is not None
    return _sealed(key, address)


def known_seal(connection: Connection, address: str) -> str | None:
    """The seal of a canonical address; None as long as nobody was ever forgotten, so that there is no key."""
    key = _key(connection)
    return None if key is None else _sealed(key, address)


def sealed_among(connection: Connection, addresses: Iterable[str] | Callable[[], Iterable[str]]) -> dict[str, str]:
    """Those of canonical addresses that were forgotten, each with the reason of its suppression.

    Where nobody ever was, this costs a look at an index, and `addresses` is not called; else a microsecond an address.
    """
    key = _key(connection)
    if (
        key is None
        or not connection.execute(
            "SELECT EXISTS (SELECT 1 FROM suppressions WHERE address >= ? AND address < ?)", (PREFIX, _AFTER)
        ).fetchone()[0]
    ):
        return {}
    owners = {_sealed(key, each): each for each in (addresses() if callable(addresses) else addresses)}
    seals = list(owners)
    found: dict[str, str] = {}
    for start in range(0, len(seals), _AT_ONCE):
        part = seals[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        rows = connection.execute(f"SELECT address, reason FROM suppressions WHERE address IN ({marks})", part)  # noqa: S608  (marks only)
        found |= {owners[each]: reason for each, reason in rows}
    return found


def _key(connection: Connection) -> bytes | None:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_KEY,)).fetchone()
    return row and bytes.fromhex(row[0])


def _sealed(key: bytes, address: str) -> str:
    return PREFIX + hmac.digest(key, address.encode(), "sha256").hex()
