"""A million people in one list, once: all of them are taken, and memory stays where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.importing import PROGRAM, SETTINGS, write
from benchmarks.measure import cost
from tests.support.stores import new_list

if TYPE_CHECKING:
    from pathlib import Path

MILLION = 1_000_000


@pytest.mark.soak
def test_a_list_of_a_million(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "people.csv", MILLION)
    command: list[str | Path] = [PROGRAM, "subscribers", "import", "people.csv", "--json", "--quiet"]
    with new_list(tmp_path) as url:
        (tmp_path / "newsletter.toml").write_text(f'{SETTINGS}[store]\nurl = "{url}"\n')
        first = cost(command, cwd=tmp_path)
        again = cost(command, cwd=tmp_path)
    assert json.loads(first.output)["added"] == MILLION
    assert json.loads(again.output)["unchanged"] == MILLION
    assert max(first.peak, again.peak) < 200
    with capsys.disabled():
        print(
            f"\na list of a million: {MILLION / first.seconds:,.0f} rows/s, {first.peak:.0f} MB at most, "
            f"{1e6 * first.cpu / MILLION:.1f} µs of CPU a row; "
            f"again {MILLION / again.seconds:,.0f} rows/s, {again.peak:.0f} MB"
        )
