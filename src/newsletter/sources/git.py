"""What git knows of a file: the commit that the author works on, and whether the file differs from it.

git is asked once, read only, for a few seconds at most; without git, or outside of a repository, the answer is None.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 10.0  # seconds; a file system that needs longer is not worth the wait before a send

# A hook of git runs with these set, and they would lead to another repository or index than the file's.
_POINTERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")

_STATUS = (
    "--no-optional-locks",  # the index is not refreshed: nothing is written
    "--literal-pathspecs",  # a file named [x].md is a file
    "-c", "core.fsmonitor=false",  # a repository may name a program there, which git would run
    "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-z", "--untracked-files=all", "--ignored=matching",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Revision:
    """The state of a file in its repository."""

    commit: str | None  # full hash of HEAD; None before the first commit
    dirty: bool  # the file is not as in that commit: changed, staged, or not in it at all
    untracked: bool  # git does not keep this file, or is told to ignore it

    def __str__(self) -> str:
        """`1f2e3d4c5b6a`, with what is not in the commit."""
        commit = self.commit[:12] if self.commit else "no commit yet"
        if self.untracked:
            return f"{commit}, not in git"
        return f"{commit}, with uncommitted changes" if self.dirty else commit


def revision(path: Path) -> Revision | None:
    """The state of the file at `path`; None when that cannot be known.

    It cannot be known without git, outside of a repository, for a repository of another user that git refuses to open
    (safe.directory), and when git does not answer in time.
    """
    answer = run_git(path.parent, *_STATUS, "--", path.name, patience=_PATIENCE)
    return _read_status(answer.stdout) if answer is not None and answer.returncode == 0 else None


def run_git(folder: Path, *arguments: str, patience: float) -> subprocess.CompletedProcess[bytes] | None:
    """What git answers in that folder, which is the one meant whatever a hook says; None where there is no answer.

    It gets no input, asks for no password, and has so many seconds.
    """
    git = shutil.which("git")
    if git is None:
        return None
    environment = {name: value for name, value in os.environ.items() if name not in _POINTERS}
    try:
        return subprocess.run(  # noqa: S603 - no shell
            [git, "-C", str(folder), *arguments],
            env=environment | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def _read_status(porcelain: bytes) -> Revision | None:
    """git-status(1), porcelain format version 2: `#` headers, then one record for each file that is not clean."""
    records = porcelain.split(b"\0")
    commits = [record.split()[-1].decode("ascii") for record in records if record.startswith(b"# branch.oid ")]
    if not commits:
        return None
    kinds = {record[:1] for record in records if record and not record.startswith(b"#")}
    untracked = bool(kinds & {b"?", b"!"})
    return Revision(None if commits[0] == "(initial)" else commits[0], dirty=bool(kinds), untracked=untracked)
