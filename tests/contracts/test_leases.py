"""Whether a worker that is not ourselves is still there, as this machine can tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.actions.presence import this_worker
from newsletter.report import Tally
from newsletter.store.leases import LEASE_SECONDS, Worker, is_gone, join, take_over, workers_of
from newsletter.store.ledger import claim
from newsletter.store.mailings import tally_of
from tests.support.sending import NOW, fill_list, plan
from tests.support.stores import new_store

HERE = Worker("host", "boot", 1, "pid:[1]")
NOW_SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        (replace(HERE, pid=2), True),
        (replace(HERE, pid=2, space="pid:[2]"), False),  # another container on this machine
        (replace(HERE, pid=2, space=""), False),  # nobody knows where
        (replace(HERE, pid=2, host="elsewhere"), False),
        (replace(HERE, boot="earlier"), True),
    ],
    ids=["beside us", "in another container", "who knows where", "on another host", "before a restart"],
)
def test_only_a_process_among_ours_is_judged_by_its_number(other: Worker, gone: bool) -> None:
    with new_store() as database:
        fill_list(database, 3)
        mailing = plan(database)
        lease = join(database, mailing.id, other, NOW_SECONDS, lambda _: True)
        assert len(claim(database, lease, 3, NOW_SECONDS)) == 3
        (there,) = workers_of(database, mailing.id)
        assert there.worker == other
        assert is_gone(there, HERE, NOW_SECONDS, lambda _: False) is gone
        later = NOW_SECONDS + LEASE_SECONDS
        assert is_gone(there, HERE, later, lambda _: True)
        assert take_over(database, mailing.id, HERE, later, lambda _: True) == 1
        # A power cut may have taken the last records along; another container never does.
        lost_power = other.boot != HERE.boot and not database.dialect.on_a_server
        assert tally_of(database, mailing.id) == (Tally(uncertain=3) if lost_power else Tally(pending=3))


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="there are no such spaces here")
def test_a_process_says_in_which_space_its_number_counts() -> None:
    assert this_worker().space == str(Path("/proc/self/ns/pid").readlink())
