"""Notices as messages: templates/notices/ in the newsletter's theme, and the issue that welcomes.

    confirm.LANGUAGE.md  already.LANGUAGE.md  goodbye.LANGUAGE.md  data.LANGUAGE.md     what they say
    layout.mjml.j2  text.j2                                                            their frame, over the theme's own

The author's own templates/notices/ comes first, file by file. No word that a visitor typed is in them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter import wiring
from newsletter.actions.confirm import Claim, Deed, Tokens
from newsletter.errors import ConfigError, IssueError, Problem
from newsletter.letter import with_header
from newsletter.render import read
from newsletter.render.theme import Theme
from newsletter.render.words import base
from newsletter.sources.issues import find_issue, read_issue
from newsletter.sources.themes import shipped_templates, shown
from newsletter.store.notices import Kind
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from newsletter.config import Config
    from newsletter.edition import Edition, Pattern
    from newsletter.issue import Issue
    from newsletter.message import Message
    from newsletter.store.notices import Notice

# Stands in the rendered notice where the token will be. As long as one, so that lines are as long, too.
_HERE = "ConfirmationTokenGoesHere" + "0" * 40
_DEEDS = {Kind.CONFIRM: Deed.CONFIRM, Kind.OWN_DATA: Deed.OWN_DATA}  # what the link in a notice lets its reader do
_FRAME = ("layout.mjml.j2", "text.j2")


class Letters:
    """Turns notices into messages. What is the same for everybody is rendered once."""

    def __init__(self, config: Config, keys: Mapping[int, bytes], clock: Callable[[], datetime]) -> None:
        self._config, self._keys, self._clock = config, keys, clock
        self._tokens = {kind: Tokens(keys, clock, deed) for kind, deed in _DEEDS.items()}
        self._folders = (config.templates / "notices", shipped_templates() / "notices")
        self._editions: dict[tuple[Kind, str], tuple[Edition, str]] = {}

    def message(self, notice: Notice, person: Subscriber) -> Message:
        """The message that a notice is. Raises NewsletterError when a template or the issue is wrong."""
        edition, issue = self._edition(notice.kind, base(person.language or self._config.language))
        if notice.kind is not Kind.WELCOME:
            # Who fills in a form may write anything under a name, and whose mailbox it is is not known yet.
            person = Subscriber(person.email, language=person.language, id=person.id)
        if tokens := self._tokens.get(notice.kind):
            edition = _filled(edition, tokens.token(Claim(person.id, notice.id)))
        post = wiring.post(self._config, edition, issue, self._keys, through=self._config.transport)
        keys, post = post.dkim, replace(post, dkim=())
        moment = self._clock().replace(microsecond=0)
        # The same at every attempt, so that a copy can be told.
        name = f"<notice.{notice.id}.{notice.created_at}@{post.domain}>"
        message = post.message_for(person, moment, message_id=name)
        if notice.kind is not Kind.WELCOME:  # which is an issue; the others answer somebody (RFC 3834 section 5)
            message = with_header(message, "Auto-Submitted", "auto-generated")
        if keys:
            from newsletter.signing.dkim import signed

            message = message._replace(parts=(signed(message.data, keys, int(moment.timestamp())),))
        return message

    def check(self) -> None:
        """Render every notice that may be sent, so that what is wrong is known now. Raises NewsletterError."""
        web = self._config.web
        kinds = [Kind.CONFIRM, Kind.ALREADY, Kind.OWN_DATA, *([Kind.GOODBYE] if web.goodbye else [])]
        for kind in [*kinds, *([Kind.WELCOME] if web.welcome else [])]:
            self._edition(kind, base(self._config.language))

    def _edition(self, kind: Kind, language: str) -> tuple[Edition, str]:
        """What a notice says, rendered, and the name of the issue that it is."""
        if (kind, language) not in self._editions:
            issue = self._welcome() if kind is Kind.WELCOME else self._notice(kind, language)
            theme = wiring.theme(self._config, issue)
            if kind is not Kind.WELCOME:
                theme = self._framed(theme)
            reading = read(issue, theme, wiring.site(self._config), wiring.snippets(self._config))
            pictures, _ = wiring.pictures(self._config, reading.uses, issue, theme)
            self._editions[kind, language] = (reading.edition(images=pictures), issue.key)
        return self._editions[kind, language]

    def _welcome(self) -> Issue:
        try:
            issue = read_issue(find_issue(self._config.web.welcome, self._config.issues), Path.cwd())
        except IssueError as error:
            fix = error.problems[0].fix
            raise ConfigError(
                Problem(f"welcome = {self._config.web.welcome!r}: {error.problems[0].message}",
                        str(self._config.path), fix=fix)
            ) from None  # fmt: skip
        if issue.is_draft:
            raise ConfigError(
                Problem(f"the issue that welcomes, {issue.key}, is a draft", issue.path,
                        fix="set status: ready in it, or take `welcome` out of [web]")
            )  # fmt: skip
        return issue

    def _notice(self, kind: Kind, language: str) -> Issue:
        names = [f"{kind.value}.{language}.md", f"{kind.value}.en.md"]
        path = next(
            folder / name for name in names for folder in self._folders if (folder / name).is_file()
        )  # fmt: skip
        issue = read_issue(path, Path.cwd())
        links = {f"{page}_url": f"{self._config.base_url}/{page}/{_HERE}" for page in ("confirm", "data")}
        return replace(issue, language=issue.language or path.name.split(".")[-2], extra={**issue.extra, **links})

    def _framed(self, theme: Theme) -> Theme:
        """The theme, with the frame of notices around what they say."""
        files = {}
        origins = {}
        for name in _FRAME:
            path = next(folder / name for folder in self._folders if (folder / name).is_file())
            files[name], origins[name] = path.read_text("utf-8"), shown(path)
        return Theme(theme.name, files, {"theme": theme.tokens.get("theme", {})}, origins).over(theme)


def _filled(edition: Edition, token: str) -> Edition:
    """The notice with the token in it, which has no character that HTML or mail would have to escape."""

    def fill(pattern: Pattern) -> Pattern:
        return tuple(part.replace(_HERE, token) if isinstance(part, str) else part for part in pattern)

    return replace(edition, html=fill(edition.html), text=fill(edition.text))
