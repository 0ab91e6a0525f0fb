"""The list, the suppressions, the signing keys, the editions, the mailings and their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "meta",
        sa.Column("name", sa.Text, nullable=False),
        _text("value"),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )
    op.create_table(
        "subscribers",
        sa.Column("id", sa.Integer, nullable=False),
        _text("email"),
        sa.Column("canonical", sa.Text, nullable=False),
        _text("first_name"),
        _text("last_name"),
        _text("name"),
        _text("language"),
        _text("status", "active"),
        _text("tags", "[]"),
        _text("fields", "{}"),
        _number("joined"),
        _text("source"),
        _number("created_at"),
        _number("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("canonical", name="uq_subscribers_canonical"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "suppressions",
        sa.Column("address", sa.Text, nullable=False),
        _text("reason"),
        _number("since"),
        _text("source"),
        sa.PrimaryKeyConstraint("address", name="pk_suppressions"),
    )
    op.create_table(
        "keys",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        _number("created_at"),
        sa.PrimaryKeyConstraint("number", name="pk_keys"),
    )
    op.create_table(
        "editions",
        sa.Column("fingerprint", sa.Text, nullable=False),
        _text("content"),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_editions"),
    )
    op.create_table(
        "mailings",
        sa.Column("id", sa.Integer, nullable=False),
        _text("issue"),
        _text("title"),
        sa.Column("fingerprint", sa.Text, nullable=False),
        _text("sender"),
        _text("segment"),
        _text("transport"),
        _text("state"),
        _number("planned_at"),
        sa.Column("finished_at", sa.Integer, nullable=True),
        _text("commit_hash"),
        _number("modified"),
        _text("worker"),
        _number("lease_until"),
        _number("fence"),
        sa.PrimaryKeyConstraint("id", name="pk_mailings"),
        sa.ForeignKeyConstraint(["fingerprint"], ["editions.fingerprint"], name="fk_mailings_fingerprint_editions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mailings_issue", "mailings", ["issue"])
    op.create_table(
        "deliveries",
        sa.Column("mailing_id", sa.Integer, nullable=False),
        sa.Column("subscriber_id", sa.Integer, nullable=False),
        _number("state"),
        _number("attempts"),
        _number("next_at"),
        _number("claim"),
        _number("code"),
        _text("enhanced"),
        _text("reply"),
        _number("updated_at"),
        sa.PrimaryKeyConstraint("mailing_id", "subscriber_id", name="pk_deliveries"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["mailing_id", "state", "subscriber_id"],
        sqlite_where=sa.text("state IN (0, 4)"),
        postgresql_where=sa.text("state IN (0, 4)"),
    )
