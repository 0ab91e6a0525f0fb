"""The option by which commands that send write their log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound="Callable[..., Any]")


def log_option(command: F) -> F:
    """Add `--log-format`, which is heard at once and not handed over."""
    text = "Tell on standard error what senders do, a line an event; also by NEWSLETTER_LOG."
    kinds = click.Choice(["json", "text"])
    return click.option("--log-format", type=kinds, expose_value=False, callback=_heard, help=text)(command)


def _heard(_: click.Context, __: click.Parameter, value: str | None) -> None:
    from newsletter.actions.log import listen

    listen(value)
