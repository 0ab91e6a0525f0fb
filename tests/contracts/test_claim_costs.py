"""What a claim costs, counted in the steps of SQLite, which are the same on each machine; a server counts none."""

from __future__ import annotations

from newsletter.store.leases import Worker, join
from newsletter.store.ledger import claim
from newsletter.store.mailings import has_due, next_due
from tests.support.sending import plan
from tests.support.stores import store_of

NOW = 1_795_000_000
RECIPIENTS, CLAIMED = 4_000, 20


def test_a_claim_costs_no_more_at_the_end_of_a_long_mailing_than_at_its_beginning() -> None:
    with store_of("sqlite") as database:
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        def cost() -> int:
            nonlocal steps
            steps = 0
            assert len(claim(database, lease, CLAIMED, NOW)) == CLAIMED
            assert has_due(database, mailing.id, NOW)
            assert next_due(database, mailing.id)
            return steps

        with database.transaction() as connection:
            connection.executemany(
                "INSERT INTO subscribers (id, email, canonical) VALUES (?, ?, ?)",
                [(key, f"r{key}@example.org", f"r{key}@example.org") for key in range(1, RECIPIENTS + 1)],
            )
        mailing = plan(database)
        lease = join(database, mailing.id, Worker("here", "", 1), NOW, lambda _: True)
        with database.transaction() as connection:
            # Whoever comes next gets the connection that was given back last.
            connection.set_progress_handler(count, 10)  # type: ignore[attr-defined]
        with database.transaction() as connection:
            connection.execute("UPDATE deliveries SET state = 3 WHERE subscriber_id > ?", (2 * CLAIMED,))
        at_first = cost()
        with database.transaction() as connection:
            connection.execute("UPDATE deliveries SET state = 0 WHERE subscriber_id > ?", (RECIPIENTS - 2 * CLAIMED,))
            connection.execute("UPDATE deliveries SET state = 3 WHERE state = 0 AND subscriber_id <= ?", (2 * CLAIMED,))
        at_last = cost()
    assert at_first > 0
    assert at_last <= 1.5 * at_first
