"""A queue of notices: confirmations, welcomes and the like, which a crash must not lose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def upgrade() -> None:
    """Make the table of notices."""
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, nullable=False),
        _text("kind"),
        _number("subscriber_id"),
        _text("content"),
        _number("created_at"),
        _number("next_at"),
        _number("attempts"),
        _number("state"),
        _text("reply"),
        _number("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("state = 0")
    op.create_index(
        "ix_notices_waiting", "notices", ["next_at"], sqlite_where=waiting, postgresql_where=waiting
    )  # fmt: skip
    op.create_index("ix_notices_subscriber_id", "notices", ["subscriber_id"])
