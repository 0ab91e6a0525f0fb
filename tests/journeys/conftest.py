"""The author whom these tests watch."""

from tests.support.author import author

__all__ = ["author"]
