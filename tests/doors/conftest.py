"""Whom these tests watch: an author at work, and the commands about the list."""

from tests.support.author import author
from tests.support.told import letter, told

__all__ = ["author", "letter", "told"]
