"""Messages a second of the real `newsletter publish`: personal slots, signed links, the ledger on disk.

Beside it, into the same servers: smtp-source (C, a constant text), and smtplib, aiosmtplib, python-emails and
nodemailer, each as one would use it. Each is a process of its own; CPU is all that it used, start-up included; a line
"each further message" has what is left of it without the start. The better of two runs counts, of each sender.

`floor` is what the kernel alone takes: a C program that writes a constant text and reads the replies.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Cost, as_installed, cost, free_port, table
from newsletter.store.database import open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FEW, MANY = 20_000, 60_000
RUNS = 2
OCTETS = 40_000  # of a message
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
def newsletter(readers: int, port: int = 2525, more: str = "connections = 20", store: str = "") -> Iterator[Path]:
    """A newsletter with so many readers, in a folder of its own on this disk, or its list at the address `store`."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=HERE) as name:
        folder = Path(name)
        settings = CONFIG.format(port=port, more=more)
        (folder / "newsletter.toml").write_text(
            settings.replace("sqlite:///newsletter.db", store) if store else settings
        )
        (folder / "issues").mkdir()
        (folder / "issues" / f"{ISSUE}.md").write_text(_letter(), encoding="utf-8")
        with (
            open_database(store or f"sqlite:///{folder}/newsletter.db") as database,
            database.transaction() as connection,
        ):
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


def publish(
    readers: int, transport: str, port: int = 2525, more: str = "connections = 20", jobs: int = 1, store: str = ""
) -> tuple[float, Cost]:
    """Publish to so many readers; the seconds of the sending itself, and the cost of all processes."""
    with newsletter(readers, port, more, store) as folder:
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
            str(jobs),
        ]
        spent = cost(command, cwd=folder)
    report = json.loads(spent.output)
    assert report["accepted"] == readers, report
    return report["seconds"], spent


def best(run: Callable[[], tuple[float, Cost]]) -> tuple[float, Cost]:
    """The shortest time and the least CPU of some runs: other processes only ever add to either."""
    runs = [run() for _ in range(RUNS)]
    costs = [spent for _, spent in runs]
    least = min(spent.cpu for spent in costs)
    return min(seconds for seconds, _ in runs), replace(costs[0], cpu=least, peak=max(each.peak for each in costs))


def whole(command: list[str | Path]) -> tuple[float, Cost]:
    """What another sender costs; its seconds are those of the whole process."""
    spent = cost(command, cwd=HERE.parent)
    return spent.seconds, spent


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


def ours(server_name: str, transport: str, port: int, more: str = "connections = 20") -> Iterator[tuple[str, ...]]:
    """Our lines: of a short mailing, a long one, and the difference between the two."""
    name = "newsletter publish" + (f", {more.split()[2]} connections" if transport == "relay" else "")
    few = best(partial(publish, FEW, transport, port, more))
    many = best(partial(publish, MANY, transport, port, more))
    yield row(name, server_name, FEW, *few)
    yield row(name, server_name, MANY, *many)
    further = replace(many[1], cpu=many[1].cpu - few[1].cpu)
    yield row("· each further message", server_name, MANY - FEW, many[0] - few[0], further)


def run() -> None:
    """Print the table: transports of ours, then ours beside others into the same servers."""
    as_installed()
    rows = [*ours("memory", "nowhere", 2525)]
    for name, command, port in servers():
        with server(command, port):
            rows += ours(name, "relay", port)
            if "fastsink" in name:
                seconds, spent = best(partial(publish, MANY, "relay", port, jobs=2))
                rows.append(row("newsletter publish, 20 connections, 2 jobs", name, MANY, seconds, spent))
                more = "connections = 10\nchunking = true"
                seconds, spent = best(partial(publish, MANY, "relay", port, more))
                rows.append(row("newsletter publish, 10 connections, chunking", name, MANY, seconds, spent))
                floor: list[str | Path] = [Path(command[0]).with_name("floor"), str(port), "20", str(MANY), str(OCTETS)]
                rows.append(row("floor (C)", name, MANY, *best(partial(whole, floor))))
            for peer, messages, peer_command in peers(port):
                rows.append(row(peer, name, messages, *best(partial(whole, peer_command))))
    table(
        "Sending",
        ("sender", "into", "messages", "messages/s", "CPU µs a message", "peak MB"),
        rows,
    )


def peers(port: int) -> Iterator[tuple[str, int, list[str | Path]]]:
    """The other senders that are at hand: a name, how many messages it sends, its command."""
    if program := shutil.which("smtp-source"):
        told = f"-s 20 -m {FEW} -l 39000 -f a@example.org -t b@example.org 127.0.0.1:{port}"
        yield "smtp-source (C), 20 sessions", FEW, [program, *told.split()]
    arguments = [str(port), "1000"]
    for name, module in (
        ("smtplib, 1 connection", "with_smtplib"),
        ("aiosmtplib, 10 connections", "with_aiosmtplib"),
        ("python-emails, 1 connection", "with_emails"),
    ):
        yield name, 1_000, [sys.executable, "-m", f"benchmarks.peers.{module}", *arguments]
    node = shutil.which("node")
    if node and (HERE / "peers" / "node_modules").is_dir():
        yield "nodemailer, pool of 10", 1_000, [node, HERE / "peers" / "with_nodemailer.mjs", *arguments]
    else:
        print("no nodemailer: it is left out", file=sys.stderr)


def servers() -> Iterator[tuple[str, list[str | Path], int]]:
    """The servers that are at hand: a name, the command that starts it, its port."""
    compiler = shutil.which("cc")
    if compiler:
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            for name in ("fastsink", "floor"):
                subprocess.run([compiler, "-O2", "-o", Path(folder) / name, HERE / f"{name}.c"], check=True)
            yield "fastsink (C)", [Path(folder) / "fastsink", str(port)], port
    else:
        print("no C compiler: the fast sink is left out", file=sys.stderr)
    if sink := shutil.which("smtp-sink"):
        port = free_port()
        yield "smtp-sink (Postfix)", [sink, "-u", "nobody", f"127.0.0.1:{port}", "1000"], port
    else:
        print("no smtp-sink: apt-get install postfix", file=sys.stderr)
