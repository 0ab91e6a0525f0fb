"""How long it takes to decide who gets an issue: an audience of a million, and segments of it.

A list of a million people with tags and fields, 20,000 suppressed addresses, and a mailing that nine of ten were sent.
Counting is what `segments show` and the plan do; freezing writes the deliveries. By the processor's clock, since the
database works in this process: the disk and other programs do not count.
"""

from __future__ import annotations

import os
from time import process_time
from typing import TYPE_CHECKING

from benchmarks.measure import table
from newsletter.edition import Edition
from newsletter.field import Field, Kind
from newsletter.segment import parse
from newsletter.store.database import open_database
from newsletter.store.mailings import tally_of
from newsletter.store.plans import count_new, write_plan
from newsletter.store.segments import recipients
from newsletter.store.subscribers import Subscribers

if TYPE_CHECKING:
    from newsletter.audience import Rule
    from newsletter.store.database import Database

ROWS = int(os.environ.get("NEWSLETTER_BENCH_ROWS", 1_000_000))
NOW = 1_795_000_000
FIELDS = {"born": Field("born", Kind.DATE), "children": Field("children", Kind.NUMBER)}
RULES = {
    "everybody": "all",
    "a tag": "tag:volunteer",
    "a field": "city = Nantes",
    "a number": "children >= 2",
    "a date": "born after 1990-01-01",
    "days": "joined in the last 90 days",
    "history": 'not received "2026-10-hello"',
    "bounces": "bounced",
    "tag, field, history": 'tag:volunteer and city = Nantes and not received "2026-10-hello"',
}

_PEOPLE = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO subscribers (id, email, canonical, first_name, language, tags, fields, joined, created_at)
    SELECT i, 'reader' || i || '@example.org', 'reader' || i || '@example.org', 'Reader', 'fr',
           CASE i % 5 WHEN 0 THEN '["volunteer", "member"]' WHEN 1 THEN '["member"]' ELSE '[]' END,
           '{"city": "' || CASE i % 4 WHEN 0 THEN 'Nantes' WHEN 1 THEN 'Rennes' ELSE 'Brest' END || '", "born": "19'
           || (50 + i % 50) || '-05-0' || (1 + i % 9) || '", "children": "' || (i % 4) || '"}',
           ? - (i % 1000) * 86400, ?
    FROM n
"""


def fill(database: Database) -> None:
    """Make the list."""
    with database.transaction() as connection:
        connection.execute(_PEOPLE, (ROWS, NOW, NOW))
        connection.execute("INSERT OR IGNORE INTO meta (name) VALUES ('field:city')")
        connection.execute(
            "INSERT INTO suppressions (address, reason) SELECT canonical, 'bounced' FROM subscribers WHERE id % 50 = 0"
        )
        connection.execute("INSERT INTO editions (fingerprint) VALUES ('october')")
        connection.execute(
            "INSERT INTO mailings (id, issue, fingerprint, state) VALUES (1, '2026-10-hello', 'october', 'finished')"
        )
        connection.execute(
            "INSERT INTO deliveries (mailing_id, subscriber_id, state) SELECT 1, id, 3 FROM subscribers WHERE id % 10"
        )
        connection.execute(
            "INSERT INTO events (id, kind, bounce, mailing_id, subscriber_id) "
            "SELECT 'e' || id, 'bounced', 'soft', 1, id FROM subscribers WHERE id % 100 = 1"
        )


def run() -> None:
    """Print seconds."""
    with open_database("sqlite://") as database:
        began = process_time()
        fill(database)
        print(f"\nA list of {ROWS:,} was made in {process_time() - began:.1f} s")
        vocabulary = Subscribers(database).vocabulary(FIELDS, now=NOW)
        header = ("segment", "recipients", "counted, s", "with who is left out, s")
        rows = [_counted(database, name, parse(text, vocabulary)) for name, text in RULES.items()]
        table(f"Whom a segment of {ROWS:,} means", header, rows)
        names = ("tag, field, history", "everybody")
        frozen = [(name, *_frozen(database, name, parse(RULES[name], vocabulary))) for name in names]
        table("Freezing the audience of a mailing", ("segment", "deliveries", "seconds"), frozen)


def _counted(database: Database, name: str, rule: Rule) -> tuple[str, str, str, str]:
    chosen = recipients(rule, language="fr", now=NOW)
    began = process_time()
    number = count_new(database, "2026-11-hello", chosen)
    counted = process_time()
    Subscribers(database).audience(rule, language="fr", now=NOW)
    return name, f"{number:,}", f"{counted - began:.2f}", f"{process_time() - counted:.2f}"


def _frozen(database: Database, issue: str, rule: Rule) -> tuple[str, str]:
    edition = Edition(subject=("x",), preheader=(), html=("x",), text=("x",), expressions=(), language="fr", title="x")
    chosen = recipients(rule, language="fr", now=NOW)
    began = process_time()
    mailing = write_plan(
        database, issue=issue, edition=edition, audience=chosen, segment="", sender="", transport="", commit="",
        modified=False, now=NOW,
    )  # fmt: skip
    seconds = process_time() - began
    return f"{tally_of(database, mailing.id).planned:,}", f"{seconds:.2f}"
