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
    from newsletter import wiring
    from newsletter.actions.reconcile import look, reconcile
    from newsletter.cli.console import count
    from newsletter.errors import ListError, Problem
    from newsletter.issue import stem_of
    from newsletter.links import Signer
    from newsletter.sources.mail_records import ids_in_log, ids_in_mailbox
    from newsletter.store.keys import load_keys

    if not (logs or mailboxes or assume):
        raise click.UsageError("say how to find out: --log FILE, --mailbox PATH, or --assume sent or unsent")
    config = session.config()
    ids = set(ids_in_log(*logs))
    ids |= {found for path in mailboxes for found in ids_in_mailbox(path)}
    if (logs or mailboxes) and not ids:
        # Else a file of anything would prove that nothing was sent.
        where = ", ".join(map(str, (*logs, *mailboxes)))
        fix = "name the log of the Postfix that took them, or a mailbox that got some; without one, --assume decides"
        raise ListError(Problem("no message is told of here", where, fix=fix))
    with wiring.store(config, create=False) as database:
        findings = look(database, stem_of(issue), Signer(load_keys(database)), ids)
        seen = [email for finding in findings for email in finding.seen.values()]
        unseen = [email for finding in findings for email in finding.unseen.values()]
        report = {
            "issue": stem_of(issue),
            "mailings": [finding.mailing for finding in findings],
            "found": seen,
            "not_found": unseen,
            "assumed": assume,
        }
        for title, people in (("found, so sent", seen), (f"not found: {assume or 'still uncertain'}", unseen)):
            if people:
                session.console.say(f"{count(len(people), 'delivery', 'deliveries')} {title}")
                for email in people:
                    session.console.say(f"  {email}")
        if not findings:
            session.console.say("No delivery of this issue is uncertain.")
        elif (
            not dry_run and (seen or assume) and session.console.confirm("Write this into the ledger?", assume_yes=yes)
        ):
            where = ", ".join(str(path) for path in (*logs, *mailboxes))
            reconcile(database, findings, unseen_were=assume, where=where, now=session.clock())
            if assume == "unsent" and unseen:
                session.console.say(f"To send it to them: newsletter resume {stem_of(issue)}")
    if as_json:
        session.console.print_json(report)
    if unseen and assume is None:
        session.console.say(
            f"To settle {'it' if len(unseen) == 1 else 'them'}: name another log or mailbox, or decide: "
            f"newsletter reconcile {stem_of(issue)} --assume unsent, and the next resume sends it; or --assume sent"
        )
        return ExitCode.PARTLY
    return ExitCode.DONE
