'''The command line: one file a command, loaded when it is called, so that `newsletter --help` answers at once.

A command file exposes `command`. It translates, and leaves the work to actions; this is a whole one:

    """newsletter status: where a mailing stands."""

    from __future__ import annotations

    import click

    from newsletter.cli.console import ExitCode, count
    from newsletter.cli.shell import Command, Session, json_option, pass_session


    @click.command(cls=Command)
    @click.argument("issue")
    @json_option
    @pass_session
    def command(session: Session, issue: str, as_json: bool) -> ExitCode:
        """Show where the mailing of ISSUE stands."""
        from newsletter.actions.report import report_of          # heavy imports where they are used
        from newsletter.wiring import open_newsletter

        with open_newsletter(session.config()) as parts:         # a mistake raises NewsletterError: main() reports it
            report = report_of(issue, parts.store)
        if as_json:
            session.console.print_json(report.as_dict())
        else:
            session.console.say(f"{count(report.accepted, 'message')} accepted")
        return ExitCode.PARTLY if report.rejected else ExitCode.DONE

A group of commands is `@click.group(cls=CommandGroup)`, and its members `@command.command("import")`. `--config`,
`--quiet`, `--verbose` and `--version` are there without a word. Then one row in COMMANDS, and the help knows it.
'''

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from newsletter.cli.console import MEANINGS, Console, ExitCode, exit_code
from newsletter.cli.shell import CommandGroup, Session

if TYPE_CHECKING:
    from collections.abc import Sequence


class Row(NamedTuple):
    """A command in the help, told without importing it."""

    section: str
    module: str
    help: str


SECTIONS = ("Writing", "Readers", "Sending", "Trying")

COMMANDS = {
    "init": Row("Writing", "newsletter.cli.init", "Make a new newsletter in a folder."),
    "new": Row("Writing", "newsletter.cli.new", "Begin the next issue, as a draft."),
    "render": Row("Writing", "newsletter.cli.render", "Print what a recipient would get."),
    "check": Row("Writing", "newsletter.cli.check", "Read an issue as a careful editor would, before it goes out."),
    "preview": Row("Writing", "newsletter.cli.preview", "See it as readers will, on a page that follows each save."),
    "themes": Row("Writing", "newsletter.cli.themes", "List the themes, or show what one is made of."),
    "test": Row("Writing", "newsletter.cli.test", "Send one copy, marked as a test, to any address."),
    "subscribers": Row("Readers", "newsletter.cli.subscribers", "See and change the list: import, add, list, export."),
    "serve": Row("Readers", "newsletter.cli.serve", "Serve the pages by which people join and leave."),
    "segments": Row("Readers", "newsletter.cli.segments", "List segments, and show whom a rule means."),
    "keys": Row("Readers", "newsletter.cli.keys", "See and change the keys that sign the links in messages."),
    "store": Row("Readers", "newsletter.cli.store", "Move the list to another database, and prove that it is whole."),
    "publish": Row("Sending", "newsletter.cli.publish", "Send an issue to its readers, after a look at the plan."),
    "resume": Row("Sending", "newsletter.cli.resume", "Go on with a mailing that was stopped or deferred."),
    "run": Row("Sending", "newsletter.cli.run", "Send what is scheduled, or one mailing until nobody is left."),
    "worker": Row("Sending", "newsletter.cli.worker", "Take part in sending what is due, with others."),
    "schedule": Row("Sending", "newsletter.cli.schedule", "See, move and cancel what waits for its time."),
    "pause": Row("Sending", "newsletter.cli.pause", "Let a mailing wait, wherever it is being sent."),
    "cancel": Row("Sending", "newsletter.cli.cancel", "End a mailing, wherever it is being sent."),
    "retry": Row("Sending", "newsletter.cli.retry", "Try rejected deliveries once more."),
    "reconcile": Row("Sending", "newsletter.cli.reconcile", "Settle the deliveries that are uncertain."),
    "bounces": Row("Sending", "newsletter.cli.bounces", "Read what came back, and write to nobody in vain."),
    "webhooks": Row("Sending", "newsletter.cli.webhooks", "See what providers told and could not be dealt with."),
    "status": Row("Sending", "newsletter.cli.status", "Show where mailings stand, and who did not get one."),
    "archive": Row("Sending", "newsletter.cli.archive", "Show what was sent as web pages and feeds, on any host."),
    "doctor": Row("Sending", "newsletter.cli.doctor", "Find out whether mails will arrive: server, DNS, pages."),
    "inbox": Row("Trying", "newsletter.cli.inbox", "Run a mailbox on this machine, to see what readers get."),
}


class _Commands(CommandGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        command: click.Command = import_module(COMMANDS[cmd_name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for section in SECTIONS:
            if rows := [(name, row.help) for name, row in COMMANDS.items() if row.section == section]:
                with formatter.section(section):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), meaning) for code, meaning in MEANINGS.items()])


@click.group(
    cls=_Commands,
    name="newsletter",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def cli() -> None:
    """Write a newsletter in Markdown, see it as its readers will, and send it to every one of them exactly once."""


def main(arguments: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run the command line, and return its exit code. The arguments are those of the process unless given."""
    if "_NEWSLETTER_COMPLETE" in os.environ:
        return _complete_in_shell(os.environ["_NEWSLETTER_COMPLETE"])
    is_process = arguments is None
    if arguments is None:
        arguments = sys.argv[1:]
        _speak_utf8()
    session = session or Session(Console())
    console = session.console
    try:
        with cli.make_context("newsletter", list(arguments), obj=session) as ctx:
            code = int(cli.invoke(ctx) or 0)
            if sys.stdout:
                sys.stdout.flush()
            return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        console.result(help_wanted.format_message())
        return 0
    except SystemExit:
        raise
    except BaseException as error:  # a panic of a Rust library is no Exception
        if is_process and exit_code(error) is ExitCode.STOPPED:
            # Who presses Ctrl-C once more while we go is heard already, and the exit code stays what it means.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return console.report(error)


def _speak_utf8() -> None:
    """Let no letter of an author's text end a command, whatever the terminal can show."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def _complete_in_shell(instruction: str) -> int:
    from click.shell_completion import shell_complete

    return shell_complete(cli, {"obj": Session(Console())}, "newsletter", "_NEWSLETTER_COMPLETE", instruction)
