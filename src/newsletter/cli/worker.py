"""newsletter worker: take part in sending whatever is due, beside any number of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.logs import log_option
from newsletter.cli.shell import Command, Session, jobs_option, pass_session

if TYPE_CHECKING:
    from newsletter.cli.console import ExitCode


@click.command(cls=Command, epilog="Example: newsletter worker --jobs 2")
@click.option("--once", is_flag=True, help="End when nobody is due, instead of waiting for the next mailing.")
@jobs_option
@log_option
@pass_session
def command(session: Session, once: bool, jobs: int | None) -> ExitCode:
    """Wait for mailings that are due, and take part in sending them, beside any number of workers on any machines.

    `newsletter publish ISSUE --detach` hands a mailing to the workers, `--at` does so for later. Each recipient is
    written to by one of them; limits hold for all of them together. A worker that dies, freezes or is cut off is
    noticed within half a minute, and the others go on with what it had. SIGTERM or Ctrl-C ends one: what is in flight
    is finished first, in less than ten seconds.

    On several machines, the list is in PostgreSQL: [store] url = "postgresql://…".
    """
    from newsletter.cli.runner import run_schedules

    return run_schedules(session, jobs=jobs, once=once, together=True)
