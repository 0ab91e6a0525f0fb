"""Options that several commands share, and the values that they accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from newsletter.config_addresses import email_address
from newsletter.config_values import folder_name, language, line
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


class Setting(click.ParamType[str]):
    """A value that newsletter.toml would accept, too; what it would refuse is wrong usage here."""

    def __init__(self, name: str, read: Callable[[Any], str]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read a value as the configuration does. Raises UsageError."""
        try:
            text = self._read(value)
        except ConfigError as error:
            problem = error.problems[0]
            self.fail(f"{problem.message}: {problem.fix}", param, ctx)
        return text or self.fail("must not be empty", param, ctx)


TITLE = Setting("title", line)
LANGUAGE = Setting("language", language)
ADDRESS = Setting("address", email_address)
THEME = Setting("name", folder_name)
