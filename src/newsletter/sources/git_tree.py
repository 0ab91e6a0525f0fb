"""A folder as it was in another revision, by git-archive(1): for a comparison, and never in the author's own tree."""

from __future__ import annotations

import io
import shutil
import tarfile
from typing import TYPE_CHECKING

from newsletter.errors import Problem, Refused
from newsletter.sources.git import run_git

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 60.0  # seconds


def folder_at(folder: Path, revision: str, target: Path) -> None:
    """Put into `target` what git has of `folder` in that revision.

    Raises Refused without git, outside of a repository, and for a revision that does not exist or has no such folder.
    """
    if shutil.which("git") is None:
        raise Refused(Problem("git is not installed", fix="install it, or leave --against away"))
    # Behind --end-of-options a revision is one, whatever it looks like.
    answer = run_git(folder, "archive", "--format=tar", "--end-of-options", revision, patience=_PATIENCE)
    if answer is None:
        raise Refused(Problem("git does not answer", fix="ask it yourself: git status"))
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
        message = f"git has no {revision!r}: {said[-1].removeprefix('fatal: ') if said else 'it does not say why'}"
        raise Refused(Problem(message, fix="name a branch, a tag or a commit; in a workflow, fetch it first"))
    with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as archive:
        archive.extractall(target, filter="data")
