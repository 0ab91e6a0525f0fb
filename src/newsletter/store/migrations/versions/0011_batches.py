"""Batches that were offered to providers who know repeats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table of batches."""
    op.create_table(
        "batches",
        sa.Column("mailing_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("first_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("provider", sa.Text, nullable=False, server_default=""),
        sa.Column("until", sa.Integer, nullable=False, server_default="0"),
        sa.Column("members", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("mailing_id", "first_id", name="pk_batches"),
    )
