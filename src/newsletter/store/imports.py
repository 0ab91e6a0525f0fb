"""Many people at once: a list is taken in batches, each in one transaction, so that a stop loses only the current one.

What an import may do, and what it never does:

    sealed    the person was forgotten here              nothing is stored, not even the address
    leaves    the row says unsubscribed, bounced, …      suppressed, whoever else says what
    blocked   the address left or was suppressed before  nothing is changed: an import brings nobody back
    known     the person is on the list                  what the row says is new; what it leaves empty stays. What
                                                         it says of consent is put on record once
    new                                                  added, with the date that the row gives
    again     the address stood in an earlier row        only a wish to leave counts

Of the time for a new person, reading and checking the row takes a third, the insert a quarter, the probes and the
commit a seventh each. All is done in one thread: sqlite3 hands the interpreter over and back for every row.
"""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from newsletter.entry import Counts, Verdict
from newsletter.store import life
from newsletter.store.consents import imported_of, record_imported
from newsletter.store.seals import PREFIX, sealed_among
from newsletter.store.subscribers import COLUMNS_OF_NEW, SUPPRESS, fields_text, remember_fields, tags_text
from newsletter.subscriber import Status
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from newsletter.entry import Entry
    from newsletter.store.database import Connection, Database

# Who of a batch is known, blocked, or came in an earlier batch: three probes a row, and nothing comes back for who
# is new. Nobody has to remember those whom this import itself has added.
_KNOWN = """
    SELECT item.key, s.id, s.status, s.first_name, s.last_name, s.name, s.language, s.tags, s.fields, s.joined,
           s.time_zone, x.reason,
           CASE WHEN e.canonical IS NOT NULL OR (s.id > ? AND s.created_at = ? AND s.source = ?) THEN 1 ELSE 0 END
    FROM {listed}
    LEFT JOIN subscribers s ON s.canonical = item.value
    LEFT JOIN suppressions x ON x.address = item.value
    LEFT JOIN seen e ON e.canonical = item.value
    WHERE s.id IS NOT NULL OR x.reason IS NOT NULL OR e.canonical IS NOT NULL
"""
_SEEN = "INSERT INTO seen (canonical) VALUES (?) ON CONFLICT DO NOTHING"
_NOTHING = (None,) * 12
_UPDATE = """
    UPDATE subscribers SET status = ?, first_name = ?, last_name = ?, name = ?, language = ?, tags = ?, fields = ?,
                           joined = ?, time_zone = ?, updated_at = ? WHERE id = ?
"""
_LEAVE = (
    "UPDATE subscribers SET status = 'unsubscribed', updated_at = ? WHERE canonical = ? AND status <> 'unsubscribed'"
)

# After these the person is off the list; an address that bounced, or that the author blocked, stays on it, silent.
_GOES = {Reason.UNSUBSCRIBED, Reason.COMPLAINED}


@contextmanager
def importing(database: Database, *, source: str, now: int, dry_run: bool = False) -> Iterator[Importer]:
    """An importer for one list. `source` is what will be on record: "import:members.csv".

    With `dry_run` nothing is written and nobody is kept waiting.
    """
    with database.own() as connection:
        if not database.dialect.on_a_server:
            # A large batch touches the same pages of the index again and again: they wait in 32 MB until it is written,
            # and go from the log to the file less often, which halves the time of the commits.
            connection.execute("PRAGMA cache_size = -32000")
            connection.execute("PRAGMA wal_autocheckpoint = 8000")
        # This table goes to disk when it grows.
        connection.execute("CREATE TEMP TABLE seen (canonical TEXT PRIMARY KEY)")
        yield Importer(database, connection, source, now, dry_run=dry_run)


def suppressed(database: Database) -> Iterator[tuple[str, Reason]]:
    """Every address that must not be written to, on the list or not; of who was forgotten, nothing is left to tell."""
    query = "SELECT address, reason FROM suppressions ORDER BY since, address"
    with database.reading() as connection, closing(connection.stream(query)) as rows:
        for address, reason in rows:
            if not address.startswith(PREFIX):
                yield address, Reason(reason)


class Importer:
    """Takes one batch after another of the same list."""

    def __init__(self, database: Database, connection: Connection, source: str, now: int, *, dry_run: bool) -> None:
        self._database = database
        self._known = _KNOWN.format(listed=database.dialect.listed.format("text"))
        self._connection = connection
        self._source = source
        self._now = now
        self._dry_run = dry_run
        self._fields: set[str] = set()
        (self._newest_before,) = connection.execute("SELECT coalesce(max(id), 0) FROM subscribers").fetchone()

    def take(self, entries: Sequence[Entry], told: dict[int, Verdict] | None = None) -> Counts:
        """Store a batch, all of it or nothing, and say what became of its rows; of each line, in `told`."""
        with self._database.writing_on(self._connection, wait=not self._dry_run):
            counts = self._take(entries, told)
        if not self._dry_run and any(entry.leaves for entry in entries):
            life.settle(self._database)
        return counts

    def _take(self, entries: Sequence[Entry], told: dict[int, Verdict] | None) -> Counts:
        firsts: dict[str, Entry] = {}
        for entry in entries:
            first = firsts.setdefault(entry.canonical, entry)
            if entry.leaves and not first.leaves:
                firsts[entry.canonical] = first._replace(leaves=entry.leaves, left=entry.left)
        plan = _Plan(self._source, self._now, Counts(duplicates=len(entries) - len(firsts)))
        addresses = self._connection.dialect.lists(list(firsts))
        parameters = (self._newest_before, self._now, self._source, addresses)
        known = {key: row for key, *row in self._connection.execute(self._known, parameters)}
        forgotten = sealed_among(self._connection, firsts)
        if known and any(entry.agreed for entry in firsts.values()):
            plan.on_record = imported_of(self._connection, (row[0] for row in known.values() if row[0] is not None))
        if known or forgotten or told is not None:
            verdicts = [
                plan.place(entry, known.get(number, _NOTHING)) if entry.canonical not in forgotten else plan.pass_by()
                for number, entry in enumerate(firsts.values())
            ]
        else:
            plan.place_strangers(firsts.values())
        if not self._dry_run:
            self._write(plan, firsts)
        if told is not None:
            by_address = dict(zip(firsts, verdicts, strict=True))
            for entry in entries:
                told[entry.line] = by_address.pop(entry.canonical, Verdict.DUPLICATE)
        seen = firsts if self._dry_run else plan.known
        self._connection.executemany(
            "INSERT INTO seen (canonical) VALUES (?) ON CONFLICT DO NOTHING", [(address,) for address in seen]
        )
        return plan.counts

    def _write(self, plan: _Plan, firsts: dict[str, Entry]) -> None:
        run = self._connection.executemany
        self._connection.add_rows("subscribers", COLUMNS_OF_NEW, plan.new)
        run(_UPDATE, plan.changed)
        if plan.suppressed:
            run(SUPPRESS, plan.suppressed)
            life.count_leaving(self._connection)
        run(_LEAVE, plan.gone)
        for how, people in plan.consents.items():
            record_imported(self._connection, people, source=self._source, page=how)
        if fresh := set().union(*(entry.fields for entry in firsts.values())) - self._fields:
            remember_fields(self._connection, fresh)
            self._fields |= fresh


class _Plan:
    """What is to be written for one batch, decided row by row."""

    def __init__(self, source: str, now: int, counts: Counts) -> None:
        self._source = source
        self._now = now
        self.counts = counts
        self.known: list[str] = []  # was there before
        self.new: list[tuple[Any, ...]] = []
        self.changed: list[tuple[Any, ...]] = []
        self.suppressed: list[tuple[Any, ...]] = []
        self.gone: list[tuple[Any, ...]] = []
        self.consents: dict[str, list[tuple[str, int, int, str]]] = {}  # by how they were given
        self.on_record: set[tuple[int, int, str]] = set()  # what earlier imports said of those who are known

    def pass_by(self) -> Verdict:
        """Leave out somebody who was forgotten."""
        self.counts.suppressed += 1
        return Verdict.SUPPRESSED

    def place_strangers(self, entries: Iterable[Entry]) -> None:
        """Decide about rows of whose addresses nothing is known, which is all of them in a first import."""
        for entry in entries:
            if entry.leaves:
                self.place(entry, _NOTHING)
            else:
                self.counts.added += 1
                self._add(entry)

    def place(self, entry: Entry, row: Sequence[Any]) -> Verdict:
        """Decide about one row, knowing what _KNOWN says of its address."""
        number, status, blocked, seen = row[0], row[1], row[10], row[11]
        if number is not None or blocked is not None:
            self.known.append(entry.canonical)
        if entry.leaves:
            # Since the day that the list names, unless that is yet to come.
            since = min(entry.left, self._now) or self._now
            self.suppressed.append((entry.canonical, entry.leaves.value, since, self._source))
            if entry.leaves in _GOES:
                self.gone.append((self._now, entry.canonical))
        if seen:
            self.counts.duplicates += 1
            return Verdict.DUPLICATE
        if entry.leaves:
            self.counts.suppressed += 1
            if number is None:
                self._add(entry)
            else:
                self._change(entry, row)
            return Verdict.SUPPRESSED
        if blocked is not None or status == "unsubscribed":
            self.counts.suppressed += 1
            return Verdict.SUPPRESSED
        if number is None:
            self.counts.added += 1
            self._add(entry)
            return Verdict.ADDED
        if self._change(entry, row):
            self.counts.updated += 1
            return Verdict.UPDATED
        self.counts.unchanged += 1
        return Verdict.UNCHANGED

    def _add(self, entry: Entry) -> None:
        (_, email, address, first_name, last_name, name, language, status, _, tags, joined, fields, zone, agreed,
         confirmed, how, network, _) = entry  # fmt: skip
        now = self._now
        self.new.append(
            (
                email,
                address,
                first_name,
                last_name,
                name,
                language,
                status.value if status else "active",
                tags_text(tags) if tags else "[]",
                fields_text(_filled(fields)) if fields else "{}",
                joined or now,
                self._source,
                now,
                now,
                zone,
            )
        )
        if agreed:
            self.consents.setdefault(how, []).append((address, agreed, confirmed, network))

    def _change(self, entry: Entry, row: Sequence[Any]) -> bool:
        """Add what the row knows to what is known; whether that changes anything."""
        number, status, first_name, last_name, name, language, tags, fields, joined, zone, *_ = row
        if entry.tags and tags_text(entry.tags) != tags:
            old_tags = json.loads(tags)
            missing = [tag for tag in entry.tags if tag not in old_tags]
            tags = tags_text((*old_tags, *missing)) if missing else tags
        if entry.fields and fields_text(entry.fields) != fields:
            old_fields = json.loads(fields)
            merged = _filled(old_fields | entry.fields)
            fields = fields_text(merged) if merged != old_fields else fields
        # Who has not confirmed here is active when the list says in so many words that they are.
        confirmed = status == "pending" and entry.status is Status.ACTIVE
        new = (
            "active" if confirmed else status,
            entry.first_name or first_name,
            entry.last_name or last_name,
            entry.name or name,
            entry.language or language,
            tags,
            fields,
            # The original date stays: an import may know an earlier one, never a later one.
            min(entry.joined, joined) if entry.joined and joined else entry.joined or joined,
            entry.time_zone or zone,
        )
        agreed = bool(entry.agreed) and (number, entry.agreed, entry.how) not in self.on_record
        if agreed:
            told = (entry.canonical, entry.agreed, entry.confirmed, entry.network)
            self.consents.setdefault(entry.how, []).append(told)
        if new == tuple(row[1:10]):
            return agreed
        self.changed.append((*new, self._now, number))
        return True


def _filled(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Without what is said to be nothing."""
    return {name: text for name, text in fields.items() if text} if "" in fields.values() else fields
