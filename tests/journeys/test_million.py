"""A million recipients, once: everybody gets it, memory stays where it was, and the ledger answers at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import cost
from benchmarks.sending import ISSUE, PROGRAM, newsletter
from tests.support.fast_sink import fast_sink

if TYPE_CHECKING:
    from pathlib import Path

MILLION = 1_000_000


@pytest.mark.soak
def test_a_million_recipients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with fast_sink(tmp_path) as (port, ended), newsletter(MILLION, port) as folder:
        command: list[str | Path] = [
            PROGRAM,
            "publish",
            ISSUE,
            "--transport",
            "relay",
            "--yes",
            "--json",
            "--quiet",
        ]
        sent = cost([*command, "--jobs", "1"], cwd=folder)
        status = cost([PROGRAM, "status", ISSUE, "--json"], cwd=folder)
        size = sum(file.stat().st_size for file in folder.glob("newsletter.db*"))
        record = ended()
    report = json.loads(sent.output)
    assert report["planned"] == report["accepted"] == record.messages == MILLION
    assert record.has_two_for_nobody()
    assert not record.without(MILLION)
    assert sent.peak < 100
    with capsys.disabled():
        print(
            f"\na million recipients: {MILLION / report['seconds']:,.0f} messages/s, "
            f"{1e6 * sent.cpu / MILLION:.0f} µs of CPU a message, {sent.peak:.0f} MB at most, "
            f"a database of {size / 1e6:,.0f} MB, status in {status.seconds:.1f} s"
        )
