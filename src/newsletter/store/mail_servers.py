"""Where the mail of domains goes, as the DNS said when it was asked: kept, so that it is asked seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from newsletter.store.database import Database

FRESH_SECONDS = 7 * 86_400  # a company that moves its mail to another house has done so by then


def domains_to_ask(database: Database, mailing: int, known: Collection[str], now: int, limit: int) -> list[str]:
    """The domains of those who wait in a mailing, but for the `known` ones and those that were asked of lately.

    At most `limit`, those with the most readers first. What is known by now needs no record: it is taken off.
    """
    with database.transaction() as connection:
        connection.executemany("DELETE FROM mail_servers WHERE domain = ?", [(domain,) for domain in known])
        rows = connection.execute(
            """
            SELECT w.domain FROM (
                SELECT substr(s.canonical, instr(s.canonical, '@') + 1) AS domain, count(*) AS readers
                FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
                WHERE d.mailing_id = ? AND d.state IN (0, 4) GROUP BY 1
            ) w
            WHERE NOT EXISTS (SELECT 1 FROM mail_servers m WHERE m.domain = w.domain AND m.at > ?)
            ORDER BY w.readers DESC, w.domain LIMIT ?
            """,
            (mailing, now - FRESH_SECONDS, limit + len(known)),
        ).fetchall()
    return [domain for (domain,) in rows if domain not in known][:limit]


def remember(database: Database, servers: Mapping[str, str], now: int) -> None:
    """Keep the best mail server of each domain; "" for one that takes no mail."""
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO mail_servers (domain, server, at) VALUES (?, ?, ?) "
            "ON CONFLICT (domain) DO UPDATE SET server = excluded.server, at = excluded.at",
            [(domain, server, now) for domain, server in servers.items()],
        )


def domains_at(database: Database, endings: Sequence[str]) -> list[str]:
    """The domains whose mail goes to a server whose name ends so; each ending begins with a dot."""
    if not endings:
        return []
    where = " OR ".join(["'.' || server LIKE '%' || ?"] * len(endings))
    with database.reading() as connection:
        rows = connection.execute(f"SELECT domain FROM mail_servers WHERE {where}", tuple(endings)).fetchall()  # noqa: S608  (marks only)
    return [domain for (domain,) in rows]
