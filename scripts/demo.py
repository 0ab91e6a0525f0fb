"""The main job, from a list and an issue to a mailbox, on this machine alone: `make demo`.

It works in the folder .demo, which it makes anew each time, and speaks to the program as an author does.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from newsletter.inbox import Inbox

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".demo"
PROGRAM = Path(sys.executable).with_name("newsletter")
MAILINGS = (
    ("2026-10-ecrire-a-une-personne", "language = fr"),
    ("2026-11-the-unsubscribe-link-is-a-promise", "not language = fr"),
)


def newsletter(*arguments: str) -> None:
    """Run the program in the demo's folder, and show the command as one would type it."""
    print(f"\n$ newsletter {shlex.join(arguments)}", flush=True)
    code = subprocess.run([PROGRAM, *arguments], cwd=FOLDER, check=False).returncode
    if code:
        sys.exit(f"The demo ends here: exit code {code}.")


def status() -> list[dict[str, Any]]:
    """Where all mailings stand, as a script reads it."""
    shown = subprocess.run(
        [PROGRAM, "status", "--json"], cwd=FOLDER, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    mailings: list[dict[str, Any]] = json.loads(shown)
    return mailings


def main() -> None:
    """Run the demo; exit code 0 says that every message arrived."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with Inbox(FOLDER / "inbox", http_port=None) as inbox:
        config = (ROOT / "newsletter.toml").read_text(encoding="utf-8")
        config = config.replace('issues = "issues"', 'issues = "../issues"')
        config = config.replace("port = 2525", f"port = {inbox.smtp_port}")
        (FOLDER / "newsletter.toml").write_text(config, encoding="utf-8")
        print("A newsletter from nothing to the inbox. All of it stays on this machine.")
        newsletter("subscribers", "import", "../issues/subscribers.sample.csv")
        for issue, segment in MAILINGS:
            newsletter("publish", issue, "--segment", segment, "--yes")
        newsletter("status")
        planned = sum(mailing["planned"] for mailing in status())
        messages = inbox.wait(planned)
    if len(messages) != planned:
        sys.exit(f"{planned} messages were planned, and {len(messages)} arrived: that is a bug.")
    print(f"\n{planned} messages arrived in the inbox, one for each reader. The first of each issue and the last:")
    for message in (messages[0], messages[-1]):
        print(f"  {message.parsed['To']}\n    {message.parsed['Subject']}")
    here = Path.cwd()
    shown = FOLDER.relative_to(here) if FOLDER.is_relative_to(here) else FOLDER
    program = PROGRAM.relative_to(here) if PROGRAM.is_relative_to(here) else PROGRAM
    print(
        f"\nWhere to look:\n"
        f"  {program} inbox --maildir {shown}/inbox\n"
        f"      shows them in a browser, as HTML, text and source\n"
        f"  {program} --config {shown}/newsletter.toml status {MAILINGS[0][0]}\n"
        f"      says what became of each recipient\n"
        f"  issues/{MAILINGS[0][0]}.md\n"
        f"      is what was written"
    )


if __name__ == "__main__":
    main()
