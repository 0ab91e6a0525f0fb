"""Earlier issues: what those beside an issue said in their subjects, and where their links led."""

from __future__ import annotations

import re
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
            other = read_issue(path, Path.cwd())
        except IssueError:
            continue
        if not other.is_draft and other.key != issue.key:
            hrefs = frozenset(next(filter(None, match)) for match in _HREF.findall(other.body))
            found.append(Earlier(other.path, other.subject, hrefs))
    return tuple(found)
