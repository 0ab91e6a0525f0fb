"""Claims: whoever is due and still wanted is claimed once, in chunks of any size, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.delivery import State
from newsletter.store.claims import Choice
from newsletter.store.leases import Worker, join
from newsletter.store.ledger import claim
from tests.support.sending import plan
from tests.support.stores import new_store

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Reader:
    """How somebody stands when the claims begin."""

    state: State = State.PENDING
    is_due: bool = True
    left: bool = False
    domain: str = "example.org"

    @property
    def waits(self) -> bool:
        return self.state is State.PENDING or (self.state is State.DEFERRED and self.is_due)


readers = st.builds(
    Reader,
    state=st.sampled_from([State.PENDING, State.PENDING, State.DEFERRED, State.ACCEPTED, State.REJECTED]),
    is_due=st.booleans(),
    left=st.sampled_from([False, False, False, True]),
    domain=st.sampled_from(["example.org", "example.com"]),
)


@pytest.mark.parametrize(
    "choice",
    [Choice(), Choice(latest_first=True), Choice(domains=("example.org",)), Choice(("example.org",), but_these=False)],
    ids=["everybody", "latest first", "but one domain", "one domain"],
)
@given(everybody=st.lists(readers, max_size=60), size=st.integers(1, 20))
@settings(max_examples=5)
def test_whoever_is_due_and_still_wanted_is_claimed_once_and_nobody_else(
    choice: Choice, everybody: list[Reader], size: int
) -> None:
    with new_store() as database:
        known = dict(enumerate(everybody, 1))
        with database.transaction() as connection:
            connection.executemany(
                "INSERT INTO subscribers (id, email, canonical, status) VALUES (?, ?, ?, 'active')",
                [(key, f"r{key}@{each.domain}", f"r{key}@{each.domain}") for key, each in known.items()],
            )
        mailing = plan(database)
        lease = join(database, mailing.id, Worker("here", "", 1), NOW, lambda _: True)
        with database.transaction() as connection:
            connection.executemany(
                "UPDATE deliveries SET state = ?, next_at = ? WHERE subscriber_id = ?",
                [
                    (each.state.value, NOW + 60 * (each.state is State.DEFERRED and not each.is_due), key)
                    for key, each in known.items()
                ],
            )
            connection.executemany(
                "UPDATE subscribers SET status = 'unsubscribed' WHERE id = ?",
                [(key,) for key, each in known.items() if each.left],
            )
        claimed: list[int] = []
        while chunk := claim(database, lease, size, NOW, choice):
            assert len(chunk) <= size
            claimed += [each.id for each in chunk]
        with database.reading() as connection:
            rows = connection.execute("SELECT subscriber_id, state, claim FROM deliveries").fetchall()
    meant = {
        key: each
        for key, each in known.items()
        if each.waits and (not choice.domains or (each.domain in choice.domains) is not choice.but_these)
    }
    assert sorted(claimed) == [key for key, each in meant.items() if not each.left]
    for key, state, worker in rows:
        if key not in meant:
            assert State(state) is known[key].state
        else:
            assert (State(state), worker) == (State.SKIPPED if known[key].left else State.CLAIMED, lease.worker)
