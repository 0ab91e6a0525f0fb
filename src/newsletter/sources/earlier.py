"""Earlier issues: what those beside an issue said in their subjects, and where their links led."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import IssueError
from newsletter.manuscript import Earlier
from newsletter.sources.issues import list_issues, read_issue

if TYPE_CHECKING:
    from newsletter.issue import Issue

_HREF = re.compile(r"\]\(\s*<?(https?://[^\s)>]+)|href=[\"'](https?://[^\"']+)|<(https?://[^\s>]+)>")
_MOST = 60  # issues; five years of a monthly


def earlier_issues(folder: Path, issue: Issue, file: Path) -> tuple[Earlier, ...]:
    """The issues of the folder that come before this one by name and are no drafts, the last ones first.

    One that cannot be read says nothing: its own check will.
    """
    found: list[Earlier] = []
    try:
        files = [path for path in list_issues(folder) if path.name < file.name and path.resolve() != file.resolve()]
    except IssueError:
        return ()
    for path in reversed(files[-_MOST:]):
        try:
            state = path.stat()
            other = _said(path, Path.cwd(), state.st_mtime_ns, state.st_size)
        except (IssueError, OSError):
            continue
        if other is not None and other[0] != issue.key:
            found.append(other[1])
    return tuple(found)


@lru_cache(maxsize=512)
def _said(path: Path, root: Path, _changed: int, _size: int) -> tuple[str, Earlier] | None:
    """The key of an issue and what it said; None of a draft. Read once: to check a hundred issues asks for each often.

    Raises IssueError.
    """
    other = read_issue(path, root)
    if other.is_draft:
        return None
    hrefs = frozenset(next(filter(None, match)) for match in _HREF.findall(other.body))
    return other.key, Earlier(other.path, other.subject, hrefs)
