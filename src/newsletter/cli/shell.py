"""The classes of all commands: they give each one the options that work everywhere, and the session to work in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any, TypeVar

import click

from newsletter import __version__
from newsletter.cli.console import Console
from newsletter.store.clocks import this_machine, ticks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from newsletter.config import Config

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(slots=True)
class Session:
    """What a command is handed: where to speak, the settings of this newsletter, and time where it may take long."""

    console: Console = field(default_factory=Console)
    config_file: Path | None = None
    clock: Callable[[], datetime] = field(default=this_machine)
    wait: Callable[[float], object] = field(default=sleep)  # seconds
    ticks: Callable[[], float] = field(default=ticks)  # seconds that passed, whatever the clock is set to

    def config(self) -> Config:
        """Find and read newsletter.toml. Raises ConfigError."""
        from newsletter.sources.settings import load_config

        return load_config(Path.cwd(), self.config_file, os.environ)


pass_session = click.make_pass_decorator(Session, ensure=True)


def json_option(command: F) -> F:
    """Add `--json`, handed over as `as_json`; whatever the command says to people then leaves standard output."""
    text = "Print JSON on standard output, and nothing else there."
    return click.option("--json", "as_json", is_flag=True, callback=_json_only, help=text)(command)


def yes_option(command: F) -> F:
    """Add `--yes`, handed over as `yes`, for `Console.confirm`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask; the answer is yes.")(command)


def jobs_option(command: F) -> F:
    """Add `--jobs`, handed over as `jobs`: None when the number is left to us."""
    text = "Send with so many processes, at most one a connection; default: one a core, if there are recipients enough."
    return click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help=text)(command)


def force_option(command: F) -> F:
    """Add `--force`, handed over as `force`."""
    text = "Go on although the ledger looks like an old copy: from a backup, another machine, or two days ago."
    return click.option("--force", is_flag=True, help=text)(command)


def _json_only(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.ensure_object(Session).console.json_only |= value
    return value


def _quiet(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.ensure_object(Session).console.quiet |= value


def _verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.ensure_object(Session).console.verbose |= value


def _config(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value:
        ctx.ensure_object(Session).config_file = value


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"newsletter {__version__}")
        ctx.exit()


def _everywhere() -> list[click.Parameter]:
    path = click.Path(path_type=Path)
    return [
        _option("--config", callback=_config, type=path, metavar="FILE", help="Use this newsletter.toml."),
        _option("-q", "--quiet", is_flag=True, callback=_quiet, help="Tell only results, warnings and errors."),
        _option("-v", "--verbose", is_flag=True, callback=_verbose, help="Tell also what helps to find a fault."),
        _option("--version", is_flag=True, is_eager=True, callback=_version, help="Show the version and exit."),
    ]


def _option(*names: str, **settings: Any) -> click.Option:
    return click.Option(names, expose_value=False, **settings)


EVERYWHERE = frozenset({"--config", "--quiet", "--verbose", "--version", "--help"})


class Command(click.Command):
    """A command: `@click.command(cls=Command)`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """As click's own, with the options that work everywhere added."""
        super().__init__(*arguments, **settings)
        self.params += _everywhere()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options first, then those that it shares with all."""
        write_options(self, ctx, formatter)


class CommandGroup(click.Group):
    """A command with commands of its own: `@click.group(cls=CommandGroup)`, then `@command.command("import")`."""

    command_class = Command

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """As click's own, with the options that work everywhere added."""
        super().__init__(*arguments, **settings)
        self.params += _everywhere()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands first, then the options."""
        self.format_commands(ctx, formatter)
        write_options(self, ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; a misspelt one is refused with the nearest right name."""
        name = args[0]
        if not name.startswith("-") and name not in self.list_commands(ctx):
            from newsletter.errors import did_you_mean

            ctx.fail(f"there is no command {name!r}; {did_you_mean(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's own options, then those that work everywhere."""
    sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Everywhere": []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record and isinstance(parameter, click.Option):
            sections["Everywhere" if EVERYWHERE.intersection(parameter.opts) else "Options"].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
