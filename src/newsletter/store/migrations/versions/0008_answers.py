"""What the processes that send a mailing have heard together, and where the mail of domains goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make columns for mailings, and the table of mail servers."""
    # Not through Alembic's batch mode, which would copy the table.
    for name in ("answered", "hard", "blocked"):
        op.execute(f"ALTER TABLE mailings ADD COLUMN {name} INTEGER DEFAULT '0' NOT NULL")
    op.create_table(
        "mail_servers",
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False, server_default=""),
        sa.Column("at", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("domain", name="pk_mail_servers"),
    )
