"""A million recipients, once: everybody gets it, memory stays where it was, and the ledger answers at once."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import cost, free_port
from benchmarks.sending import HERE, ISSUE, PROGRAM, newsletter

if TYPE_CHECKING:
    from pathlib import Path

MILLION = 1_000_000


@pytest.mark.soak
def test_a_million_recipients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not (compiler := shutil.which("cc")):
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    binary, port = tmp_path / "fastsink", free_port()
    subprocess.run([compiler, "-O2", "-o", binary, HERE / "fastsink.c"], check=True)
    with subprocess.Popen([binary, str(port)], stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout is not None
        assert sink.stdout.readline() == "ready\n"
        with newsletter(MILLION, port) as folder:
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
        sink.terminate()
        taken = int(sink.stdout.read())
    report = json.loads(sent.output)
    assert report["planned"] == report["accepted"] == taken == MILLION
    assert sent.peak < 100
    with capsys.disabled():
        print(
            f"\na million recipients: {MILLION / report['seconds']:,.0f} messages/s, "
            f"{1e6 * sent.cpu / MILLION:.0f} µs of CPU a message, {sent.peak:.0f} MB at most, "
            f"a database of {size / 1e6:,.0f} MB, status in {status.seconds:.1f} s"
        )
