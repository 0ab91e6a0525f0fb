"""The program of tomorrow, which knows one more step of the database's schema."""

from __future__ import annotations

import shutil
from pathlib import Path

import newsletter
from newsletter.store.upgrade import MIGRATIONS, known_versions

TOMORROW = "99.0"
NEXT = f"{int(known_versions()[-1]) + 1:04}"
NEXT_STEP = f"""
from alembic import op

revision = "{NEXT}"
down_revision = "{known_versions()[-1]}"


def upgrade() -> None:
    op.execute("ALTER TABLE subscribers ADD COLUMN shoe_size TEXT NOT NULL DEFAULT ''")
"""
ADDING_STEP = NEXT_STEP.replace("\n\n\ndef upgrade", "\nonly_adds = True\n\n\ndef upgrade")
BROKEN_STEP = NEXT_STEP + '    op.execute("ALTER TABLE nobody ADD COLUMN x TEXT")\n'


def program_of_tomorrow(folder: Path, step: str = ADDING_STEP) -> Path:
    """A whole program, for PYTHONPATH, which knows one more step and has the version TOMORROW."""
    package = folder / "newsletter"
    shutil.copytree(Path(newsletter.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    add_step(package / "store" / "migrations", step)
    words = package / "__init__.py"
    words.write_text(words.read_text().replace(f'"{newsletter.__version__}"', f'"{TOMORROW}"'))
    return folder


def copied_migrations(folder: Path) -> Path:
    """The steps that this program knows, in a folder of their own."""
    copied = folder / "migrations"
    shutil.copytree(MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def add_step(migrations: Path, step: str = NEXT_STEP) -> None:
    """Let there be one more."""
    (migrations / "versions" / f"{NEXT}_shoes.py").write_text(step)
