"""Who takes part in sending a mailing: any number of workers, where there was one sender."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


_WHOLE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table of workers. Who sends at this moment is one of them, and stops at its next record."""
    op.create_table(
        "workers",
        sa.Column("id", _WHOLE, nullable=False),
        sa.Column("mailing_id", _WHOLE, nullable=False, server_default="0"),
        sa.Column("host", sa.Text, nullable=False, server_default=""),
        sa.Column("boot", sa.Text, nullable=False, server_default=""),
        *(sa.Column(name, _WHOLE, nullable=False, server_default="0") for name in ("pid", "since", "lease_until")),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_workers_mailing_id", "workers", ["mailing_id"])
    connection = op.get_bind()
    senders = connection.execute(sa.text("SELECT id, worker, lease_until FROM mailings WHERE lease_until > 0"))
    for mailing, name, lease_until in senders.fetchall():
        host, _, rest = name.partition("|")
        boot, _, pid = rest.partition("|")
        row = {"mailing": mailing, "host": host, "boot": boot, "pid": int(pid or 0), "until": lease_until}
        (number,) = connection.execute(
            sa.text(
                "INSERT INTO workers (mailing_id, host, boot, pid, lease_until) "
                "VALUES (:mailing, :host, :boot, :pid, :until) RETURNING id"
            ),
            row,
        ).one()
        # States 1 and 2 are claimed and offered (newsletter.delivery).
        for change in (
            "UPDATE deliveries SET claim = :number WHERE mailing_id = :mailing AND state IN (1, 2)",
            "UPDATE mailings SET fence = fence + 1 WHERE id = :mailing",
        ):
            connection.execute(sa.text(change), {"number": number, "mailing": mailing})
