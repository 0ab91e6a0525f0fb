"""newsletter doctor: whether everything around a newsletter is such that its mails arrive."""

from __future__ import annotations

import os
from itertools import groupby
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, json_option, pass_session
from newsletter.diagnosis import Health

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.config import Config
    from newsletter.diagnosis import Diagnosis

_SIGNS = {
    Health.GOOD: ("✓", "green"),
    Health.ADVICE: ("!", "yellow"),
    Health.BAD: ("✗", "red"),
    Health.UNKNOWN: ("?", "blue"),
}


@click.command(cls=Command, epilog="Example: newsletter doctor --transport relay")
@click.option("--transport", "way", metavar="NAME", help="A transport of newsletter.toml; default: the one in use.")
@click.option("--offline", is_flag=True, help="Look at the settings only; ask nobody.")
@json_option
@pass_session
def command(session: Session, way: str | None, offline: bool, as_json: bool) -> ExitCode:
    """Find out whether mails will arrive: settings, mail server, DNS, pages.

    Each line says what is well and what is not, who wants it, and what to write into the DNS. Nothing is sent, and
    nothing changed. It ends with 3 when something is wrong.
    """
    config = session.config()
    found = [*_examined(session, config, way, offline=offline)]
    if as_json:
        session.console.print_json([each.as_dict() for each in found])
    else:
        _show(session, found)
    return ExitCode.REFUSED if any(each.health is Health.BAD for each in found) else ExitCode.DONE


def _examined(session: Session, config: Config, way: str | None, *, offline: bool) -> Iterator[Diagnosis]:
    from newsletter import wiring
    from newsletter.actions import examine
    from newsletter.links import Links, Signer

    name = way or config.transport
    yield from examine.examine_settings(config)
    if name and config.chosen_transport(way).is_provider:
        told = wiring.provider_told(config, config.chosen_transport(way), os.environ)
        yield from examine.examine_provider(name, *told)
    if offline:
        return
    address = ""
    if name and config.chosen_transport(way).kind in {"smtp", "lmtp"}:
        trial = wiring.next_hop(config, way, os.environ)
        yield from examine.examine_way_out(name, trial, session.clock())
        address = wiring.public_address(trial.address)
    yield from examine.examine_domain(config, wiring.dns(config), wiring.signing(config), address)
    if config.base_url.startswith("https:"):
        # A token that is signed and stands for nobody.
        with wiring.store(config) as database:
            signer = Signer(wiring.keys(database))
        links = Links(signer, config.base_url, "doctor", 0, 0)
        yield from examine.examine_pages(links.unsubscribe, wiring.posting())


def _show(session: Session, found: Sequence[Diagnosis]) -> None:
    for section, group in groupby(found, key=lambda each: each.section):
        session.console.say(click.style(section, bold=True))
        for each in group:
            sign, colour = _SIGNS[each.health]
            session.console.say(f"  {click.style(sign, fg=colour, bold=True)} {each.about}: {each.message}")
            if each.health is Health.GOOD:
                continue
            if each.fix:
                session.console.say(f"      → {each.fix}")
            if each.publish:
                session.console.say(f"      publish: {each.publish}")
            if each.wanted_by and each.health is Health.BAD:
                session.console.say(f"      wanted by {', '.join(each.wanted_by)}")
    bad = sum(each.health is Health.BAD for each in found)
    session.console.note("Nothing is wrong." if not bad else f"{bad} to be mended before you send.")
