"""What providers can do, as a table: python -m scripts.providers writes it into docs/reference/providers.md anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.providers import PROVIDERS, provider

if TYPE_CHECKING:
    from newsletter.providers import Capabilities

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "providers.md"
BEGIN = "<!-- This table is made by scripts/providers.py from what the program knows of them. -->\n"
END = "<!-- Here it ends. -->"
HEAD = (
    "| name | messages a request | largest message | images inside | asked again within | Message-ID | return path "
    "| DKIM | tracking off | webhooks |"
)
_TRACKING = {"request": "in each request", "account": "in your account", "none": "it has none"}


def row(name: str, can: Capabilities) -> str:
    """One provider."""
    batch = str(can.batch) if not can.batch_enclosed else f"{can.batch}; with files {can.batch_enclosed}"
    cells = (
        f"[`{name}`](#{name})",
        batch,
        f"{can.largest_message / 1e6:.0f} MB",
        "yes" if can.inline_images else "no",
        _time(can.idempotent),
        "ours" if can.keeps_message_id else "its own",
        "ours" if can.envelope else "its own",
        "it signs" if can.signs else "you, or its policy",
        _TRACKING[can.tracking],
        "signed" if can.signed else "by a secret",
    )
    return f"| {' | '.join(cells)} |"


def _time(seconds: int) -> str:
    half = seconds // 2
    return "never" if not half else f"{half // 3600} hours" if half >= 3600 else f"{half // 60} minutes"


def table() -> str:
    """All of them."""
    rows = [row(name, provider(name).CAPABILITIES) for name in PROVIDERS]
    return "\n".join([HEAD, "|---" * HEAD.count(" | ") + "|---|", *rows])


def page(text: str) -> str:
    """The page with the table of now."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, "the table's place in the page is gone"
    assert end, "the end of the table's place in the page is gone"
    return f"{before}{begin}\n{table()}\n\n{end}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
