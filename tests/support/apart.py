"""Hosts that are apart: a PostgreSQL server that can be restarted, a link that can be cut, a clock that is wrong."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.workers import until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_NETWORK = "10.203"  # of ours: two addresses for each link
_WRONG_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
#include <sys/time.h>
int clock_gettime(clockid_t which, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(which, at);
    if (!result && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) at->tv_sec += OFF;
    return result;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec; at->tv_usec = now.tv_nsec / 1000;
    return result;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def wrong_clock(folder: Path, seconds: int) -> dict[str, str]:
    """The environment of a process whose clock is off by so many seconds. Skips the test where none can be made."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("a clock is made wrong by a small library in C: there is no compiler")
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(_WRONG_CLOCK)
    made = [compiler, "-shared", "-fPIC", f"-DOFF={seconds}", "-o", str(library), str(source), "-ldl"]
    subprocess.run(made, check=True, capture_output=True)
    return {"LD_PRELOAD": str(library)}


class Server:
    """A PostgreSQL server of one's own."""

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        self._folder = folder
        self._fsync = "on" if fsync else "off"
        self._data = folder / "data"
        who = "postgres" if "postgres" in {each.pw_name for each in pwd.getpwall()} else "nobody"
        root = os.geteuid() == 0
        self._as: dict[str, Any] = {"user": who, "group": pwd.getpwnam(who).pw_gid, "extra_groups": []} if root else {}
        self._quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        self._data.mkdir(mode=0o700)
        if root:
            shutil.chown(self._data, who)
            shutil.chown(folder, who)
        made = [str(PROGRAMS[-1] / "initdb"), "-D", str(self._data), "-U", "newsletter", "-A", "trust", "--no-sync"]
        subprocess.run(made, check=True, **self._quiet, **self._as)
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {_NETWORK}.0.0/16 trust\n")
        self.url = f"postgresql://newsletter@/postgres?host={folder}"
        self._process: subprocess.Popen[bytes] | None = None
        self._listen = ""

    def start(self, listen: str = "") -> None:
        """Start it, at this address too, and wait until it answers."""
        self._listen = listen or self._listen
        settings = ["-c", f"fsync={self._fsync}", "-c", f"listen_addresses={self._listen}", "-c", "max_connections=60"]
        self._process = subprocess.Popen(
            [PROGRAMS[-1] / "postgres", "-D", self._data, "-k", self._folder, *settings], **self._quiet, **self._as
        )
        asked = [str(PROGRAMS[-1] / "pg_isready"), "-q", "-h", str(self._folder)]
        until(lambda: not subprocess.run(asked, check=False).returncode, "the server answers")

    def crash(self) -> None:
        """End it at once, as a machine that goes down does."""
        assert self._process
        subprocess.run(
            [PROGRAMS[-1] / "pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop"],
            check=True, **self._quiet, **self._as,
        )  # fmt: skip
        self._process.wait()


@contextmanager
def own_server(*, fsync: bool = False) -> Iterator[Server]:
    """A server that has been started; with `fsync`, its writes reach the disk. Skips where there is no PostgreSQL."""
    if not PROGRAMS:
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="newsletter-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        server = Server(Path(name), fsync=fsync)
        server.start()
        try:
            yield server
        finally:
            server.crash()


class Link:
    """A host of its own, as a network namespace, and the link to it."""

    def __init__(self) -> None:
        number = uuid.uuid4().int % 16000
        self.name = f"nl{number}"
        self._ours, self._theirs = f"nla{number}", f"nlb{number}"
        self.address = f"{_NETWORK}.{number // 64}.{number % 64 * 4 + 1}"
        self.there = f"{_NETWORK}.{number // 64}.{number % 64 * 4 + 2}"
        self.before = ("ip", "netns", "exec", self.name)

    def make(self) -> None:
        """Make it. Raises CalledProcessError where that is not allowed, OSError where there is no ip(8)."""
        for words in (
            f"netns add {self.name}",
            f"link add {self._ours} type veth peer name {self._theirs} netns {self.name}",
            f"addr add {self.address}/30 dev {self._ours}",
            f"link set {self._ours} up",
            f"-n {self.name} addr add {self.there}/30 dev {self._theirs}",
            f"-n {self.name} link set {self._theirs} up",
            f"-n {self.name} link set lo up",
        ):
            _ip(words)

    def cut(self) -> None:
        """Pull the cable."""
        _ip(f"link set {self._ours} down")

    def heal(self) -> None:
        """Put it back."""
        _ip(f"link set {self._ours} up")

    def remove(self) -> None:
        """Take it away, with the link."""
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, capture_output=True)


@contextmanager
def another_host() -> Iterator[Link]:
    """Another host. Skips the test where none can be made."""
    link = Link()
    try:
        link.make()
    except (OSError, subprocess.CalledProcessError) as error:
        link.remove()
        pytest.skip(f"network namespaces are not allowed here: {error}")
    try:
        yield link
    finally:
        link.remove()
