"""How the pages look and speak: templates/web/ in the theme's colours, in French or English.

The author's own templates/web/ comes first, file by file. What the pages say stands in phrases/, a file a language.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from newsletter.errors import Problem, ThemeError
from newsletter.languages import language_tag
from newsletter.render.theme import merged
from newsletter.render.words import base, direction
from newsletter.sources.themes import read_theme, shipped_templates, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

    from newsletter.config import Config
    from newsletter.render.theme import Theme
    from newsletter.subscriber import Subscriber

LANGUAGES = ("en", "fr")
NAMES = {"en": "English", "fr": "Français"}
_MOST_ASKED = 10  # languages of an Accept-Language that are looked at


@lru_cache
def phrases(language: str) -> Mapping[str, str]:
    """What the pages say in a language; English where it has no words."""
    folder = files("newsletter.web").joinpath("phrases")
    known = tomllib.loads(folder.joinpath("en.toml").read_text("utf-8"))
    own = folder.joinpath(f"{language}.toml")
    return known | tomllib.loads(own.read_text("utf-8")) if own.is_file() else known


def language_of(request: Request, *preferred: str) -> str:
    """The language to answer in: the first of `preferred` that the pages speak, else the browser's, else the list's.

    The last of `preferred` is the newsletter's own, and comes after what the browser asks for.
    """
    *first, last = preferred
    for tag in (*first, request.query_params.get("lang", ""), *_asked(request), last):
        if base(tag) in LANGUAGES:
            return base(tag)
    return "en"


def _asked(request: Request) -> Iterable[str]:
    """What Accept-Language asks for, the dearest first (RFC 9110 section 12.5.4)."""
    wanted: list[tuple[float, int, str]] = []
    for item in request.headers.get("accept-language", "")[:500].split(",")[:_MOST_ASKED]:
        tag, _, quality = item.partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if weight > 0 and (known := language_tag(tag)):
            wanted.append((-weight, len(wanted), known))
    return [tag for _, _, tag in sorted(wanted)]


class Look:
    """The templates of one newsletter. Making one raises ThemeError when a template cannot be read."""

    def __init__(self, config: Config, theme: Theme) -> None:
        self._config = config
        # A theme that inherits from none may lack a token that the pages are painted with.
        self._tokens = merged(read_theme("letter").look, theme.look)
        self.title = config.title or config.sender.name or "Newsletter"
        self._environment = Environment(
            loader=FileSystemLoader([config.templates / "web", shipped_templates() / "web"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._compile()
        # A style sheet is no HTML: nothing of it comes from a visitor.
        css = self._environment.overlay(autoescape=False)
        self.style = css.get_template("style.css.j2").render(theme=self._tokens).encode()

    def _compile(self) -> None:
        """Read every template, so that a broken one is told before anybody asks for its page. Raises ThemeError."""
        for name in self._environment.list_templates(extensions=["j2"]):
            try:
                self._environment.get_template(name)
            except TemplateSyntaxError as error:
                path = shown(Path(error.filename)) if error.filename else name
                fix = "the program's own templates/web/ shows how it is meant"
                raise ThemeError(Problem(error.message or "it cannot be read", path, error.lineno, fix=fix)) from None

    def language(self, request: Request, person: Subscriber | None = None) -> str:
        """The language to answer in: the person's, if there is one, then what the browser asks for."""
        return language_of(request, person.language if person else "", self._config.language)

    def html(self, template: str, language: str, prefix: str = "", **context: Any) -> str:
        """A template of templates/web/, with what every one of them receives:

        `newsletter` (title, postal_address, privacy), `theme`, `language`, `direction`, `say(name, **values)`,
        `said` (all phrases), `url(path)`.
        """
        words = phrases(language)

        def say(name: str, /, **values: object) -> Markup:
            """A phrase, the values in it escaped."""
            return Markup(words[name]).format(**{key: escape(value) for key, value in values.items()})  # noqa: S704

        return self._environment.get_template(template).render(
            newsletter={
                "title": self.title,
                "postal_address": self._config.postal_address,
                "privacy": self._config.web.privacy,
                "language": self._config.language,
            },
            theme=self._tokens,
            language=language,
            direction=direction(language),
            say=say,
            said=words,
            url=lambda path: f"{prefix}{path}",
            **context,
        )

    def check(self) -> None:
        """Fill in every page that needs nothing but this, so that a wrong name in it is known. Raises ThemeError."""
        try:
            for language in LANGUAGES:
                self.html("message.html.j2", language, kind="lost", links=())
                self.html("confirm.html.j2", language)
        except TemplateError as error:
            raise ThemeError(Problem(f"templates/web: {error}", fix="see the program's own templates/web/")) from None

    def say(self, language: str, name: str) -> str:
        """A phrase, for handlers."""
        return phrases(language)[name]

    def page(
        self, template: str, language: str, prefix: str = "", status: int = 200, **context: Any
    ) -> Response:  # fmt: skip
        """The same as an answer."""
        return HTMLResponse(self.html(template, language, prefix, **context), status)
