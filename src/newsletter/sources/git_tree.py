"""A folder as it was in another revision, by git-archive(1): for a comparison, and never in the author's own tree."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

from newsletter.errors import Problem, Refused

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 60.0  # seconds
# A hook of git runs with these set, and they would lead to another repository than the folder's.
_POINTERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


def folder_at(folder: Path, revision: str, target: Path) -> None:
    """Put into `target` what git has of `folder` in that revision.

    Raises Refused without git, outside of a repository, and for a revision that does not exist or has no such folder.
    """
    git = shutil.which("git")
    if git is None:
        raise Refused(Problem("git is not installed", fix="install it, or leave --against away"))
    environment = {name: value for name, value in os.environ.items() if name not in _POINTERS}
    # Behind --end-of-options a revision is one, whatever it looks like.
    command = [git, "-C", str(folder), "archive", "--format=tar", "--end-of-options", revision]
    try:
        answer = subprocess.run(  # noqa: S603 - no shell
            command,
            env=environment | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Refused(Problem(f"git does not answer: {error}")) from error
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        message = f"git has no {revision!r}: {said[-1].removeprefix('fatal: ') if said else 'it does not say why'}"
        raise Refused(Problem(message, fix="name a branch, a tag or a commit; in a workflow, fetch it first"))
    with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as archive:
        archive.extractall(target, filter="data")
