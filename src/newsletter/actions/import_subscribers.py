"""Import: a list becomes subscribers, in batches. It brings nobody back who left, and one bad row stops no other."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.entry import Counts, Entry, ImportReport, RowProblem
from newsletter.errors import Problem, Stopped
from newsletter.sources.list_entries import entries
from newsletter.store.imports import importing

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.sources.csv_list import CsvList
    from newsletter.store.database import Database

BATCH = 10_000


def import_subscribers(
    database: Database,
    source: CsvList,
    *,
    now: int,
    dry_run: bool = False,
    progress: Callable[[int], object] = int,
) -> ImportReport:
    """Take the rows of a list, and say what became of each. Reading it twice changes nothing the second time.

    `now` is in UTC seconds; `progress` hears of every batch how many rows it had. With `dry_run` all is counted and
    nothing is stored.

    Raises StoreError when the database fails and Stopped when interrupted; both leave all earlier batches stored.
    """
    counts = Counts()
    problems: list[RowProblem] = []
    try:
        with importing(database, source=f"import:{Path(source.name).name}", now=now, dry_run=dry_run) as importer:
            rows = entries(source, problems.append)
            while batch := list(islice(rows, BATCH)):
                good = [row for row in batch if isinstance(row, Entry)]
                bad = [row for row in batch if isinstance(row, RowProblem)]
                counts += importer.take(good)
                counts.invalid += len(bad)
                problems += bad
                progress(len(batch))
    except KeyboardInterrupt:
        done = f"the first {counts.rows:,} rows are stored" if counts.rows and not dry_run else "nothing was stored"
        raise Stopped(
            Problem(f"stopped: {done}", source.name, fix="run the import again: what is stored stays as it is")
        ) from None
    return ImportReport(counts, tuple(sorted(problems, key=lambda problem: problem.line)))
