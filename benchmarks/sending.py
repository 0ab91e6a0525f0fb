"""Messages a second of the real `newsletter publish`: personal slots, signed links, the ledger on disk.

Beside it, into the same servers: smtp-source (C, a constant text), and smtplib, aiosmtplib, python-emails and
nodemailer, each as one would use it. Each is a process of its own; CPU is all that it used, start-up included.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Cost, cost, free_port, table
from newsletter.store.database import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(sys.executable).with_name("newsletter")
HERE = Path(__file__).parent
ISSUE = "2026-11-the-unsubscribe-link-is-a-promise"
CONFIG = """
[newsletter]
title = "Letters"
base_url = "https://letters.example.org"
postal_address = "12 rue des Lilas, 44000 Nantes"
[sender]
name = "Letters"
email = "letters@example.org"
[store]
url = "sqlite:///newsletter.db"
[transport]
use = "nowhere"
[transports.nowhere]
kind = "memory"
[transports.relay]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
{more}
"""


@contextmanager
def newsletter(readers: int, port: int = 2525, more: str = "connections = 20") -> Iterator[Path]:
    """A newsletter with so many readers, in a folder of its own on this disk."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=HERE) as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(CONFIG.format(port=port, more=more))
        (folder / "issues").mkdir()
        (folder / "issues" / f"{ISSUE}.md").write_text(_letter(), encoding="utf-8")
        with open_database(f"sqlite:///{folder}/newsletter.db") as database, database.transaction() as connection:
            connection.executemany(
                "INSERT INTO subscribers (email, canonical, first_name) VALUES (?, ?, ?)",
                ((f"r{n}@example.org", f"r{n}@example.org", f"Zoé {n}") for n in range(readers)),
            )
        yield folder


def _letter() -> str:
    """A real issue, made longer by its own text: the message is about as large as what the others send, 39 KB."""
    text = (HERE.parent / "issues" / f"{ISSUE}.md").read_text(encoding="utf-8")
    body = text.split("---\n", 2)[2].replace("{{", "").replace("}}", "")
    more = "\n\n".join(each for each in body.split("\n\n") if "|" not in each and "**[" not in each)
    return "\n\n".join((text, more, more, more[: len(more) // 3]))


@contextmanager
def server(command: list[str | Path], port: int) -> Iterator[None]:
    """A mail server as a process, ready to take connections."""
    import socket
    import time

    process = subprocess.Popen([*command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


def publish(readers: int, transport: str, port: int = 2525, more: str = "connections = 20") -> tuple[float, Cost]:
    """Publish to so many readers; the seconds of the sending itself, and the cost of the whole process."""
    with newsletter(readers, port, more) as folder:
        command: list[str | Path] = [
            PROGRAM,
            "publish",
            ISSUE,
            "--transport",
            transport,
            "--yes",
            "--json",
            "--quiet",
            "--jobs",
            "1",
        ]
        spent = cost(command, cwd=folder)
    report = json.loads(spent.output)
    assert report["accepted"] == readers, report
    return report["seconds"], spent


def row(name: str, server_name: str, messages: int, seconds: float, spent: Cost) -> tuple[str, ...]:
    """A line of the table."""
    return (
        name,
        server_name,
        f"{messages:,}",
        f"{messages / seconds:,.0f}",
        f"{1e6 * spent.cpu / messages:,.0f}",
        f"{spent.peak:.0f}",
    )


def run() -> None:
    """Print the table: transports of ours, then ours beside others into the same servers."""
    rows = []
    for readers in (10_000, 40_000):
        seconds, spent = publish(readers, "nowhere")
        rows.append(row("newsletter publish", "memory", readers, seconds, spent))
    for name, command, port in servers():
        with server(command, port):
            for readers in (10_000, 40_000):
                seconds, spent = publish(readers, "relay", port)
                rows.append(row("newsletter publish, 20 connections", name, readers, seconds, spent))
            if "fastsink" in name:
                seconds, spent = publish(40_000, "relay", port, "connections = 10\nchunking = true")
                rows.append(row("newsletter publish, 10 connections, chunking", name, 40_000, seconds, spent))
            if shutil.which("smtp-source"):
                spent = cost(
                    ["smtp-source", "-s", "20", "-m", "20000", "-l", "39000", "-f", "a@example.org", "-t",
                     "b@example.org", f"127.0.0.1:{port}"]
                )  # fmt: skip
                rows.append(row("smtp-source (C), 20 sessions", name, 20_000, spent.seconds, spent))
            for peer, peer_command in _peers():
                spent = cost([*peer_command, str(port), "1000"], cwd=HERE.parent)
                rows.append(row(peer, name, 1_000, spent.seconds, spent))
    table(
        "Sending",
        ("sender", "into", "messages", "messages/s", "CPU µs a message", "peak MB"),
        rows,
    )


def _peers() -> Iterator[tuple[str, list[str | Path]]]:
    yield "smtplib, 1 connection", [sys.executable, "-m", "benchmarks.peers.with_smtplib"]
    yield "aiosmtplib, 10 connections", [sys.executable, "-m", "benchmarks.peers.with_aiosmtplib"]
    yield "python-emails, 1 connection", [sys.executable, "-m", "benchmarks.peers.with_emails"]
    node = shutil.which("node")
    if node and (HERE / "peers" / "node_modules").is_dir():
        yield "nodemailer, pool of 10", [node, HERE / "peers" / "with_nodemailer.mjs"]
    else:
        print("no nodemailer: it is left out", file=sys.stderr)


def servers() -> Iterator[tuple[str, list[str | Path], int]]:
    """The servers that are at hand: a name, the command that starts it, its port."""
    compiler = shutil.which("cc")
    if compiler:
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            binary = Path(folder) / "fastsink"
            subprocess.run([compiler, "-O2", "-o", binary, HERE / "fastsink.c"], check=True)
            yield "fastsink (C)", [binary, str(port)], port
    else:
        print("no C compiler: the fast sink is left out", file=sys.stderr)
    if sink := shutil.which("smtp-sink"):
        port = free_port()
        yield "smtp-sink (Postfix)", [sink, "-u", "nobody", f"127.0.0.1:{port}", "1000"], port
    else:
        print("no smtp-sink: apt-get install postfix", file=sys.stderr)
