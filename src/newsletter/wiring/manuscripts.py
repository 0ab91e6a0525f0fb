"""Manuscripts: from an issue to all that is known of it, ready for the checks: for `check`, `publish`, `preview`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.audience import EVERYBODY
from newsletter.manuscript import House, Manuscript
from newsletter.wiring.audiences import audience_of, with_longest
from newsletter.wiring.editions import draft

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from newsletter.audience import Rule
    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.errors import Problem
    from newsletter.issue import Issue
    from newsletter.manuscript import Answer, ImageFile, Survey
    from newsletter.store.database import Database
    from newsletter.wiring.editions import Rendered


@dataclass(frozen=True, slots=True)
class Read:
    """An issue that can be rendered, and what its checks are told."""

    edition: Edition
    manuscript: Manuscript
    message: bytes  # as somebody would get it
    problems: tuple[Problem, ...] = ()  # what is wrong with its images


def manuscript_of(
    config: Config,
    path: Path,
    issue: Issue,
    now: datetime,
    database: Database | None = None,
    rule: Rule = EVERYBODY,
    *,
    made: Rendered | None = None,
    online: bool = False,
) -> Read:
    """The issue as an editor reads it; `made` is what was laid out of it already.

    `online` asks servers whether its links still lead somewhere.

    Raises IssueError and ThemeError when it cannot be rendered.
    """
    from newsletter import wiring
    from newsletter.actions.stand_in import recipient_like
    from newsletter.edition import fill
    from newsletter.links import Links, Signer
    from newsletter.render.slots import evaluator
    from newsletter.sources.earlier import earlier_issues

    made = made or draft(config, issue, database)
    edition, survey = made.edition, made.reading.survey()
    somebody = recipient_like(None, edition, None, None)
    # A key of its own: these links open nothing.
    keys = {1: b"for show"}
    links = Links(Signer(keys), wiring.site(config).base_url, issue.key, 0, 0)
    values = evaluator(edition)(somebody, links)
    audience = audience_of(database, edition, rule, config, now)
    longest = evaluator(edition)(with_longest(somebody, audience), links) if audience and audience.longest else values
    message = wiring.post(config, edition, issue.key, keys).message_for(somebody, now)
    html = fill(edition.html, values)
    manuscript = Manuscript(
        issue=issue,
        source=tuple(path.read_text("utf-8-sig").splitlines()),
        language=edition.language,
        survey=survey,
        house=_house(config, made.theme.width),
        edition=edition,
        subject=fill(edition.subject, values),
        preheader=fill(edition.preheader, values),
        html=html,
        text=fill(edition.text, values),
        octets=len(message.data),
        html_octets=len(html.encode()),
        today=now.date(),
        files=_image_files(config, path, issue, survey),
        earlier=earlier_issues(config.issues, issue, path),
        answers=_link_answers(config, survey) if online else {},
        audience=audience,
        longest_subject=fill(edition.subject, longest),
    )
    return Read(edition, manuscript, message.data, made.problems)


def _image_files(config: Config, path: Path, issue: Issue, survey: Survey) -> Mapping[str, ImageFile]:
    """What is known of the images; what reads them is loaded where there are any."""
    if not survey.images:
        return {}
    from newsletter import wiring
    from newsletter.sources.images.facts import image_files

    sources = [image.src for image in survey.images]
    return image_files(sources, issue, path, config.folder, wiring.image_cache(config))


def _link_answers(config: Config, survey: Survey) -> Mapping[str, Answer]:
    from newsletter import wiring
    from newsletter.sources.link_answers import link_answers

    return link_answers((link.href for link in survey.links), wiring.link_cache(config))


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
