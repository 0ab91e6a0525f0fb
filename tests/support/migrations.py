"""The program of tomorrow, which knows one more step of the database's schema."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from newsletter.store.upgrade import MIGRATIONS, known_versions

if TYPE_CHECKING:
    from pathlib import Path

NEXT = f"{int(known_versions()[-1]) + 1:04}"
NEXT_STEP = f"""
from alembic import op

revision = "{NEXT}"
down_revision = "{known_versions()[-1]}"


def upgrade() -> None:
    op.execute("ALTER TABLE subscribers ADD COLUMN shoe_size TEXT NOT NULL DEFAULT ''")
"""
BROKEN_STEP = NEXT_STEP + '    op.execute("ALTER TABLE nobody ADD COLUMN x TEXT")\n'


def copied_migrations(folder: Path) -> Path:
    """The steps that this program knows, in a folder of their own."""
    copied = folder / "migrations"
    shutil.copytree(MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def add_step(migrations: Path, step: str = NEXT_STEP) -> None:
    """Let there be one more."""
    (migrations / "versions" / f"{NEXT}_shoes.py").write_text(step)
