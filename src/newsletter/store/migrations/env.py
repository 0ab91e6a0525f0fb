"""Where Alembic meets the connection on which `upgrade.py` already holds the write lock."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
