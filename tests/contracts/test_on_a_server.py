"""A list on a PostgreSQL server: made, opened, upgraded, refused; lost and found again; and what a user is told."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy.exc import ProgrammingError

from newsletter import __version__
from newsletter.engines.procrastinate import make_tables
from newsletter.errors import StoreError, TakenOver
from newsletter.outcome import Accepted, Reply
from newsletter.store import upgrade
from newsletter.store.database import Database, Lock, Locked, Unreachable, exists, open_database
from newsletter.store.leases import Worker, join
from newsletter.store.ledger import begin_record, claim
from newsletter.store.mailings import tally_of
from newsletter.store.postgresql import PostgresDatabase
from newsletter.store.postgresql_words import for_many, spoken
from newsletter.store.subscribers import Subscribers
from newsletter.store.upgrade import bring_up_to_date, known_versions
from newsletter.subscriber import Subscriber
from tests.support.migrations import BROKEN_STEP, add_step, copied_migrations
from tests.support.postgresql import address_of, empty_list, fresh
from tests.support.sending import fill_list, plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_795_248_000
HEAD = known_versions()[-1]


@pytest.fixture
def url() -> Iterator[str]:
    with empty_list() as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    with open_database(url, busy_seconds=0.05) as database:
        assert isinstance(database, PostgresDatabase)
        yield database


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    return copied_migrations(tmp_path)


def plain(url: str) -> closing[psycopg.Connection[Any]]:
    return closing(psycopg.connect(url, autocommit=True))


def shape_of(url: str) -> dict[str, list[Any]]:
    """All that the tables are, but for the order of columns: one that was added later is the last."""
    queries = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default FROM "
        "information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "sequences": "SELECT sequencename, data_type::text, max_value FROM pg_sequences ORDER BY 1",
        "triggers": "SELECT tgname, tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger "
        "WHERE NOT tgisinternal ORDER BY 1",
        "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    }
    with plain(url) as connection:
        shape = {name: connection.execute(query.encode()).fetchall() for name, query in queries.items()}
    # A default of 0 may be a number, or a text that is read as one.
    shape["columns"] = [(*each[:4], (each[4] or "").partition("::")[0].strip("'")) for each in shape["columns"]]
    # Whoever reads the program of a function does not see how its lines are laid out.
    shape["functions"] = [(name, " ".join(text.split())) for name, text in shape["functions"]]
    return shape


# ── made, opened, upgraded ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_made_at_once_is_the_one_that_all_the_steps_make(url: str, migrations: Path) -> None:
    stepwise = fresh()
    with PostgresDatabase(stepwise) as database:
        bring_up_to_date(database, migrations)
    assert shape_of(stepwise) == shape_of(url)


def test_an_older_database_is_upgraded_where_it_is(migrations: Path) -> None:
    url = fresh("newsletter")
    add_step(migrations)
    with open_database(url) as database:
        Subscribers(database).add(Subscriber("ana@example.org"), 1)
        bring_up_to_date(database, migrations)
        with database.reading() as connection:
            assert connection.execute("SELECT email, shoe_size FROM subscribers").fetchall() == [
                ("ana@example.org", "")
            ]
    with pytest.raises(StoreError, match=rf"written by newsletter {__version__}(?s:.*)upgrade this program"):
        open_database(url)


def test_an_upgrade_waits_for_who_is_reading_and_gives_up_at_last(
    migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh("newsletter")
    add_step(migrations)
    before = shape_of(url)
    monkeypatch.setattr(upgrade, "_PATIENCE", 0.0)
    with open_database(url) as database, plain(url) as reader:
        with reader.transaction():
            reader.execute("SELECT count(*) FROM deliveries")
            with pytest.raises(Locked, match=r"somebody is reading them(?s:.*)pg_dump"):
                bring_up_to_date(database, migrations)
            assert shape_of(url) == before
        bring_up_to_date(database, migrations)
        assert shape_of(url) != before


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(url: str, migrations: Path) -> None:
    add_step(migrations, BROKEN_STEP)
    before = shape_of(url)
    with open_database(url) as database, pytest.raises(ProgrammingError, match="nobody"):
        bring_up_to_date(database, migrations)
    assert shape_of(url) == before


def test_four_processes_that_open_a_new_database_at_once_all_succeed() -> None:
    program = "import sys; from newsletter.store.keys import load_keys; from newsletter.store.database import *\n"
    program += "with open_database(sys.argv[1]) as database: print(load_keys(database)[1].hex())"
    command = [sys.executable, "-c", program, fresh()]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=100) for process in processes]
    assert [error for _, error in said] == [""] * 4
    assert len({out for out, _ in said}) == 1


def test_a_database_without_a_list_is_made_into_one_only_by_those_who_may() -> None:
    url = fresh()
    assert not exists(url)
    with pytest.raises(StoreError, match=r"no list in this database yet(?s:.*)subscribers import"):
        open_database(url, create=False)
    open_database(url).close()
    assert exists(url)


def test_four_workers_that_are_the_first_make_the_tables_of_their_engine_together() -> None:
    url = fresh()
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(make_tables, [url] * 4):
            pass
    with plain(url) as connection:
        schemas = "SELECT count(*), count(DISTINCT schemaname) FROM pg_tables WHERE tablename = 'procrastinate_jobs'"
        assert connection.execute(schemas.encode()).fetchone() == (1, 1)


def test_tables_of_others_stay_beside_ours_unless_they_have_our_names() -> None:
    url = fresh()
    with plain(url) as connection:
        connection.execute("CREATE TABLE procrastinate_jobs (id int)")
    open_database(url).close()
    taken = fresh()
    with plain(taken) as connection:
        connection.execute("CREATE TABLE subscribers (id int)")
    with pytest.raises(StoreError, match="belongs to another program"):
        open_database(taken)


def test_an_up_to_date_database_opens_without_the_heavy_libraries(url: str) -> None:
    program = (
        "import sys; from newsletter.store.database import open_database; open_database(sys.argv[1]).close();"
        "print([name for name in ('sqlalchemy', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_its_package_the_program_says_what_to_install(url: str) -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None; from newsletter.store.database import *; "
        "from newsletter.errors import StoreError\n"
        "try: open_database('postgresql://ana:secret@db.example.org/list')\nexcept StoreError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'newsletter[cluster]'" in done.stdout
    assert "secret" not in done.stdout


# ── who waits for whom ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_that_is_locked_for_too_long_is_said_to_be_and_can_still_be_read(database: PostgresDatabase) -> None:
    people = Subscribers(database)
    with database.transaction():
        with pytest.raises(StoreError, match="locked by another process"):
            people.add(Subscriber("ana@example.org"), 1)
        assert people.count() == 0
        with database.transaction(lock=Lock.ROWS) as connection:
            connection.execute("INSERT INTO subscribers (email, canonical) VALUES ('bo', 'bo')")
    people.add(Subscriber("ana@example.org"), 1)
    assert people.count() == 2


def test_two_who_claim_at_once_wait_for_one_another_as_little_as_they_get_the_same(
    url: str, database: PostgresDatabase
) -> None:
    fill_list(database, 4)
    mailing = plan(database)
    lease = join(database, mailing.id, Worker("host", "boot", 1), NOW, lambda _: True)
    with plain(url) as other, other.transaction():
        other.execute("SELECT 1 FROM deliveries WHERE subscriber_id <= 2 FOR UPDATE")
        found = [person.id for person in claim(database, lease, 4, NOW)]
    assert found == [3, 4]
    assert [person.id for person in claim(database, lease, 4, NOW)] == [1, 2]


def test_what_is_committed_is_on_the_servers_disk_whatever_the_server_is_told(url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with plain(url) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        with open_database(url) as database, database.transaction(durable=True) as connection:
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    finally:
        with plain(url) as connection:
            connection.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


def test_a_round_of_a_sender_that_lost_its_lease_changes_nothing(database: PostgresDatabase) -> None:
    fill_list(database, 4)
    mailing = plan(database)
    lease = join(database, mailing.id, Worker("host", "boot", 1), NOW, lambda _: True)
    first, second, *_ = (person.id for person in claim(database, lease, 4, NOW))
    begin_record(database, lease, [], [first], NOW).finish()
    begin_record(database, lease, [(first, Accepted(Reply(250, "", "ok")))], [second], NOW).finish()
    counts = tally_of(database, mailing.id)
    assert (counts.accepted, counts.pending) == (1, 3)
    with database.transaction() as connection:
        connection.execute("DELETE FROM workers")
    with pytest.raises(TakenOver, match="taken over"):
        begin_record(database, lease, [(second, Accepted(Reply(250, "", "ok")))], [], NOW).finish()
    assert tally_of(database, mailing.id) == counts


# ── lost and found ──────────────────────────────────────────────────────────────────────────────────────────────────


def end(url: str, pid: int) -> None:
    """Let the server end a connection, and wait until it has."""
    with plain(url) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))


def test_a_connection_that_was_lost_while_nobody_used_it_is_replaced(url: str, database: PostgresDatabase) -> None:
    with database.reading() as connection:
        (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    end(url, pid)
    Subscribers(database).add(Subscriber("ana@example.org"), 1)
    assert Subscribers(database).count() == 1


def test_a_connection_that_is_lost_in_a_transaction_is_told_and_nothing_is_kept(
    url: str, database: PostgresDatabase
) -> None:
    def lose_it() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO subscribers (email, canonical) VALUES ('a', 'a')")
            (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
            end(url, pid)
            connection.execute("SELECT 1")

    with pytest.raises(Unreachable, match="run the command again"):
        lose_it()
    assert Subscribers(database).count() == 0


def test_whoever_falls_silent_in_a_transaction_loses_it_and_the_others_go_on(
    url: str, database: PostgresDatabase
) -> None:
    def fall_silent() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO subscribers (email, canonical) VALUES ('a', 'a')")
            (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
            # Long enough that the last word does not come with the answer to this: then it is a notice, and not heard.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 200")
            with plain(url) as other:
                query = "SELECT pg_sleep(0.01) FROM pg_stat_activity WHERE pid = %s"
                while other.execute(query, (pid,)).fetchone():
                    pass
            connection.execute("SELECT 1")

    with pytest.raises(StoreError, match="nothing was asked for too long"):
        fall_silent()
    assert Subscribers(database).add(Subscriber("bo@example.org"), 1)


def test_silence_ends_every_writing_transaction_within_a_minute_and_those_of_senders_sooner(
    database: PostgresDatabase,
) -> None:
    asked = "SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
    for lock in Lock:
        with database.transaction(lock=lock) as connection:
            (limit,) = connection.execute(asked).fetchone()
            assert 0 < limit <= (60_000 if lock in (Lock.LIST, Lock.PLANS) else 15_000)


# ── what a user is told ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_read_only_server_is_told_as_such(database: PostgresDatabase) -> None:
    with pytest.raises(StoreError, match="read-only"), database.reading() as connection:
        connection.execute("INSERT INTO subscribers (email, canonical) VALUES ('a', 'a')")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            "postgresql://ana:secret@127.0.0.1:1/list",
            ["no PostgreSQL server answers at 127.0.0.1"],
        ),
        ("postgresql://ana:secret@db.example.org/list?connections=9", ["cannot be read"]),
        ("postgresql://ana@db.example.org/list?password=secret&port=x", ["port=x"]),
    ],
)
def test_a_server_that_cannot_be_reached_is_named_without_a_password(address: str, words: list[str]) -> None:
    with pytest.raises(StoreError) as told:
        open_database(address, busy_seconds=0.05)
    assert all(word in str(told.value) for word in words)
    assert "secret" not in str(told.value)


def test_a_user_or_a_database_that_is_not_there_is_told_with_the_command_that_makes_it() -> None:
    with pytest.raises(StoreError, match=r"has no database nowhere(?s:.*)createdb --owner newsletter nowhere"):
        open_database(address_of("nowhere"))
    with pytest.raises(StoreError, match=r"(knows no user nobody(?s:.*)createuser nobody|let nobody in)"):
        open_database(address_of("postgres", user="nobody"))


def test_a_reply_with_a_sign_that_the_server_cannot_keep_is_kept_without_it(database: Database) -> None:
    reply = Accepted(Reply(250, "", "ok\0ay")).reply.text
    with database.transaction() as connection:
        connection.execute("INSERT INTO meta (name, value) VALUES (?, ?)", ("x", reply))
        connection.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", [("y", reply), ("z", "fine")])
        found = connection.execute("SELECT value FROM meta WHERE name IN ('x', 'y', 'z') ORDER BY name").fetchall()
    assert found == [("ok\N{REPLACEMENT CHARACTER}ay",)] * 2 + [("fine",)]


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT a FROM t WHERE b = ?", "SELECT a FROM t WHERE b = %s"),
        ("SELECT '?' || ? || 'it''s ?'", "SELECT '?' || %s || 'it''s ?'"),
        ("SELECT a LIKE '%x' AND b % 2 = ?", "SELECT a LIKE '%%x' AND b %% 2 = %s"),
        ("SELECT instr(a, ?), 'instr(a)', reinstr(b)", "SELECT strpos(a, %s), 'instr(a)', reinstr(b)"),
    ],
)
def test_a_statement_is_said_in_the_drivers_words(ours: str, theirs: str) -> None:
    assert spoken(ours).decode() == theirs


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            "UPDATE t SET a = ?, b = '?' WHERE c = ?",
            "UPDATE t SET a = v.c0, b = '?' FROM unnest(%s::text[], %s::bigint[]) AS v(c0, c1) WHERE c = v.c1",
        ),
        (
            "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING",
            "INSERT INTO t (a, b) SELECT * FROM unnest(%s::text[], %s::bigint[]) AS v(c0, c1) ON CONFLICT DO NOTHING",
        ),
        (
            "DELETE FROM t WHERE a = ? AND c = ?",
            "DELETE FROM t USING unnest(%s::text[], %s::bigint[]) AS v(c0, c1) WHERE a = v.c0 AND c = v.c1",
        ),
        ("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b", None),
        ("INSERT INTO t (a, b) SELECT ?, id FROM s WHERE c = ?", None),
        ("UPDATE t SET a = ? WHERE b IN (SELECT b FROM s WHERE c = ?)", None),
    ],
)
def test_a_statement_about_many_rows_is_said_once_if_it_can_be(ours: str, theirs: str | None) -> None:
    said = for_many(ours, ("text", "bigint"))
    assert (said and said.decode()) == theirs
