"""What is left of limits, who holds places at a recipient's servers, and since when a delivery has been put off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def upgrade() -> None:
    """Make the tables of tokens and places, and a column for deliveries."""
    op.create_table(
        "tokens",
        sa.Column("name", sa.Text, nullable=False),
        _number("amount"),
        _number("at"),
        sa.PrimaryKeyConstraint("name", name="pk_tokens"),
    )
    op.create_table(
        "places",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        _number("held"),
        _number("until"),
        sa.PrimaryKeyConstraint("name", "holder", name="pk_places"),
    )
    # Not through Alembic's batch mode, which would copy every delivery there ever was.
    op.execute("ALTER TABLE deliveries ADD COLUMN deferred_at INTEGER DEFAULT '0' NOT NULL")
