"""The archive's part of the store: the web forms of mailings, and which of them may be seen.

A form is written with its mailing's plan, in one transaction, and never changed. It is published once the sending has
begun: a plan that was never sent is nobody's to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.mailing import Mailing, MailingState

if TYPE_CHECKING:
    from collections.abc import Collection

    from newsletter.picture import Enclosed
    from newsletter.render.web import WebForm
    from newsletter.store.database import Connection, Database

# States in which somebody may have got the mailing; one that was cancelled had begun if a sender moved its fence.
_BEGUN = (
    f"(m.state IN ('{MailingState.SENDING.value}', '{MailingState.FINISHED.value}')"
    f" OR (m.state = '{MailingState.CANCELLED.value}' AND m.fence > 0))"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a mailing's plan keeps for the archive: the form, and the files that lie beside it."""

    form: WebForm
    files: tuple[Enclosed, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """An issue that may be seen: the form of its last mailing, and when its first one was planned."""

    mailing: int
    issue: str  # its key
    slug: str
    fingerprint: str
    at: datetime  # UTC


def keep(connection: Connection, mailing: int, issue: str, kept: Kept) -> None:
    """Write a mailing's form, inside the transaction that writes its plan."""
    connection.executemany(
        "INSERT INTO pictures (digest, type, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(each.digest, each.type, each.content) for each in kept.files],
    )
    connection.execute(
        "INSERT INTO web_forms (mailing_id, issue, slug, fingerprint, content) VALUES (?, ?, ?, ?, ?)",
        (mailing, issue, kept.form.slug, kept.form.fingerprint, kept.form.to_json()),
    )


def published(database: Database) -> list[Published]:
    """The issues that may be seen, the newest first; two that began in the same second, the later planned first."""
    with database.reading() as connection:
        # A few hundred rows without their contents: 0.2 ms for 500 issues, so that a server may ask before it answers.
        rows = connection.execute(
            f"""
            SELECT w.mailing_id, w.issue, w.slug, w.fingerprint, m.planned_at
            FROM web_forms w JOIN mailings m ON m.id = w.mailing_id
            WHERE {_BEGUN} ORDER BY w.mailing_id
            """  # noqa: S608  (our own words)
        ).fetchall()
    first: dict[str, int] = {}
    last: dict[str, Published] = {}
    for mailing, issue, slug, fingerprint, planned_at in rows:
        began = first.setdefault(issue, planned_at)
        last[issue] = Published(mailing, issue, slug, fingerprint, datetime.fromtimestamp(began, UTC))
    # Of two issues that came to one address, the later one has it.
    by_slug = {each.slug: each for each in sorted(last.values(), key=lambda each: each.mailing)}
    return sorted(by_slug.values(), key=lambda each: (each.at, each.mailing), reverse=True)


def form_of(database: Database, mailing: int) -> WebForm:
    """The form that a mailing keeps."""
    from newsletter.render.web import WebForm

    with database.reading() as connection:
        (content,) = connection.execute("SELECT content FROM web_forms WHERE mailing_id = ?", (mailing,)).fetchone()
    return WebForm.from_json(content)


def address_of(database: Database, mailing: Mailing) -> str:
    """What its readers' links to the archive end with: its form's slug, or the issue's key when it keeps none."""
    with database.reading() as connection:
        row = connection.execute("SELECT slug FROM web_forms WHERE mailing_id = ?", (mailing.id,)).fetchone()
    return str(row[0]) if row else mailing.issue


def issue_at(database: Database, slug: str, besides: str) -> str | None:
    """Another issue than `besides` that has this address, in the archive or planned for it."""
    with database.reading() as connection:
        row = connection.execute(
            "SELECT issue FROM web_forms WHERE slug = ? AND issue <> ? ORDER BY mailing_id DESC LIMIT 1",
            (slug, besides),
        ).fetchone()
    return str(row[0]) if row else None


def withdraw(database: Database, issue: str) -> int:
    """Take all forms of an issue away, for good; how many there were. What was sent stays in the ledger."""
    with database.transaction() as connection:
        return connection.execute("DELETE FROM web_forms WHERE issue = ?", (issue,)).rowcount


def file_types(database: Database, digests: Collection[str]) -> dict[str, tuple[str, str]]:
    """The digest and the media type of files, by what they are called in the archive."""
    from newsletter.render.web import file_name

    wanted = set(digests)
    with database.reading() as connection:
        rows = connection.execute("SELECT digest, type FROM pictures").fetchall()
    return {file_name(digest, kind): (digest, kind) for digest, kind in rows if digest in wanted}


def file_content(database: Database, digest: str) -> bytes:
    """An image, or a calendar."""
    with database.reading() as connection:
        (content,) = connection.execute("SELECT content FROM pictures WHERE digest = ?", (digest,)).fetchone()
    return bytes(content)
