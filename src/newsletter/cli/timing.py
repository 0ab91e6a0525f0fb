"""What publish and schedule share: the options that say when, and telling when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.console import count, duration, figure

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo
    from typing import Any, TypeVar

    from newsletter.cli.shell import Session
    from newsletter.config import Config
    from newsletter.mailing import Mailing
    from newsletter.store.database import Database
    from newsletter.timing import Timing

    F = TypeVar("F", bound="Callable[..., Any]")

_SHOWN = 8  # waves


def timing_options(command: F) -> F:
    """Add `--at`, `--at-local` and `--spread`, handed over as texts; None: not given."""
    for option in (
        click.option("--spread", metavar="TIME", help="Spread it evenly over this time: 6h, 90min."),
        click.option("--at-local", metavar="HOUR", help="In waves, each on the recipient's own clock: 08:00."),
        click.option("--at", metavar="TIME", help="Not before: '2026-12-01 08:00', in the newsletter's time zone."),
    ):
        command = option(command)
    return command


def timing_of(config: Config, at: str | None, local: str | None, spread: str | None, now: datetime) -> Timing | None:
    """What the options say; None when none is given. Raises UsageError."""
    from newsletter.timing import NotAMoment, Timing, read_local, read_moment, read_stretch

    if at and local:
        raise click.UsageError("--at is one moment for all, --at-local an hour on each clock: choose one")
    if not (at or local or spread):
        return None
    try:
        seconds = read_stretch(spread) if spread else 0
        if local:
            if not config.timezone:
                raise NotAMoment(
                    "some recipients name no time zone, and [newsletter] none for them",
                    f'write in {config.path.name}: timezone = "Europe/Paris"',
                )
            return Timing(local=read_local(local), spread=seconds)
        return Timing(at=read_moment(at or "now", config.timezone, now), spread=seconds)
    except NotAMoment as wrong:
        raise click.UsageError(f"{wrong}; {wrong.fix}") from wrong


def words_for(timing: Timing) -> str:
    """When, in words."""
    when = f"at {timing.local} on each one's clock" if timing.local else f"at {timing.at:%Y-%m-%d %H:%M %Z}"
    return when + (f", over {duration(timing.spread)}" if timing.spread else "")


def clock_of(config: Config) -> tzinfo | None:
    """The newsletter's time zone; None: the machine's."""
    from zoneinfo import ZoneInfo

    return ZoneInfo(config.timezone) if config.timezone else None


def tell_waves(session: Session, database: Database, mailing: Mailing, config: Config) -> None:
    """How many are due when."""
    from newsletter.store.schedules import waves

    zone, found = clock_of(config), waves(database, mailing.id)
    for wave in found[:_SHOWN]:
        session.console.say(f"{wave.at.astimezone(zone):%Y-%m-%d %H:%M %Z}  {count(wave.recipients, 'recipient')}")
    if len(found) > _SHOWN:
        rest = sum(wave.recipients for wave in found[_SHOWN:])
        last = found[-1].at.astimezone(zone)
        session.console.say(f"… and {figure(rest)} more, the last at {last:%Y-%m-%d %H:%M %Z}")
