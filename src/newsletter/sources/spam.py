"""Spam: what SpamAssassin says of a message, where it is installed. Nothing leaves this machine for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress

_RULE = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)\s", re.MULTILINE)
# About the way that a message came, which this one has not gone yet.
_WAY = re.compile(r"ALL_TRUSTED|NO_RE(?:CEIVED|LAYS)|MSGID_|DKIM|SPF_|RDNS_|HELO_|RCVD_|UNPARSEABLE_RELAY|DMARC|ARC_")
_SECONDS = 30


def spam_points(message: bytes) -> dict[str, float] | None:
    """SpamAssassin's rules that the message meets, and their points; None where it is not installed, or fails.

    A running spamd is asked first, as it answers at once.
    """
    for program, options in (("spamc", ["-R", "-t", "10"]), ("spamassassin", ["-L", "-t", "-p", os.devnull])):
        path = shutil.which(program)
        if path is None:
            continue
        with tempfile.TemporaryDirectory() as home, suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(  # noqa: S603  (a program of this machine, by its full path)
                [path, *options], input=message, capture_output=True, timeout=_SECONDS, check=False,
                env={**os.environ, "HOME": home},
            )  # fmt: skip
            report = done.stdout.decode("utf-8", "replace").rpartition("pts rule name")[2]
            rules = {name: float(points) for points, name in _RULE.findall(report)}
            if rules:
                return {name: points for name, points in rules.items() if not _WAY.match(name)}
    return None
