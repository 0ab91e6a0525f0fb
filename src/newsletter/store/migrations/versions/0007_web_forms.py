"""The web forms of mailings, for the archive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "web_forms",
        sa.Column("mailing_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("issue", sa.Text, nullable=False, server_default=""),
        sa.Column("slug", sa.Text, nullable=False, server_default=""),
        sa.Column("fingerprint", sa.Text, nullable=False, server_default=""),
        sa.Column("content", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("mailing_id", name="pk_web_forms"),
    )
