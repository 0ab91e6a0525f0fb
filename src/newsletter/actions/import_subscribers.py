"""Import: a list becomes subscribers, in batches. It brings nobody back who left, and one bad row stops no other."""

from __future__ import annotations

import gc
import zlib
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from newsletter.entry import Advice, Counts, Entry, ImportReport, Outcome, RowProblem, Verdict
from newsletter.errors import Problem, Stopped
from newsletter.sources.list_advice import look
from newsletter.sources.list_entries import entries
from newsletter.store.imports import importing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from newsletter.field import Field
    from newsletter.sources.list_files import SubscriberList, Table
    from newsletter.store.database import Database
    from newsletter.store.imports import Importer

BATCH = 10_000
MOST_TOLD = 100_000  # problems, warnings and outcomes that are kept, each; a list may have a million


def import_subscribers(
    database: Database,
    source: SubscriberList,
    *,
    now: int,
    dry_run: bool = False,
    progress: Callable[[int], object] = int,
    reject: Callable[[RowProblem, Table], object] | None = None,
    tell: int = 0,
    types: Mapping[str, Field] | None = None,
    keep_network: bool = False,
) -> ImportReport:
    """Take the rows of a list, and say what became of each. Reading it twice changes nothing the second time.

    `now` is in UTC seconds; `progress` hears of every batch how many rows it had; `reject` is handed every row that is
    not taken; of so many rows as `tell` says the report has the outcome;
    `types` are the fields of the settings; `keep_network`: whether a consent is kept with its network. With
    `dry_run` all is counted and nothing is stored.

    Raises StoreError when the database fails and Stopped when interrupted; both leave all earlier batches stored.
    """
    work = _Work(min(tell, MOST_TOLD), progress, reject, types or {}, keep_network=keep_network)
    try:
        told = f"import:{Path(source.name).name}"
        with _seldom_collecting(), importing(database, source=told, now=now, dry_run=dry_run) as importer:
            for table in source.tables:
                work.take(importer, table)
    except KeyboardInterrupt:
        raise Stopped(_told("stopped", source, work.counts.rows if not dry_run else 0)) from None
    except (BadZipFile, zlib.error, EOFError) as error:
        damaged = f"the zip is damaged: {error}"
        raise Stopped(_told(damaged, source, work.counts.rows if not dry_run else 0)) from None
    return ImportReport(
        work.counts,
        tuple(work.problems),
        source.vendor,
        work.advice,
        tuple(work.warnings),
        tuple(work.outcomes),
        work.left_out,
    )


def _told(why: str, source: SubscriberList, rows: int) -> Problem:
    done = f"the first {rows:,} rows are stored" if rows else "nothing was stored"
    return Problem(f"{why}: {done}", source.name, fix="run the import again: what is stored stays as it is")


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Rows come and go by the ten thousand and refer to nothing in circles: to look for circles takes a tenth more."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Work:
    """What an import has heard so far."""

    def __init__(
        self,
        tell: int,
        progress: Callable[[int], object],
        reject: Callable[[RowProblem, Table], object] | None,
        types: Mapping[str, Field],
        *,
        keep_network: bool,
    ) -> None:
        self.counts = Counts()
        self.advice = Advice()
        self.problems: list[RowProblem] = []
        self.warnings: list[RowProblem] = []
        self.outcomes: list[Outcome] = []
        self.left_out = 0
        self._tell = tell
        self._progress = progress
        self._reject = reject
        self._types = types
        self._keep_network = keep_network

    def take(self, importer: Importer, table: Table) -> None:
        """Hand over one table, batch by batch."""
        rows = entries(table, self._note, self._types, keep_network=self._keep_network)
        while batch := list(islice(rows, BATCH)):
            good = [row for row in batch if isinstance(row, Entry)]
            wanted = len(self.outcomes) < self._tell
            told: dict[int, Verdict] = {}
            self.counts += importer.take(good, told if wanted else None)
            look(good, self.advice, self._warn, table.part)
            if len(good) < len(batch):
                self._refuse([row for row in batch if isinstance(row, RowProblem)], table)
            if wanted:
                for row in batch[: self._tell - len(self.outcomes)]:
                    verdict = told.get(row.line, Verdict.INVALID)
                    self.outcomes.append(Outcome(row.line, row.email, verdict, table.part))
            self._progress(len(batch))
        self.problems.sort(key=lambda problem: (problem.part, problem.line))

    def _refuse(self, rows: list[RowProblem], table: Table) -> None:
        self.counts.invalid += len(rows)
        for row in rows:
            if self._reject:
                self._reject(row, table)
            self._note(row)

    def _note(self, problem: RowProblem) -> None:
        self._keep(self.problems, problem)

    def _warn(self, warning: RowProblem) -> None:
        self._keep(self.warnings, warning)

    def _keep(self, told: list[RowProblem], row: RowProblem) -> None:
        if len(told) < MOST_TOLD:
            # The cells of a rejected row are in its file by then.
            told.append(replace(row, cells=()) if row.cells else row)
        else:
            self.left_out += 1
