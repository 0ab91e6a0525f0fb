"""Audiences: from a list to what is known of those whom an issue would reach, for the checks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.audience import tags_in
from newsletter.manuscript import Asked

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.audience import Rule
    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.manuscript import Audience
    from newsletter.store.database import Database
    from newsletter.subscriber import Subscriber

_FIELD = re.compile(r"\bsubscriber\.(fields\.\w+|first_name|last_name|name)\b")
_TAG = re.compile(r"""(["'])((?:(?!\1).)+)\1\s+(?:not\s+)?in\s+subscriber\.tags""")
_FEW = 20_000  # readers who are looked through one by one, to see which parts nobody gets


def audience_of(
    database: Database | None, edition: Edition, rule: Rule, config: Config, now: datetime
) -> Audience | None:
    """What is known of those in the segment; None without a list. Asked once, as long as the list stays as it is."""
    if database is None:
        return None
    from newsletter.render.needs import needs
    from newsletter.store.acquaintance import acquaintance

    lines = needs(edition)
    sources = [
        (source, each.line_of(at) if each.is_choice else each.line)
        for each in edition.expressions
        for at, source in enumerate(each.sources)
    ]
    printed = {name: line for source, line in sources for name in _FIELD.findall(source)} | lines
    conditions = tuple(expression.sources for expression in edition.expressions if expression.is_choice)
    key = (repr(rule), config.language, tuple(sorted(printed)), conditions, *database.state())
    if key not in _KNOWN:
        _KNOWN.clear()
        found = acquaintance(database, printed, rule, language=config.language, now=int(now.timestamp()))
        known = {name: number for name, number in found.without.items() if name in lines}
        unread = _unread(database, edition, rule, config) if conditions and found.recipients <= _FEW else ()
        _KNOWN[key] = replace(found, without=known, unread=unread), _known_tags(database, rule, sources)
    audience, tags = _KNOWN[key]
    asked = tuple(Asked(tag, line) for source, line in sources for _, tag in _TAG.findall(source))
    wanted = tuple(Asked(tag) for tag in tags_in(rule)) + asked
    unknown = tuple(each for each in wanted if each.tag.casefold() not in tags)
    return replace(audience, lines=lines, unknown_tags=unknown, tags=frozenset(tags.values()))


# A million readers are looked through once, and not with each save of an issue that is previewed.
_KNOWN: dict[tuple[object, ...], tuple[Audience, dict[str, str]]] = {}


def with_longest(somebody: Subscriber, audience: Audience) -> Subscriber:
    """Somebody with the longest value that anybody has of each field that is printed."""
    longest = {name: value for name, value in audience.longest.items() if value}
    return somebody._replace(
        first_name=longest.pop("first_name", somebody.first_name),
        last_name=longest.pop("last_name", somebody.last_name),
        name=longest.pop("name", somebody.name),
        fields={**somebody.fields, **{name.removeprefix("fields."): value for name, value in longest.items()}},
    )


def _unread(database: Database, edition: Edition, rule: Rule, config: Config) -> tuple[tuple[str, int], ...]:
    """The branches of conditions that nobody gets, as their author wrote them, and their lines."""
    from newsletter.render.variants import branches, counted, tag_of
    from newsletter.store.subscribers import Subscribers
    from newsletter.subscriber import Status

    everybody = Subscribers(database).iterate(rule, status=Status.ACTIVE, language=config.language)
    found = counted(edition, (subscriber for subscriber, suppression in everybody if not suppression))
    seen = {choice for variant in found for choice in variant}
    return tuple(
        (tag_of(edition, *branch), edition.expressions[branch[0]].line_of(branch[1]))
        for branch in branches(edition)
        if found and branch not in seen
    )


def _known_tags(database: Database, rule: Rule, sources: list[tuple[str, int]]) -> dict[str, str]:
    """The list's tags by their small letters; none where nobody asks for a tag."""
    if not any(tags_in(rule)) and not any(_TAG.search(source) for source, _ in sources):
        return {}
    from newsletter.store.known_tags import known_tags

    return {tag.casefold(): tag for tag in known_tags(database)}
