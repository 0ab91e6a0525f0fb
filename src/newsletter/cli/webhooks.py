"""newsletter webhooks: what providers told and what could not be dealt with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import ExitCode, count
from newsletter.cli.shell import Command, Session, json_option, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.actions.hear import Heard
    from newsletter.store.database import Database
    from newsletter.store.hooks import Call


@click.command(cls=Command, epilog="Example: newsletter webhooks --again, after an update that can read them")
@click.option("--again", is_flag=True, help="Deal with them once more, as if they came now.")
@click.option("--show", "number", type=int, metavar="NUMBER", help="Print what a call said, word for word.")
@json_option
@pass_session
def command(session: Session, again: bool, number: int | None, as_json: bool) -> ExitCode:
    """Show the calls of providers' webhooks that could not be dealt with, and why.

    They are kept for thirty days, word for word. Those of a process that died in the middle are dealt with when
    `newsletter serve` or `newsletter run` begins; the others wait for --again.
    """
    import os

    from newsletter import wiring
    from newsletter.store.hooks import State

    if number is not None and (again or as_json):
        raise click.UsageError("--show prints one call: leave --again and --json out")
    config, now = session.config(), int(session.clock().timestamp())
    told: list[tuple[Call, Heard | None]] = []
    with wiring.store(config, create=False) as database:
        if number is not None:
            return _show(session, database, number)
        for state in (State.FAILED, State.WAITING):
            if again:
                told += wiring.hear_again(config, database, os.environ, state, now)
            else:
                told += ((call, None) for call in _all(database, state))
    if as_json:
        session.console.print_json([_report(call, heard) for call, heard in told])
    else:
        _tell(session, told)
    return ExitCode.PARTLY if any(heard and heard.trouble for _, heard in told) else ExitCode.DONE


def hear_what_waits(session: Session) -> None:
    """Deal with the calls that were kept when a process died before anything followed from them."""
    import os

    from newsletter import wiring
    from newsletter.store.hooks import State

    config, now = session.config(), int(session.clock().timestamp())
    if not wiring.has_store(config) or not any(each.is_provider for each in config.transports.values()):
        return
    with wiring.store(config, create=False) as database:
        number = sum(1 for _ in wiring.hear_again(config, database, os.environ, State.WAITING, now))
    if number:
        session.console.note(f"{count(number, 'call')} of webhooks had come no further: dealt with now.")


def _all(database: Database, state: Any) -> Iterator[Call]:
    from newsletter.store.hooks import kept

    last = 0
    while more := kept(database, state, last):
        yield from more
        last = more[-1].id


def _show(session: Session, database: Database, number: int) -> ExitCode:
    from newsletter.errors import NewsletterError, Problem
    from newsletter.store.hooks import one

    call = one(database, number)
    if call is None:
        fix = "newsletter webhooks lists them; what was dealt with is kept for a week"
        raise NewsletterError(Problem(f"there is no call {number}", fix=fix))
    text = call.body.decode("utf-8", "backslashreplace")
    # It is a stranger's: what would move the cursor is shown as what it is.
    session.console.result("".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text))
    return ExitCode.DONE


def _report(call: Call, heard: Heard | None) -> dict[str, Any]:
    """What `--json` prints of a call."""
    from newsletter.store.hooks import State

    state = call.state if heard is None else State.FAILED if heard.trouble else State.DONE
    return {
        "call": call.id,
        "transport": call.transport,
        "received": call.received_at,
        "state": state.name.lower(),
        "trouble": call.trouble if heard is None else heard.trouble,
        "octets": len(call.body),
        "events": len(heard.consequences) if heard else call.events,
    }


def _tell(session: Session, told: list[tuple[Call, Heard | None]]) -> None:
    from datetime import UTC, datetime

    say = session.console.say
    if not told:
        say("Nothing is left over: all that providers told was dealt with.")
    for call, heard in told:
        at = datetime.fromtimestamp(call.received_at, UTC)
        say(f"{call.id}  {at:%Y-%m-%d %H:%M} UTC  {call.transport}  {_said(call, heard)}")
    if any(heard is None for _, heard in told):
        say("To deal with them once more: newsletter webhooks --again")


def _said(call: Call, heard: Heard | None) -> str:
    from collections import Counter

    if heard is None:
        return call.trouble or "kept, and no more: the process that took it died"
    effects = Counter(each.effect.value for each in heard.consequences)
    return heard.trouble or ", ".join(f"{number} {word}" for word, number in effects.items()) or "says nothing to us"
