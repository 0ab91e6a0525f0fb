"""What is heard of deliveries after they were accepted: bounces, complaints, and refusals seen while sending."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def upgrade() -> None:
    """Make the table of events."""
    op.create_table(
        "events",
        sa.Column("id", sa.Text, nullable=False),
        _text("kind"),
        _text("bounce"),
        _number("mailing_id"),
        _number("subscriber_id"),
        _number("at"),
        _number("received_at"),
        _number("code"),
        _text("enhanced"),
        _text("reply"),
        _text("source"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_mailing_id_subscriber_id", "events", ["mailing_id", "subscriber_id"])
    op.create_index("ix_events_subscriber_id", "events", ["subscriber_id"])
