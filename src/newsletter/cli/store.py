"""newsletter store: where the list and the ledger are kept."""

from __future__ import annotations

from dataclasses import replace

import click

from newsletter.cli.console import ExitCode, count, figure
from newsletter.cli.options import Setting
from newsletter.cli.shell import Command, CommandGroup, Session, json_option, pass_session
from newsletter.config_addresses import database_url, in_folder


@click.group(cls=CommandGroup)
def command() -> None:
    """Move the list and the ledger to another database."""


@command.command(
    "copy", cls=Command, epilog="Example: newsletter store copy --to postgresql://ana@db.example.org/letter"
)  # fmt: skip
@click.option(
    "--to", "target", required=True, type=Setting("url", database_url), metavar="URL",
    help="The new place, which must be empty: sqlite:///FILE or postgresql://USER@SERVER/NAME.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be copied.")
@json_option
@pass_session
def copy(session: Session, target: str, dry_run: bool, as_json: bool) -> ExitCode:
    """Copy everything to another database, and prove that nothing is missing.

    People, consents, mailings, what became of every message, keys: all of it, with its numbers, so that links in old
    messages go on working. The old database stays as it was. Nobody can write to it in the meantime, and nothing is
    copied while a mailing is being sent. A password stands in the variable PGPASSWORD or in the file ~/.pgpass.
    """
    from newsletter import wiring
    from newsletter.store.copying import copy as copy_all
    from newsletter.store.copying import sizes

    config = session.config()
    console = session.console
    # As newsletter.toml would read it: a file stands beside it.
    there = replace(config, store_url=in_folder(target, config.folder))
    with wiring.store(config, create=False) as old:
        tables = sizes(old)
        rows = sum(each.rows for each in tables)
        name = old.name
        if dry_run:
            taken = wiring.has_store(there)
            console.say(f"Would copy {count(rows, 'row')} in {len(tables)} tables from {name} to {target}.")
            if taken:
                console.say("There is a list already: it is only copied to if it is empty.")
        else:
            with wiring.store(there) as new, console.progress(rows, "Copying") as advance:
                tables = copy_all(old, new, advance)
    if as_json:
        told = [{"table": each.table, "rows": each.rows, "checksum": each.checksum} for each in tables]
        console.print_json({"from": name, "to": target, "rows": rows, "dry_run": dry_run, "tables": told})
    for each in tables:
        console.detail(f"{figure(each.rows):>12}  {each.table}")
    if not dry_run:
        console.say(
            f"Copied {count(rows, 'row')} in {len(tables)} tables. Both databases were read to the end, and agree."
        )
        console.say(f'Now write url = "{target}" under [store], and put {name} away: nothing is added to it any more.')
    return ExitCode.DONE
