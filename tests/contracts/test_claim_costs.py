"""What a claim costs, counted in the steps of SQLite, and in the rows of PostgreSQL: the same on each machine."""

from __future__ import annotations

from newsletter.store.leases import Worker, join
from newsletter.store.ledger import claim
from newsletter.store.mailings import has_due, next_due
from tests.support.sending import fill_list, plan
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


def test_a_claim_on_a_server_reads_nobody_who_has_their_message_though_it_believes_that_all_wait() -> None:
    with store_of("postgresql") as database:

        def read() -> int:
            with database.transaction() as connection:
                connection.execute("SELECT pg_stat_force_next_flush()")
            with database.reading() as connection:
                query = """
                    SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
                    WHERE indexrelname IN ('pk_deliveries', 'pk_subscribers')
                """
                return int(connection.execute(query).fetchone()[0])

        fill_list(database, RECIPIENTS)
        with database.transaction() as connection:
            connection.execute("ANALYZE subscribers")
        mailing = plan(database)
        lease = join(database, mailing.id, Worker("here", "", 1), NOW, lambda _: True)
        with database.transaction() as connection:
            last = "SELECT max(subscriber_id) FROM deliveries"
            connection.execute(f"UPDATE deliveries SET state = 3 WHERE subscriber_id <= ({last}) - ?", (CLAIMED,))
        before = read()
        assert len(claim(database, lease, CLAIMED, NOW)) == CLAIMED
        assert read() - before <= 2 * CLAIMED
