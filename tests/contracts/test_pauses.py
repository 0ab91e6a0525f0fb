"""What a transport does when no message may be sent now: it goes on with what is under way, and asks again."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from newsletter.outcome import Accepted
from tests.contracts.test_transports import WAYS, Way, Witness
from tests.support.letters import letters, no_offer, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsletter.message import Message
    from newsletter.outcome import Outcome

_MANY = 200  # times that a transport may ask; it should ask once or twice


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    with WAYS[str(request.param)](tmp_path, Witness()) as running:
        yield running


@pytest.mark.parametrize("pauses", [(3, 0), (0, 3), (2, 1)], ids=["before", "behind", "between"])
def test_a_pause_loses_nobody_and_ends_nothing(way: Way, pauses: tuple[int, int]) -> None:
    sent = letters(5)
    before, behind = pauses
    source = chain.from_iterable([*[None] * before, each, *[None] * behind] for each in sent)
    told = outcomes(way.transport.deliver(source, no_offer))
    assert Counter(way.arrived()) == Counter(each.data for each in sent)
    assert set(told) == set(range(5))


def test_nothing_but_pauses_delivers_nothing_and_ends(way: Way) -> None:
    assert outcomes(way.transport.deliver(iter([None, None]), no_offer)) == {}
    assert way.arrived() == []


def test_while_nothing_may_be_sent_what_is_under_way_is_told_of(way: Way) -> None:
    told: dict[int, Outcome | None] = {}

    def one_after_the_other() -> Iterator[Message | None]:
        for each in letters(4):
            yield each
            for _ in range(_MANY):
                if each.key in told:
                    break
                yield None
            assert each.key in told, "the transport asks and asks, and never tells"

    for results in way.transport.deliver(one_after_the_other(), no_offer):
        told |= {each.key: outcome for each, outcome in results}
    assert all(isinstance(outcome, Accepted) for outcome in told.values())
    assert len(told) == len(way.arrived()) == 4
