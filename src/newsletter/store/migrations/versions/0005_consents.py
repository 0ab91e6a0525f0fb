"""What people agreed to and did; who pauses; tokens that were used, and why people leave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


# A consent is written once. Deleting stays possible: a person may ask to be forgotten.
_ONCE = {
    "sqlite": (
        """CREATE TRIGGER consents_are_written_once BEFORE UPDATE ON consents
        BEGIN SELECT RAISE(ABORT, 'a consent is never changed'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION consents_are_written_once() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a consent is never changed'; END $$""",
        """CREATE TRIGGER consents_are_written_once BEFORE UPDATE ON consents
        FOR EACH ROW EXECUTE FUNCTION consents_are_written_once()""",
    ),
}


def upgrade() -> None:
    """Make the tables of consents, changes, used tokens and departures, and columns for subscribers."""
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer, nullable=False),
        _number("subscriber_id"),
        _number("at"),
        _text("how"),
        _text("source"),
        _text("page"),
        _text("words"),
        _text("language"),
        _number("confirmed_at"),
        _text("network"),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consents_subscriber_id", "consents", ["subscriber_id"])
    for statement in _ONCE[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, nullable=False),
        _number("subscriber_id"),
        _number("at"),
        _text("what"),
        _text("source"),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_subscriber_id", "changes", ["subscriber_id"])
    op.create_table(
        "used_tokens",
        sa.Column("digest", sa.Text, nullable=False),
        _number("until"),
        sa.PrimaryKeyConstraint("digest", name="pk_used_tokens"),
    )
    op.create_table(
        "departures",
        sa.Column("id", sa.Integer, nullable=False),
        _number("at"),
        _number("mailing_id"),
        _text("reason"),
        sa.PrimaryKeyConstraint("id", name="pk_departures"),
        sqlite_autoincrement=True,
    )
    # Not through Alembic's batch mode, which would copy the whole list.
    op.execute("ALTER TABLE subscribers ADD COLUMN time_zone TEXT DEFAULT '' NOT NULL")
    op.execute("ALTER TABLE subscribers ADD COLUMN paused_until INTEGER DEFAULT '0' NOT NULL")
    op.execute("ALTER TABLE subscribers ADD COLUMN last_active_at INTEGER DEFAULT '0' NOT NULL")
