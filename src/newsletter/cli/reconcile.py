"""newsletter reconcile: settle the deliveries of which nobody knows whether they arrived."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, json_option, pass_session, yes_option

_EXISTING = click.Path(path_type=Path, exists=True)


@click.command(
    cls=Command,
    epilog="Example: newsletter reconcile 2026-11-hello --log /var/log/mail.log --assume unsent",
)
@click.argument("issue")
@click.option(
    "--log", "logs", type=_EXISTING, multiple=True, help="A Postfix log: what is in it was sent. May be repeated."
)
@click.option("--mailbox", "mailboxes", type=_EXISTING, multiple=True,
              help="A Maildir, mbox or folder of .eml: what is in it was sent. May be repeated.")  # fmt: skip
@click.option("--assume", type=click.Choice(["sent", "unsent"]), help="What to think of those that were not found.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and stop.")
@yes_option
@json_option
@pass_session
def command(
    session: Session,
    issue: str,
    logs: tuple[Path, ...],
    mailboxes: tuple[Path, ...],
    assume: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> ExitCode:
    """Settle the uncertain deliveries of ISSUE: their content was sent, and the connection broke before an answer.

    Each message has a Message-ID of its own, so a log or a mailbox can tell. Whoever is called unsent gets the issue
    at the next resume, with the same Message-ID; whoever is called sent does not.
    """
    from datetime import UTC, datetime

    from newsletter import wiring
    from newsletter.actions.reconcile import look, reconcile
    from newsletter.cli.console import count
    from newsletter.links import Signer
    from newsletter.sources.mail_records import ids_in_log, ids_in_mailbox
    from newsletter.store.keys import load_keys

    if not (logs or mailboxes or assume):
        raise click.UsageError("say how to find out: --log FILE, --mailbox PATH, or --assume sent or unsent")
    config = session.config()
    ids = {found for path in logs for found in ids_in_log(path)}
    ids |= {found for path in mailboxes for found in ids_in_mailbox(path)}
    with wiring.store(config, create=False) as database:
        domain = wiring.sender(config).email.rpartition("@")[2]
        finding = look(database, Path(issue).stem, Signer(load_keys(database)), domain, ids)
        report = {
            "issue": Path(issue).stem,
            "mailing": finding.mailing,
            "found": list(finding.seen.values()),
            "not_found": list(finding.unseen.values()),
            "assumed": assume,
        }
        for title, people in (
            ("found, so sent", finding.seen),
            (f"not found: {assume or 'still uncertain'}", finding.unseen),
        ):
            if people:
                session.console.say(f"{count(len(people), 'delivery', 'deliveries')} {title}")
                for email in people.values():
                    session.console.say(f"  {email}")
        if not finding.seen and not finding.unseen:
            session.console.say("No delivery of this issue is uncertain.")
        elif not dry_run:
            change = finding.seen or assume
            if change and session.console.confirm("Write this into the ledger?", assume_yes=yes):
                where = ", ".join(str(path) for path in (*logs, *mailboxes))
                reconcile(database, finding, unseen_were=assume, where=where, now=datetime.now(UTC))
                if assume == "unsent" and finding.unseen:
                    session.console.say(f"To send it to them: newsletter resume {Path(issue).stem}")
    if as_json:
        session.console.print_json(report)
    return ExitCode.PARTLY if finding.unseen and assume is None else ExitCode.DONE
