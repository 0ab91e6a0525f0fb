"""As whom a mail is shown: a subscriber, one branch of the personalisation, or the longest values there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from time import time
from typing import TYPE_CHECKING

from newsletter import wiring
from newsletter.edition import Choice
from newsletter.errors import ListError, Problem
from newsletter.links import Links, Signer
from newsletter.render.slots import evaluator
from newsletter.render.variants import branches, told
from newsletter.subscriber import Status, Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.edition import Edition, Pattern
    from newsletter.preview.proof import Proof, Tools

KEYS = {1: b"for show"}  # links that are signed with it open nothing
SOMEBODY, LONGEST = "", "longest"
_BRANCH = re.compile(r"branch-(\d{1,4})-(\d{1,4})")
_FIELD = re.compile(r"\bsubscriber\.(fields\.\w+|first_name|last_name|name)\b")
_MOST = 12  # people that a search finds
# Where no list is at hand: longer than most, shorter than some.
_LONG = {
    "first_name": "Maximiliane-Alexandrina",
    "last_name": "Wolfeschlegelsteinhausen-Featherstonehaugh",
    "name": "Maximiliane-Alexandrina Wolfeschlegelsteinhausen-Featherstonehaugh",
}
_LONG_FIELD = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to show a mail to; `forced` are branches that are taken whatever is known of that person."""

    person: Subscriber
    label: str
    forced: tuple[tuple[int, int], ...] = ()

    def values(self, proof: Proof) -> tuple[str, ...]:
        """What stands in the edition's slots. Raises IssueError for a value that is missing."""
        links = Links(Signer(KEYS), wiring.site(proof.config).base_url, proof.issue.key, 0, 0)
        values = [*evaluator(proof.edition)(self.person, links)]
        for expression, branch in self.forced:
            values[expression] = str(branch)
        return tuple(values)


def reader(tools: Tools, proof: Proof, said: str) -> Reader:
    """Whom the page names by `said`. Raises ListError for an address that is not on the list."""
    if said == LONGEST:
        return Reader(_longest(tools, proof), "the longest values")
    if found := _BRANCH.fullmatch(said):
        wanted = int(found[1]), int(found[2])
        if wanted in set(branches(proof.edition)):
            return Reader(tools.sample(proof.edition), told(proof.edition, *wanted), _way_to(proof.edition, *wanted))
    elif said != SOMEBODY:
        person = _subscriber(proof, said)
        return Reader(person._replace(id=0), person.display_name or person.email)
    return Reader(tools.sample(proof.edition), "somebody of whom little is known")


def offered(proof: Proof) -> list[tuple[str, str]]:
    """Who can be chosen without a search, as what the page says and how it is called."""
    found = [(SOMEBODY, "Somebody of whom little is known")]
    if any(_FIELD.search(source) for each in proof.edition.expressions for source in each.sources):
        found.append((LONGEST, "The longest values"))
    for expression, branch in branches(proof.edition):
        found.append((f"branch-{expression}-{branch}", f"Those of {told(proof.edition, expression, branch)}"))
    return found


def search(proof: Proof, words: str) -> list[Subscriber]:
    """Active subscribers in whose address or name this stands, the first few."""
    from newsletter.segment import parse
    from newsletter.segment_values import Vocabulary
    from newsletter.store.subscribers import Subscribers

    if not wiring.has_store(proof.config) or not words.strip():
        return []
    quoted = '"' + words.strip().replace("\\", "\\\\").replace('"', '\\"') + '"'
    rule = parse(" or ".join(f"{name} contains {quoted}" for name in ("email", "first_name", "last_name", "name")),
                 Vocabulary())  # fmt: skip
    with wiring.store(proof.config, create=False) as database:
        everybody = Subscribers(database).iterate(rule, status=Status.ACTIVE, language=proof.config.language)
        return [person for person, _ in islice(everybody, _MOST)]


def _subscriber(proof: Proof, email: str) -> Subscriber:
    from newsletter.store.subscribers import Subscribers

    if wiring.has_store(proof.config):
        with wiring.store(proof.config, create=False) as database:
            if person := Subscribers(database).get(email):
                return person
    raise ListError(Problem(f"{email} is not on the list", fix="search for a part of the address or the name"))


def _longest(tools: Tools, proof: Proof) -> Subscriber:
    """Somebody who has the longest value of the list in each field that the issue prints."""
    mentioned = {
        name: each.line
        for each in proof.edition.expressions
        for source in each.sources
        for name in _FIELD.findall(source)
    }
    known: dict[str, str] = {}
    if wiring.has_store(proof.config):
        from newsletter.store.acquaintance import acquaintance

        now = int(time())
        with wiring.store(proof.config, create=False) as database:
            known = {**acquaintance(database, mentioned, language=proof.config.language, now=now).longest}
    values = {name: known.get(name) or _LONG.get(name, _LONG_FIELD) for name in mentioned}
    person = tools.sample(proof.edition)
    fields = {name.removeprefix("fields."): text for name, text in values.items() if name.startswith("fields.")}
    return person._replace(
        first_name=values.get("first_name", person.first_name),
        last_name=values.get("last_name", person.last_name),
        name=values.get("name", person.name),
        fields={**person.fields, **fields},
    )


def _way_to(edition: Edition, expression: int, branch: int) -> tuple[tuple[int, int], ...]:
    """The branches that have to be taken for this one to be seen, the outermost first."""
    for pattern in (edition.html, edition.text, edition.subject, edition.preheader):
        for way in _ways(pattern, ()):
            if way[-1] == (expression, branch):
                return way
    return ((expression, branch),)


def _ways(pattern: Pattern, before: tuple[tuple[int, int], ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    for part in pattern:
        if isinstance(part, Choice):
            for number, inside in enumerate(part.branches):
                way = (*before, (part.index, number))
                yield way
                yield from _ways(inside, way)
