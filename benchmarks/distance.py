"""Over a slow link: 50 ms of round trip, one connection, into a server that answers at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.measure import cost, free_port, table
from benchmarks.sending import HERE, publish, server, servers

if TYPE_CHECKING:
    from pathlib import Path

MILLISECONDS = 50


def run() -> None:
    """Print the rates, and what they are beside smtplib's."""
    far = free_port()
    for _, command, near in servers():
        proxy: list[str | Path] = [sys.executable, HERE / "far_away.py", str(far), str(near), str(MILLISECONDS)]
        with server(command, near), server(proxy, far):
            _compare(far)
        break


def _compare(far: int) -> None:
    spent = cost([sys.executable, "-m", "benchmarks.peers.with_smtplib", str(far), "40"], cwd=HERE.parent)
    rates = {"smtplib": 40 / spent.seconds}
    seconds, _ = publish(200, "relay", far, "connections = 1")
    rates["newsletter publish"] = 200 / seconds
    seconds, _ = publish(4000, "relay", far, "connections = 1\nchunking = true\nwindow = 50")
    rates["newsletter publish, chunking, window 50"] = 4000 / seconds
    table(
        f"One connection, {MILLISECONDS} ms of round trip",
        ("sender", "messages/s", "of smtplib"),
        [(name, f"{rate:,.0f}", f"{rate / rates['smtplib']:.1f}") for name, rate in rates.items()],
    )
