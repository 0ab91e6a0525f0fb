"""What providers tell at our webhooks, word for word."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table of calls."""
    op.create_table(
        "hooks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("transport", sa.Text, nullable=False, server_default=""),
        sa.Column("received_at", sa.Integer, nullable=False, server_default="0"),
        sa.Column("state", sa.Integer, nullable=False, server_default="0"),
        sa.Column("events", sa.Integer, nullable=False, server_default="0"),
        sa.Column("trouble", sa.Text, nullable=False, server_default=""),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hooks"),
        sa.UniqueConstraint("digest", name="uq_hooks_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_hooks_received_at", "hooks", ["received_at"])
