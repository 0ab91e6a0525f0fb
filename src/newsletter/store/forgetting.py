"""Forgetting: all that is kept about a person goes, and the pages of the file that held it are written anew.

erase     one person, in a transaction: the entry, the consents, the changes, what servers said of the address
keep_out  the seal of an address, so that no import brings it back
scrub     after one or many: no free page of the file, and no page of the log, holds a trace
want_scrub, scrub_if_wanted     the same later, once for all who went in the meantime

What stays is a number that means nobody any more: that somebody got a mailing, and what became of it, so that the
counts of a mailing stay true.
"""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING

from newsletter.delivery import State
from newsletter.store import life
from newsletter.store.database import Locked
from newsletter.store.seals import seal
from newsletter.subscriber import canonical
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from newsletter.store.database import Connection, Database

GONE = "(forgotten)"
_WANTED = "scrub wanted"

# Tables in which rows are a person's, and nothing else's.
_OWN = ("consents", "changes", "notices")
_ANEW = (
    "VACUUM FULL subscribers, suppressions, consents, changes, notices, hooks",
    "VACUUM deliveries, events, mailings",
)
# A server keeps a deleted row for as long as anybody looks at the database as it was before, whatever they look at. Our
# own view begins before the oldest transaction that writes, be it in another database of that server.
_NOW = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
_LOOKING_BACK = """
    SELECT count(pg_sleep(0.05)) FROM pg_stat_activity, (SELECT CAST(? AS xid8) AS now) AS since
    WHERE CASE WHEN pid = pg_backend_pid() THEN pg_snapshot_xmin(pg_current_snapshot()) < now
    ELSE datname = current_database() AND greatest(age(backend_xmin), age(backend_xid)) > age(now::xid) END
"""
_LOOKS = 40

# What a server said may name the address. Why somebody was skipped is a word of ours, and stays. By the primary key: a
# mailing has a million deliveries, and a person a few.
_REPLIES = f"""
    UPDATE deliveries SET reply = '' WHERE subscriber_id = ? AND reply <> '' AND state <> {State.SKIPPED.value}
    AND mailing_id IN (SELECT id FROM mailings)
"""  # noqa: S608  (our own SQL)


def erase(connection: Connection, subscriber: int, address: str) -> None:
    """Let a person go, inside a transaction; `address` is canonical. What keeps the address out stays as it is."""
    _overwrite(connection)
    for table in _OWN:
        connection.execute(f"DELETE FROM {table} WHERE subscriber_id = ?", (subscriber,))  # noqa: S608  (_OWN)
    connection.execute("UPDATE events SET reply = '' WHERE subscriber_id = ? AND reply <> ''", (subscriber,))
    connection.execute(_REPLIES, (subscriber,))
    connection.execute("DELETE FROM subscribers WHERE id = ?", (subscriber,))
    erase_mentions(connection, address)


def erase_mentions(connection: Connection, address: str) -> None:
    """Take a canonical address out of wishes to join that wait, and of rules that mailings were sent by.

    What providers told, word for word, goes as a whole: what followed from it stays.
    """
    connection.execute("DELETE FROM hooks")
    wishes = connection.execute("SELECT id, content FROM notices WHERE content <> ''").fetchall()
    for number, content in wishes:
        if canonical(str(json.loads(content).get("email", ""))) == address:
            connection.execute("DELETE FROM notices WHERE id = ?", (number,))
    name = re.compile(rf"(?<![\w.+-]){re.escape(address)}(?![\w.-])", re.IGNORECASE)
    # Few rules speak of an address.
    for number, segment in connection.execute("SELECT id, segment FROM mailings WHERE segment LIKE '%@%'").fetchall():
        if name.search(segment):
            connection.execute("UPDATE mailings SET segment = ? WHERE id = ?", (name.sub(GONE, segment), number))


def keep_out(connection: Connection, address: str, now: int, *, always: bool) -> bool:
    """Put the seal of a canonical address in the place of its suppression; whether there is one now.

    With `always`, also for an address that was not suppressed: who asks to be forgotten does not want to be imported.
    """
    _overwrite(connection)
    row = connection.execute("SELECT reason, since, source FROM suppressions WHERE address = ?", (address,)).fetchone()
    if row is None and not always:
        return False
    reason, since, source = row or (Reason.UNSUBSCRIBED.value, now, "forgotten")
    connection.execute(
        "INSERT INTO suppressions (address, reason, since, source) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (address) DO NOTHING",
        (seal(connection, address), reason, since, source),
    )
    connection.execute("DELETE FROM suppressions WHERE address = ?", (address,))
    life.count_leaving(connection)
    return True


def scrub(database: Database) -> bool:
    """Write the whole file anew, and empty its log; False when another process kept us from it, and it is to be redone.

    A deleted row may leave copies behind in pages that were split, and in the log (https://www.sqlite.org/wal.html).
    It takes a few seconds for a list of a million.

    A server writes the tables of people anew, and lets the pages of the ledger be used again, which says the least and
    is the largest; what stands in its log and in its backups goes as they go.
    """
    if database.dialect.on_a_server:
        return _scrub_server(database)
    with database.own() as connection:
        connection.execute("PRAGMA secure_delete = ON")
        try:
            connection.execute("VACUUM")
            connection.execute("DELETE FROM meta WHERE name = ?", (_WANTED,))
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                want_scrub(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise
    return not busy


def _scrub_server(database: Database) -> bool:
    try:
        with database.own() as connection:
            want_scrub(connection)
            now = connection.execute(_NOW).fetchone()[0]
            for _ in range(_LOOKS):
                if not connection.execute(_LOOKING_BACK, (now,)).fetchone()[0]:
                    break
            else:
                return False
            for statement in _ANEW:
                connection.execute(statement)
            connection.execute("DELETE FROM meta WHERE name = ?", (_WANTED,))
    except Locked:
        return False
    return True


def _overwrite(connection: Connection) -> None:
    if not connection.dialect.on_a_server:
        connection.execute("PRAGMA secure_delete = ON")


def want_scrub(connection: Connection) -> None:
    """Put on record that the file is to be scrubbed, inside a transaction: it survives a stop."""
    connection.execute("INSERT INTO meta (name, value) VALUES (?, '') ON CONFLICT (name) DO NOTHING", (_WANTED,))


def scrub_if_wanted(database: Database) -> bool:
    """Scrub if that was asked for and not done since; whether it was done now."""
    with database.reading() as connection:
        if connection.execute("SELECT 1 FROM meta WHERE name = ?", (_WANTED,)).fetchone() is None:
            return False
    return scrub(database)


def copies(database: Database) -> list[str]:
    """The names of copies that upgrades left beside the database: they know nothing of who was forgotten since."""
    from newsletter.store.sqlite import SqliteDatabase

    if not isinstance(database, SqliteDatabase):
        return []
    return sorted(each.name for each in database.path.parent.glob(f"{database.path.name}.before-*"))
