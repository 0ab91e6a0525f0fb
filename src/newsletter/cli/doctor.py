"""newsletter doctor: whether everything around a newsletter is such that its mails arrive."""

from __future__ import annotations

import os
from itertools import groupby
from typing import TYPE_CHECKING

import click

from newsletter.checks.receivers import RECEIVERS_SECTION
from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, json_option, pass_session
from newsletter.diagnosis import Health

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    from newsletter.actions.examine_domain import examine_domain
    from newsletter.checks.receivers import receivers
    from newsletter.links import Links, Signer
    from newsletter.store.database import is_on_a_server

    settings = config.chosen_transport(way) if way or config.transport else None
    yield from (found := [*examine.examine_settings(config)])
    keys: Mapping[int, bytes] = {}
    if not (offline and is_on_a_server(config.store_url)):
        people, failure, keys = _list(config)
        yield examine.examine_list(people, failure)
    missing = ""
    if settings and settings.is_provider:
        provider, missing, notes = wiring.provider_told(config, settings, os.environ)
        yield from examine.examine_provider(settings.name, provider, missing, notes)
    if offline:
        return
    address, trial, quota = "", None, None
    if settings and settings.kind in {"smtp", "lmtp"}:
        trial = wiring.next_hop(config, way, os.environ)
        yield from (server := [*examine.examine_way_out(settings.name, trial, session.clock())])
        found += server
        address = wiring.public_address(trial.address)
    elif settings and settings.is_provider and not missing:
        quota = wiring.provider_quota(settings, os.environ)
    if settings and (trial or settings.is_provider) and not (missing or (trial and trial.failure)):
        today = session.clock().astimezone().date()
        yield examine.examine_quota(settings.name, trial, quota, wiring.limits(config, way), today)
    yield from (domain := [*examine_domain(config, wiring.dns(config), wiring.signing(config), address)])
    found += domain
    if config.base_url.startswith("https:"):
        # A token that is signed and stands for nobody.
        links = Links(Signer(keys), config.base_url, "doctor", 0, 0) if keys else None
        yield from (pages := [*examine.examine_pages(links.unsubscribe if links else "", wiring.posting())])
        found += pages
    yield from receivers(found)


def _list(config: Config) -> tuple[int | None, str, Mapping[int, bytes]]:
    """How many readers there are, or why nobody can tell; and the keys that sign their links. None is made for it."""
    from newsletter import wiring
    from newsletter.errors import StoreError
    from newsletter.store.subscribers import Subscribers
    from newsletter.subscriber import Status

    try:
        if not wiring.has_store(config):
            return None, "", {}
        with wiring.store(config, create=False) as database:
            return Subscribers(database).count(status=Status.ACTIVE), "", wiring.keys(database)
    except StoreError as error:
        return None, error.problems[0].message, {}


def _show(session: Session, found: Sequence[Diagnosis]) -> None:
    for section, group in groupby(found, key=lambda each: each.section):
        session.console.say(click.style(section, bold=True))
        for each in group:
            sign, colour = _SIGNS[each.health]
            session.console.say(f"  {click.style(sign, fg=colour, bold=True)} {each.about}: {each.message}")
            if each.health is Health.GOOD:
                continue
            for line in each.fix.splitlines():
                session.console.say(f"      → {line}")
            if each.publish:
                session.console.say(f"      publish: {each.publish}")
            if each.wanted_by and each.health is Health.BAD:
                session.console.say(f"      wanted by {', '.join(each.wanted_by)}")
    bad = sum(each.health is Health.BAD and each.section != RECEIVERS_SECTION for each in found)
    session.console.note("Nothing is wrong." if not bad else f"{bad} to be mended before you send.")
