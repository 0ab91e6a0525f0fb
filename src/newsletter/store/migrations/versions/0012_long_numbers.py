"""Numbers of eight bytes in PostgreSQL, whose INTEGER has four: too few for milliseconds, and for seconds from 2038 on.

Columns that come later say BIGINT, which SQLite takes as well.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Widen them. SQLite's have eight already."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    columns = connection.exec_driver_sql(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND data_type = 'integer' ORDER BY 1, 2"
    ).fetchall()
    for table, column in columns:
        op.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE BIGINT')
    sequences = connection.exec_driver_sql(
        "SELECT sequence_name FROM information_schema.sequences WHERE sequence_schema = current_schema() "
        "AND data_type = 'integer' ORDER BY 1"
    ).fetchall()
    for (name,) in sequences:
        op.execute(f'ALTER SEQUENCE "{name}" AS BIGINT')
    # What these hold was compared with numbers of four bytes; a query compares with eight, and would pass them by.
    for index in (
        "ix_deliveries_waiting ON deliveries (mailing_id, state, subscriber_id) WHERE state IN (0, 4)",
        "ix_notices_waiting ON notices (next_at) WHERE state = 0",
    ):
        op.execute(f"DROP INDEX {index.partition(' ')[0]}")
        op.execute(f"CREATE INDEX {index}")
