"""What to do about uncertain deliveries before going on: ask, skip them, or send to them again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from newsletter.cli.shell import Session
    from newsletter.store.database import Database

    F = TypeVar("F", bound="Callable[..., Any]")


def on_uncertain_option(command: F) -> F:
    """Add `--on-uncertain`, handed over as `on_uncertain`; None: ask a person, and skip where there is none."""
    text = "What to do about deliveries of which nobody knows; default: ask on a terminal, else skip."
    return click.option("--on-uncertain", type=click.Choice(["ask", "skip", "resend"]), help=text)(command)


def decide(session: Session, database: Database, issue: str, on_uncertain: str | None) -> None:
    """Let the uncertain deliveries of the issue's mailing be sent again if that is what the author wants.

    They may get the message twice, with the same Message-ID. Raises LedgerError when a process is sending it.
    """
    from newsletter.actions.plan import what_is_left
    from newsletter.actions.presence import leased
    from newsletter.cli.console import count
    from newsletter.store.amends import Verdict, settle, uncertain

    mailing, _ = what_is_left(database, issue)
    if not mailing.is_over and not mailing.is_scheduled:
        with leased(database, mailing, session.clock):
            pass  # what a sender that died had offered is uncertain from here on
    doubtful = uncertain(database, mailing.id)
    if not doubtful or on_uncertain == "skip" or (on_uncertain is None and not sys.stdin.isatty()):
        return
    people = count(len(doubtful), "delivery is uncertain", "deliveries are uncertain")
    question = f"{people}: the message was sent, and no answer came. Send again, at the risk of a second copy?"
    option = "--on-uncertain skip, or resend,"
    if session.console.confirm(question, assume_yes=on_uncertain == "resend", option=option):
        verdict = Verdict(mailing.id, doubtful, sent=False, how="sent again at the author's word")
        settle(database, [verdict], int(session.clock().timestamp()))
