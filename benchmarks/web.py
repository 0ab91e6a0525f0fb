"""Requests a second of the pages: the one-click POST, each for another reader, and an issue of the archive.

The server is the real `newsletter serve`, a process with the list on disk. The client is one process with a few
connections that are kept, as a proxy keeps them; it writes prepared bytes and reads to the end of each answer. First as
fast as it goes, then at half of the goal, each request at its time: what counts then is from that time to the answer.
The CPU time is the server's, for one request.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
import subprocess
import sys
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.measure import table
from benchmarks.sending import ISSUE, PROGRAM, newsletter
from newsletter.links import Links, Signer
from newsletter.store.database import open_database
from newsletter.store.keys import load_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
READERS = 20_000
CONNECTIONS = 16
SECONDS = 4.0
PACED = 500  # requests a second: half of the goal
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass
class Client:
    """Some connections, each with one request under way."""

    port: int
    times: list[float] = field(default_factory=list)  # seconds

    def run(self, requests: Sequence[bytes], *, rate: float | None = None) -> float:
        """Send all requests, so many a second or as fast as they are answered; how long it took in seconds."""
        self.times.clear()
        waiting = deque(requests)
        began = perf_counter()
        due = deque(began + number / rate if rate else began for number in range(len(requests)))
        with selectors.DefaultSelector() as selector:
            idle = []
            for _ in range(CONNECTIONS):
                connection = socket.create_connection(("127.0.0.1", self.port))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                idle.append(connection)
            sent: dict[socket.socket, float] = {}
            while waiting or sent:
                now = perf_counter()
                while waiting and idle and due[0] <= now:
                    connection = idle.pop()
                    connection.sendall(waiting.popleft())
                    at = due.popleft()
                    sent[connection] = at if rate else perf_counter()
                    selector.register(connection, selectors.EVENT_READ, bytearray())
                pause = max(0.0, due[0] - perf_counter()) if waiting and idle else 1.0
                for key, _ in selector.select(pause):
                    connection = key.fileobj  # type: ignore[assignment]
                    key.data.extend(connection.recv(262_144))
                    if _is_whole(key.data):
                        self.times.append(perf_counter() - sent.pop(connection))
                        selector.unregister(connection)
                        idle.append(connection)
            for connection in idle:
                connection.close()
        return perf_counter() - began

    def percentile(self, share: float) -> float:
        """The time within which such a share was answered, in milliseconds."""
        return sorted(self.times)[min(len(self.times) - 1, int(len(self.times) * share))] * 1000


def _is_whole(answer: bytearray) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(bytes(head[:200]))
    length = _LENGTH.search(head)
    return length is not None and len(body) >= int(length[1])


@contextmanager
def pages(folder: Path) -> Iterator[tuple[int, int]]:
    """The pages of a newsletter, served; their port and the number of their process."""
    command: list[str | Path] = [PROGRAM, "serve", "--port", "0", "--no-inbox"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        if found is None:
            raise RuntimeError("newsletter serve did not start")
        try:
            yield int(found[1]), process.pid
        finally:
            process.terminate()


def _cpu(process: int) -> float:
    """What a process has used so far, in seconds, user and system (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _post(path: str) -> bytes:
    body = b"List-Unsubscribe=One-Click"
    return (
        f"POST {path} HTTP/1.1\r\nHost: letters.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: letters.example.org\r\nAccept: text/html\r\n\r\n".encode()


def run() -> None:
    """Measure, and print a table."""
    rows = []
    with newsletter(READERS) as folder:
        subprocess.run(
            [PROGRAM, "publish", ISSUE, "--yes", "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        with open_database(f"sqlite:///{folder}/newsletter.db") as database:
            signer = Signer(load_keys(database))
        posts = [_post(Links(signer, "", ISSUE, number, 1).unsubscribe) for number in range(1, READERS + 1)]
        gets = [_get(f"/archive/{ISSUE}/")] * READERS
        with pages(folder) as (port, process):
            client = Client(port)
            for name, requests in (("one-click POST", posts), ("archive page", gets)):
                client.run(requests[:200])  # what is made once is made now
                paced = requests[200 : 200 + int(PACED * SECONDS)]
                client.run(paced, rate=PACED)
                half = (client.percentile(0.5), client.percentile(0.99))
                fast = requests[200 + len(paced) : 200 + len(paced) + int(1500 * SECONDS)]
                cpu = -_cpu(process)
                seconds = client.run(fast)
                cpu += _cpu(process)
                rows.append(
                    (name, f"{len(fast) / seconds:,.0f}", f"{client.percentile(0.5):.1f}",
                     f"{client.percentile(0.99):.1f}", f"{half[0]:.1f}", f"{half[1]:.1f}",
                     f"{cpu / len(fast) * 1e6:,.0f}")
                )  # fmt: skip
    table(
        f"The pages: {CONNECTIONS} connections, one process ({sys.platform}); times in ms",
        ("request", "requests/s", "median", "p99", f"median at {PACED}/s", f"p99 at {PACED}/s", "CPU µs"),
        rows,
    )
