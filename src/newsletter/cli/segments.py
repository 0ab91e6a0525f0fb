"""newsletter segments: the groups of readers that have a name, and whom a rule means today."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import count, figure
from newsletter.cli.shell import Command, CommandGroup, Session, json_option, pass_session
from newsletter.cli.subscriber import list_of
from newsletter.errors import ListError

if TYPE_CHECKING:
    from newsletter.audience import Audience

_SAMPLES = 10
_LEFT_OUT = {
    "outside": "active, and outside of the segment",
    "paused": "in the segment, and pausing",
    "pending": "not confirmed yet",
    "unsubscribed": "unsubscribed",
    "suppressed": "suppressed",
}


@click.group(cls=CommandGroup, invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the segments of newsletter.toml, or show whom a rule means."""
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(Session), as_json=as_json)


def _list(session: Session, *, as_json: bool) -> None:
    from newsletter.segment import parse

    config = session.config()
    if not config.segments:
        session.console.note("No segment has a name yet; write one below [segments] in newsletter.toml: NAME = 'RULE'")
    found: list[dict[str, Any]] = []
    if config.segments:
        now = int(session.clock().timestamp())
        with list_of(session) as subscribers:
            vocabulary = subscribers.vocabulary(config.fields, config.segments, now=now)
            for name, rule in config.segments.items():
                try:
                    audience = subscribers.audience(parse(name, vocabulary), language=config.language, now=now)
                except ListError as error:
                    session.console.warn(error.problems[0])
                    found.append({"name": name, "rule": rule, "recipients": None})
                else:
                    found.append({"name": name, "rule": rule, "recipients": audience.recipients})
    if as_json:
        session.console.print_json(found)
        return
    width = max((len(each["name"]) for each in found), default=0)
    for each in found:
        number = "–" if each["recipients"] is None else figure(each["recipients"])
        session.console.result(f"{each['name']:<{width}}  {number:>9}  {each['rule']}")


@command.command(
    "show", cls=Command, epilog="Example: newsletter segments show 'tag:volunteer and joined in the last 90 days'"
)
@click.argument("rule")
@json_option
@pass_session
def show(session: Session, rule: str, as_json: bool) -> None:
    """Count whom RULE means, tell who is left out and why, and show some.

    RULE is a segment's rule, or the name of one. Addresses are shown on a terminal and with --json, and never in a
    file by accident.
    """
    from itertools import islice

    from newsletter.segment import parse
    from newsletter.subscriber import Status

    config = session.config()
    now = int(session.clock().timestamp())
    with list_of(session) as subscribers:
        tree = parse(rule, subscribers.vocabulary(config.fields, config.segments, now=now))
        audience = subscribers.audience(tree, language=config.language, now=now)
        found = subscribers.iterate(tree, status=Status.ACTIVE, language=config.language)
        reached = (person.email for person, reason in found if reason is None and person.paused_until <= now)
        samples = list(islice(reached, _SAMPLES)) if as_json or sys.stdout.isatty() else []
    if as_json:
        session.console.print_json(
            {"rule": config.segments.get(rule.strip(), rule), "recipients": audience.recipients,
             "left_out": {name: getattr(audience, name) for name in _LEFT_OUT}, "samples": samples}
        )  # fmt: skip
        return
    _tell(session, audience)
    for email in samples:
        session.console.result(f"           {email}")
    if samples and audience.recipients > len(samples):
        session.console.result(f"           … and {figure(audience.recipients - len(samples))} more")


def _tell(session: Session, audience: Audience) -> None:
    session.console.result(f"An issue for this segment would go to {count(audience.recipients, 'reader')}.")
    for name, what in _LEFT_OUT.items():
        if number := getattr(audience, name):
            session.console.result(f"{figure(number):>9}  {what}")
