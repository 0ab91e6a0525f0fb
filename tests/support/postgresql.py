"""A PostgreSQL server for one run of the tests, with databases that hold an empty list.

The server that NEWSLETTER_TEST_POSTGRESQL names, by an address whose user may make databases; else one that is started
for the run, from Debian's package `postgresql`. The first process that needs it starts a keeper, and every process that
uses it holds a lock: once the last one is gone, however it went, the keeper stops the server and removes its files.

    python -m tests.support.postgresql FOLDER      the keeper
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

from newsletter.store.database import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
NAMED = os.environ.get("NEWSLETTER_TEST_POSTGRESQL", "")
_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
_TEMPLATE = f"newsletter_template_{uuid.uuid5(uuid.NAMESPACE_OID, _RUN).hex[:12]}"
# It forgets everything when it stops, so it need not write anything through. Tables of which it has no statistics look
# large to it, and to compile the queries was half of its work.
_SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "listen_addresses": "", "max_connections": "200",
    "max_wal_size": "4GB", "checkpoint_timeout": "1h", "autovacuum": "off", "shared_buffers": "64MB", "jit": "off",
}  # fmt: skip
_EMPTY = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN
            SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
            ORDER BY 1 DESC
        LOOP
            EXECUTE format('DELETE FROM %I', name);
        END LOOP;
        INSERT INTO meta (name, value) SELECT 'program', 'test';
        FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
            EXECUTE format('ALTER SEQUENCE %I RESTART', name);
        END LOOP;
    END $$
"""
_free: list[str] = []  # databases of this process that are empty and wait for the next test
_sweepers: dict[str, psycopg.Connection[Any]] = {}  # to those used before: what empties a list is quick when warm


@contextmanager
def empty_list() -> Iterator[str]:
    """The address of a database with an empty list, which is nobody else's until the end."""
    url = _free.pop() if _free else fresh("newsletter")
    yield url
    try:
        if url not in _sweepers:
            _sweepers[url] = psycopg.connect(url, autocommit=True, options="-c lock_timeout=1000")
        _sweepers[url].execute(_EMPTY)
    except psycopg.Error:  # a test that was about something broken
        drop(url)
    else:
        _free.append(url)


def fresh(kind: str = "nothing") -> str:
    """The address of a new database; with "newsletter", one that holds an empty list already."""
    return _made(_template() if kind == "newsletter" else "")


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """The address of a database with all that is in this one, which nobody has open."""
    _leave(url)
    copy = _made(_name(url))
    yield copy
    drop(copy)


def dump(url: str) -> bytes:
    """What pg_dump makes of a database."""
    return _told("pg_dump", "--format=custom", f"--dbname={url}")


def load(url: str, dumped: bytes, *options: str) -> None:
    """Load what `dump` gave into a database, as pg_restore does it with these options."""
    _told("pg_restore", f"--dbname={url}", *options, given=dumped)


def _told(program: str, *arguments: str, given: bytes = b"") -> bytes:
    path = _PROGRAMS[-1] / program if _PROGRAMS else shutil.which(program)
    if path is None:
        pytest.skip(f"there is no {program}: apt-get install postgresql-client")
    done = subprocess.run([path, *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _made(template: str) -> str:
    name = f"newsletter_{uuid.uuid4().hex[:12]}"
    with _administrator() as connection:
        connection.execute(f"CREATE DATABASE {name}{f' TEMPLATE {template}' if template else ''}")
    return address_of(name)


def _name(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


def _leave(url: str) -> None:
    if url in _sweepers:
        _sweepers.pop(url).close()


def drop_all() -> None:
    """Leave what waits, and take it away on a server that outlives this run."""
    for url in tuple(_sweepers):
        _leave(url)
    while NAMED and _free:
        drop(_free.pop())


def address_of(name: str, **more: str) -> str:
    """The address of a database of the server."""
    given = psycopg.conninfo.conninfo_to_dict(_server()) | {"dbname": name} | more
    place = f"{quote(str(given.pop('user', '')))}@/{given.pop('dbname')}"
    return f"postgresql://{place}?" + "&".join(f"{key}={quote(str(value), safe='')}" for key, value in given.items())


def drop(url: str) -> None:
    """Take a database away, whoever is in it."""
    _leave(url)
    with _administrator() as connection, suppress(psycopg.Error):
        connection.execute(f"DROP DATABASE {_name(url)} WITH (FORCE)")


def _administrator() -> psycopg.Connection[Any]:
    return psycopg.connect(_server(), autocommit=True)


@cache
def _template() -> str:
    with _administrator() as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_TEMPLATE,)).fetchone():
            connection.execute(f"CREATE DATABASE {_TEMPLATE}_in_making")
            open_database(address_of(f"{_TEMPLATE}_in_making")).close()
            connection.execute(f"ALTER DATABASE {_TEMPLATE}_in_making RENAME TO {_TEMPLATE}")
    return _TEMPLATE


@cache
def _server() -> str:
    """The address of the server's own database, as a connection string. Skips the test where there is none."""
    if NAMED:
        return NAMED
    if not _PROGRAMS:
        pytest.skip("there is no PostgreSQL: apt-get install postgresql, or name one in NEWSLETTER_TEST_POSTGRESQL")
    folder = Path(tempfile.gettempdir()) / f"newsletter-postgresql-{os.getuid()}-{_RUN}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    _held(folder / "users", fcntl.LOCK_SH)
    starting = _held(folder / "starting", fcntl.LOCK_EX)
    try:
        if not (folder / "ready").exists():
            _start_keeper(folder)
    finally:
        os.close(starting)
    return f"host={folder} user=newsletter dbname=postgres"


def _start_keeper(folder: Path) -> None:
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.support.postgresql", str(folder)],
        stdout=subprocess.PIPE, start_new_session=True, text=True, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
    )  # fmt: skip
    assert keeper.stdout
    said = keeper.stdout.readline()
    keeper.stdout.close()
    keeper.returncode = 0  # it outlives us, and is nobody's to wait for
    if said != "ready\n":
        shutil.rmtree(folder, ignore_errors=True)
        raise AssertionError("the keeper of the server told why on its standard error")
    (folder / "ready").touch()


def _held(file: Path, kind: int) -> int:
    """A lock on a file, until it is closed, or this process ends."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, kind)
    return handle


def _keep(folder: Path) -> None:
    """Run a server until nobody uses it any more."""
    who = _unprivileged()
    data = folder / "data"
    data.mkdir(mode=0o700)
    if who:
        shutil.chown(data, who, pwd.getpwnam(who).pw_gid)
        shutil.chown(folder, who)
    user: dict[str, Any] = {"user": who, "group": pwd.getpwnam(who).pw_gid, "extra_groups": []} if who else {}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": "/"} | user
    made: list[str | Path] = [
        _PROGRAMS[-1] / "initdb",
        "-D",
        data,
        "-U",
        "newsletter",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    subprocess.run([*made, "--no-sync", "--no-instructions"], check=True, **quiet)
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [_PROGRAMS[-1] / "postgres", "-D", data, "-k", folder, *settings], stderr=log, **quiet
        )  # fmt: skip
        try:
            waiting: list[str | Path] = [_PROGRAMS[-1] / "pg_isready", "-q", "-h", folder, "-t", "60"]
            while subprocess.run(waiting, check=False, **quiet).returncode:
                if server.poll() is not None:
                    sys.exit((folder / "log").read_text())
            print("ready", flush=True)
            _held(folder / "users", fcntl.LOCK_EX)
        finally:
            server.send_signal(signal.SIGINT)  # at once, whoever is still connected
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str:
    """As whom the server runs; "" for ourselves. It refuses root."""
    if os.geteuid():
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
