"""`make demo` is what a newcomer sees first: it works in a fresh checkout, and says where to look.

It keeps its list in a file: that nothing has to be set up is the point of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.inbox.maildir import Maildir

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what git keeps, or would keep, as it is now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("NOT TESTED HERE: the demo, since this is no checkout")
    copy = tmp_path / "checkout"
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def test_the_demo_begins_anew_asks_nothing_and_says_where_to_look(checkout: Path) -> None:
    before = checkout / ".demo"  # what an earlier one left
    (before / "inbox" / "new").mkdir(parents=True)
    (before / "inbox" / "new" / "1.letter").write_text("Subject: From the last time\n\nHello.\n")
    (before / "newsletter.db").write_text("no database any more")
    done = subprocess.run(
        [sys.executable, "scripts/demo.py"],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout / "src")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown, _, where = done.stdout.partition("\nWhere to look:\n")
    arrived = re.search(r"^(\d+) messages arrived in the inbox, one for each reader", shown, re.MULTILINE)
    assert arrived
    messages = Maildir(checkout / ".demo" / "inbox").in_order()
    assert len(messages) == int(arrived[1]) > 10
    assert "inbox --maildir .demo/inbox" in where
    assert "--config .demo/newsletter.toml status " in where
    [issue] = re.findall(r"issues/\S+\.md", where)
    assert (checkout / issue).is_file()
