"""Which versions of an issue there are, and how many recipients get each."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from newsletter.cli.console import count, figure
from newsletter.render.variants import branches, counted, told
from newsletter.segment import parse
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.store.database import Database


def variants_told(config: Config, database: Database, edition: Edition, segment: str) -> Iterator[str]:
    """The lines to print: each variant with its recipients, the most frequent first; then what nobody gets.

    Raises ListError for a wrong segment rule.
    """
    subscribers = Subscribers(database)
    vocabulary = subscribers.vocabulary(config.fields, config.segments, now=int(time()))
    rule = parse(segment, vocabulary)
    everybody = subscribers.iterate(rule, status=Status.ACTIVE, language=config.language)
    found = counted(edition, (subscriber for subscriber, suppression in everybody if not suppression))
    yield f"{count(len(found), 'variant')} for {count(sum(found.values()), 'recipient')}"
    width = max((len(figure(number)) for number in found.values()), default=0)
    for variant, number in found.most_common():
        choices = [told(edition, *choice) for choice in variant] or ["the same for everybody"]
        yield ""
        yield f"{figure(number):>{width}}  {choices[0]}"
        yield from (f"{'':{width}}  {choice}" for choice in choices[1:])
    seen = {choice for variant in found for choice in variant}
    if unseen := [told(edition, *branch) for branch in branches(edition) if branch not in seen]:
        yield ""
        yield "Nobody gets:"
        yield from (f"  {branch}" for branch in unseen)
