"""When a mailing goes out, what its author wants of it since, and how far each process that sends it has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make columns for mailings, and the table of progress."""
    # Not through Alembic's batch mode, which would copy the table.
    for column in ("starts_at INTEGER DEFAULT '0'", "local TEXT DEFAULT ''", "spread INTEGER DEFAULT '0'",
                   "wish TEXT DEFAULT ''"):  # fmt: skip
        op.execute(f"ALTER TABLE mailings ADD COLUMN {column} NOT NULL")
    op.create_table(
        "progress",
        sa.Column("mailing_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("domain_group", sa.Text, nullable=False),
        *(
            sa.Column(name, sa.Integer, nullable=False, server_default="0")
            for name in ("accepted", "deferred", "rejected", "uncertain", "at")
        ),
        sa.PrimaryKeyConstraint("mailing_id", "worker", "domain_group", name="pk_progress"),
    )
