"""newsletter test: one copy of an issue, marked as a test, to any address."""

from __future__ import annotations

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, pass_session


@click.command(cls=Command, epilog="Example: newsletter test 2026-11-hello --to me@example.org")
@click.argument("issue")
@click.option("--to", "addresses", metavar="EMAIL", multiple=True, required=True, help="Where to; may be repeated.")
@click.option("--as", "person", metavar="EMAIL", help="With what is known of this subscriber.")
@click.option("--transport", "way", metavar="NAME", help="A transport of newsletter.toml; default: the one in use.")
@pass_session
def command(session: Session, issue: str, addresses: tuple[str, ...], person: str | None, way: str | None) -> ExitCode:
    """Send a copy of ISSUE to any address, subscriber or not, with [Test] before its subject.

    A draft may be tested. No delivery is recorded, and the unsubscribe link in a copy unsubscribes nobody.
    """
    import os
    from datetime import UTC, datetime

    from newsletter import wiring
    from newsletter.actions.publish import check_settings
    from newsletter.actions.stand_in import recipient_like
    from newsletter.actions.test import send_test
    from newsletter.outcome import Accepted
    from newsletter.store.keys import load_keys
    from newsletter.wiring.editions import load, rendered

    config = session.config()
    _, written = load(config, issue)
    check_settings(config, way)
    transport, name = wiring.transport(config, way, os.environ), config.chosen_transport(way).name
    with wiring.store(config) as database:
        edition = rendered(config, written, database, warn=session.console.warn)
        for note in wiring.fitting(config, edition, name):
            session.console.note(note)
        post = wiring.post(config, edition, written.slug, load_keys(database), test=True, through=name)
        recipients = [recipient_like(database, edition, person, address) for address in dict.fromkeys(addresses)]
    outcomes = send_test(post, transport, recipients, datetime.now(UTC))
    for recipient, outcome in zip(recipients, outcomes, strict=True):
        answer = "sent" if isinstance(outcome, Accepted) else f"{type(outcome).__name__.lower()}: {outcome.reply}"
        session.console.say(f"{recipient.email}  {answer}")
    return ExitCode.DONE if all(isinstance(outcome, Accepted) for outcome in outcomes) else ExitCode.PARTLY
