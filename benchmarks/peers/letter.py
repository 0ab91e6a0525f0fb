"""The letter that every peer sends: a personal multipart message of about 39 KB, as each would build it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, Template

_ISSUE = Path(__file__).parents[2] / "issues" / "2026-11-the-unsubscribe-link-is-a-promise.md"
TEXT = _ISSUE.read_text(encoding="utf-8").replace("{{", "").replace("}}", "")
SUBJECT = "The unsubscribe link is a promise"
SENDER = ("Letters", "letters@example.org")


def template() -> Template:
    """The HTML part, with the two holes that a newsletter has at least."""
    return Environment(autoescape=True).from_string(
        "<html><body><p>Hello {{ name }}</p>\n"
        + "\n".join(f"<p>{paragraph}</p>" for paragraph in TEXT.split("\n\n")) * 9
        + '\n<a href="{{ url }}">leave</a></body></html>\n'
    )


def recipient(number: int) -> tuple[str, str, str]:
    """Name, address and unsubscribe link."""
    return f"Zoé {number}", f"r{number}@example.org", f"https://letters.example.org/unsubscribe/{number:036}"
