"""The stages of rendering, one after the other, and what templates and expressions are told."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin

from markupsafe import escape

from newsletter.edition import Edition
from newsletter.errors import IssueError, Problem
from newsletter.render import blocks, calendars, inline, logo, markdown, pictures
from newsletter.render.catalogue import CATALOGUE, Reader
from newsletter.render.expressions import LINKS
from newsletter.render.flowed import Line, flow
from newsletter.render.holes import Holes, Kind
from newsletter.render.page import Page
from newsletter.render.regions import shown
from newsletter.render.snippets import Expanded
from newsletter.render.text import TextPart
from newsletter.render.theme import TEXT, machine, made
from newsletter.render.typography import typeset
from newsletter.render.variants import refuse_unreachable
from newsletter.render.weave import Weaver
from newsletter.render.words import catalogue, direction, joined, long_date

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from newsletter.edition import Expression
    from newsletter.issue import Issue
    from newsletter.manuscript import Survey
    from newsletter.picture import Enclosed, Picture
    from newsletter.render.block import Block
    from newsletter.render.site import Site
    from newsletter.render.snippets import Snippet
    from newsletter.render.theme import Theme

_PREVIEW = 110  # characters of the first paragraph that stand in for a preheader
_PREVIEW_AREA = 150  # what a mail program shows at most; filled up, so that nothing of the body follows
_PADDING = "\u2007\u034f "  # a figure space, a joiner and a space: seen by no one, not merged by any client
_WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|#|\?")


class Rendering:
    """One issue in one theme, read and ready to be laid out."""

    def __init__(
        self,
        issue: Issue,
        theme: Theme,
        site: Site,
        snippets: Mapping[str, Snippet] | None = None,
        form: Literal["email", "web"] = "email",
    ) -> None:
        """Cut, parse and read the issue, in the form that is mailed or in the one for the web. Raises IssueError."""
        self._issue, self._theme = issue, theme
        self._language = language = issue.language or site.language
        self._written = written = Expanded(issue.body, issue.body_line, issue.path, snippets or {}, language)
        self._holes = holes = Holes(
            issue.path, (written.text, issue.subject, issue.preheader, issue.title, theme.fingerprint)
        )
        _refuse_slots(issue, holes)
        self._title = typeset(issue.title, language)
        self._constants = _constants(issue, site, self._title, language)
        with self._told():
            self._body = shown(self._read(), form)
        self._subject = _line(issue, "subject", issue.subject or issue.title, holes, language)
        self._preheader = _line(issue, "preheader", issue.preheader, holes, language) or _beginning(self._body, holes)
        self._resolve = _resolver(site.base_url, holes)
        self._has_events = calendars.has_events(self._body)
        if self._has_events:
            self._body = calendars.with_files(self._body, issue, site, holes, self._resolve)
        said = catalogue(language, site.words)
        self._variables = _variables(issue, theme, holes, self._constants, language, self._resolve, said)
        self._variables |= {"form": form, "in_archive": issue.in_archive}

    def _read(self) -> tuple[Block, ...]:
        """The blocks of the body."""
        holes, language = self._holes, self._language
        cut = holes.cut(self._written.text, self._written.lines)
        names = Reader(
            self._issue.path, lambda text: holes.nonce in text, lambda text: typeset(text, language), CATALOGUE
        )
        return blocks.read(markdown.parse(cut, language, holes), cut, holes, names, self._issue.title)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Let problems name the file and line of a snippet, where they stand in one."""
        try:
            yield
        except IssueError as error:
            raise self._written.told(self._holes.told(error)) from None

    @property
    def uses(self) -> tuple[pictures.Use, ...]:
        """The images that the theme and the issue name, the one on top first."""
        hero, place = self._issue.hero or "", self._issue.place("hero")
        top = [pictures.Use(hero, place.line)] if hero and "{{" not in hero else []
        used = pictures.used(self._body, self._holes.nonce)
        in_body = (replace(use, line=self._written.in_issue(use.line)) for use in used)
        return (*logo.uses(self._theme).values(), *top, *in_body)

    def survey(self) -> Survey:
        """What stands in the body, and where, for those who check it."""
        from newsletter.render.survey import surveyed

        return surveyed(self._body, self._written, self._holes)

    @property
    def calendars(self) -> tuple[Enclosed, ...]:
        """The calendar files of the issue's events."""
        return tuple(calendars.files(self._body)) if self._has_events else ()

    def edition(
        self,
        fields: Collection[str] = (),
        images: Mapping[str, Picture] | None = None,
        addresses: Mapping[str, str] | None = None,
        online: Mapping[str, str] | None = None,
    ) -> Edition:
        """The finished edition; `images` says what is shown for the `key` of each of `uses`.

        An image that is not among them is left as it is. `addresses` says where `calendars` are, by their digests;
        one that is not among them is attached to the mail, and linked if `online` knows it. Raises IssueError and
        ThemeError.
        """
        images = images or {}
        body = self._with_calendars(addresses or {}, online or {})
        weaver = Weaver(self._holes, self._constants, fields, self._language)
        with self._told():
            document = self._page(images).html(pictures.placed(body, images, self._theme.text_width))
            text = self._text(body)
            subject, preheader = weaver.plain(self._subject), weaver.plain(self._preheader)
            html, plain = weaver.html(document), weaver.plain(text)
            refuse_unreachable((subject, preheader, html, plain), weaver.expressions, self._issue.path)
        return Edition(
            subject=subject,
            preheader=preheader,
            html=html,
            text=plain,
            expressions=tuple(map(self._in_issue, weaver.expressions)),
            language=self._language,
            title=self._title,
            path=self._issue.path,
            pictures=pictures.enclosed(self.uses, images, document) if images else (),
            files=tuple({file.digest: file for file in calendars.files(body)}.values()) if self._has_events else (),
        )

    def _in_issue(self, expression: Expression) -> Expression:
        """The expression with its lines as those of the issue, where a snippet is one."""
        lines = tuple(map(self._written.in_issue, expression.lines))
        return replace(expression, line=self._written.in_issue(expression.line), lines=lines)

    def _with_calendars(self, addresses: Mapping[str, str], online: Mapping[str, str]) -> tuple[Block, ...]:
        if not self._has_events:
            return self._body
        return calendars.placed(self._body, addresses, online, attach=self._variables["form"] == "email")

    def mjml(self) -> str:
        """The MJML, with slots and images as they were written."""
        with self._told():
            return self._holes.restore(self._page({}).source(self._with_calendars({}, {})))

    def _page(self, images: Mapping[str, Picture]) -> Page:
        padding = _PADDING * max(0, _PREVIEW_AREA - len(self._preheader))
        variables = {**self._variables, "preheader": made(f"{escape(self._preheader)}{padding}")}
        variables["theme"] = {**self._theme.tokens, "logo": logo.placed(self._theme, images)}
        if hero := images.get(self._issue.hero or ""):
            variables["issue"] = {**variables["issue"], "hero": hero.src, "hero_picture": hero}
        return Page(machine(self._theme), self._holes, variables, self._resolve)

    def _text(self, body: Sequence[Block]) -> str:
        """The text part: the blocks' lines in the theme's frame."""
        part = TextPart(machine(self._theme), self._holes, self._variables, self._resolve)
        here = f"{self._holes.nonce}body"
        variables = {**self._variables, "preheader": self._preheader, "body": here, "underline": part.underline}
        before, _, after = machine(self._theme).run(TEXT, variables).partition(here)
        lines = [
            *map(Line, before.strip("\n").split("\n")),
            Line(),
            *part.body(body),
            *map(Line, after.strip("\n").split("\n")),
        ]
        return flow(lines, self._holes.mark)


def _line(issue: Issue, name: str, text: str, holes: Holes, language: str) -> str:
    """A line of the front matter with marks, set in the language."""
    place = issue.place(name)
    marked = typeset(holes.cut(text, range(place.line, sys.maxsize)).text, language)
    holes.refuse_unclosed(marked, place.line)
    return marked


def _refuse_slots(issue: Issue, holes: Holes) -> None:
    if holes.nonce in holes.cut(issue.title).text:
        place = issue.place("title")
        raise IssueError(
            Problem(
                "the title holds a slot, but it is the same for everybody",
                issue.path,
                place.line,
                place.column,
                "write the slot into `subject`, which each recipient gets on their own",
            )
        )


def _beginning(body: Sequence[Block], holes: Holes) -> str:
    """The first paragraph that is the same for everybody, as a preheader."""
    depth = 0  # of conditions: what stands in one is for some
    for block in body:
        if block.name == "control":
            kinds = [holes[int(mark[1])].kind for mark in holes.mark.finditer(block.data["marks"])]
            depth += kinds.count(Kind.IF) - kinds.count(Kind.ENDIF)
        elif depth:
            continue
        elif block.name == "lead" and (text := _beginning(block.children, holes)):
            return text
        elif block.name == "paragraph" and holes.nonce not in (text := inline.text(block.inline).strip()):
            return text if len(text) <= _PREVIEW else f"{text[:_PREVIEW].rsplit(' ', 1)[0]}…"
    return ""


def _constants(issue: Issue, site: Site, title: str, language: str) -> dict[str, dict[str, object]]:
    """What `{{ issue.… }}` and `{{ newsletter.… }}` mean in an issue; None is what the author did not say."""
    date = None if issue.date is None else long_date(issue.date, language)
    said: dict[str, object] = {
        "title": title,
        "date": date,
        "number": issue.number,
        "language": language,
        "slug": issue.slug,
        "authors": joined(list(issue.authors), language) or None,
        "tags": list(issue.tags),
        "canonical_url": issue.canonical_url,
        "hero": issue.hero,
        "hero_alt": None if issue.hero_alt is None else typeset(issue.hero_alt, language),
    }
    known: dict[str, object] = {
        "title": typeset(site.title, language),
        "language": site.language,
        "base_url": site.base_url or None,
        "postal_address": site.postal_address or None,
        "sender_name": site.sender_name or None,
        "sender_email": site.sender_email or None,
    }
    return {"issue": {**issue.extra, **said}, "newsletter": known}


def _variables(
    issue: Issue,
    theme: Theme,
    holes: Holes,
    constants: Mapping[str, Mapping[str, object]],
    language: str,
    resolve: Callable[[str], str],
    words: Mapping[str, str],
) -> dict[str, Any]:
    """What every template of a theme receives."""
    said = {name: "" if value is None else value for name, value in constants["issue"].items()}
    if issue.hero:
        said["hero"] = resolve(issue.hero)
    said["hero_picture"] = None
    newsletter = {name: value or "" for name, value in constants["newsletter"].items()}

    def say(name: str, /, **values: object) -> str:
        return words[name].format(**values)

    return {
        "issue": said,
        "newsletter": newsletter,
        "theme": theme.tokens,
        "words": words,
        "say": say,
        "slot": lambda source: made(holes.slot(source)),
        "language": language,
        "direction": direction(language),
        **{name: holes.slot(name) for name in LINKS},
    }


def _resolver(base_url: str, holes: Holes) -> Callable[[str], str]:
    """A function that makes an address whole: a mail has no page that it could be relative to."""

    def resolve(address: str) -> str:
        if address.startswith("//"):
            return f"https:{address}"
        if not base_url or not address or _WHOLE.match(address) or address.startswith(holes.nonce):
            return address
        return urljoin(f"{base_url}/", address)

    return resolve
