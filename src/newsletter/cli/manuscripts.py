"""What `check`, `publish` and `preview` share: an issue with all that is known of it, ready for the checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.manuscript import House, Manuscript

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.store.database import Database


@dataclass(frozen=True, slots=True)
class Read:
    """An issue that can be rendered, and what its checks are told."""

    edition: Edition
    manuscript: Manuscript


def manuscript_of(config: Config, path: Path, issue: Issue, now: datetime, database: Database | None = None) -> Read:
    """The issue as an editor reads it. Raises IssueError and ThemeError when it cannot be rendered."""
    from newsletter import wiring
    from newsletter.cli.people import recipient_like
    from newsletter.edition import fill
    from newsletter.links import Links, Signer
    from newsletter.render import read
    from newsletter.render.slots import evaluator

    theme = wiring.theme(config, issue)
    reading = read(issue, theme, wiring.site(config), wiring.snippets(config))
    pictures, _ = wiring.pictures(config, reading.uses, issue, theme)
    edition = reading.edition(_fields(database), pictures)
    somebody = recipient_like(None, edition, None, None)
    # A key of its own: these links open nothing.
    keys = {1: b"for show"}
    values = evaluator(edition)(somebody, Links(Signer(keys), wiring.site(config).base_url, issue.key, 0, 0))
    message = wiring.post(config, edition, issue.key, keys).message_for(somebody, now)
    html = fill(edition.html, values)
    manuscript = Manuscript(
        issue=issue,
        source=tuple(path.read_text("utf-8-sig").splitlines()),
        language=edition.language,
        survey=reading.survey(),
        house=_house(config, theme.width),
        edition=edition,
        subject=fill(edition.subject, values),
        preheader=fill(edition.preheader, values),
        html=html,
        text=fill(edition.text, values),
        octets=len(message.data),
        html_octets=len(html.encode()),
        today=now.date(),
    )
    return Read(edition, manuscript)


def _fields(database: Database | None) -> set[str]:
    if database is None:
        return set()
    from newsletter.store.subscribers import Subscribers

    return Subscribers(database).field_names()


def _house(config: Config, width: int) -> House:
    return House(
        title=config.title,
        base_url=config.base_url,
        postal_address=config.postal_address,
        sender_name=config.sender.name,
        sender_email=config.sender.email,
        reply_to=config.sender.reply_to,
        theme_width=width,
    )
