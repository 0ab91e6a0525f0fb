"""Joining: the form, on a page of its own and inside other people's pages.

GET  /  /subscribe   the form                                 ?lang=fr
POST /subscribe      a wish; the answer is the same whoever the address belongs to
GET  /embed          the form alone, the one page that may stand in a frame
POST /embed          as above, in the frame
GET  /embed/code     what to copy into a page of one's own: the frame, or a form of plain HTML

What a visitor typed goes into the list, and back into the form when the address is wrong; never into a mail. A field
that people do not see (`website`) is filled in by programs only: they get the same answer, and nothing is done.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from newsletter.actions.subscribe import Wish, ask
from newsletter.consent import network_of
from newsletter.errors import ListError
from newsletter.sources.addresses import valid_address
from newsletter.store.tokens import spend
from newsletter.web.door import HEADERS, form_of
from newsletter.web.fields import answers, asked, plain
from newsletter.web.limits import Turnstile
from newsletter.web.look import LANGUAGES, language_of, phrases
from newsletter.web.parts import route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from newsletter.web.parts import Parts

POT = "website"  # the field that people do not see
_FRAMED = HEADERS["Content-Security-Policy"].replace("frame-ancestors 'none'", "frame-ancestors *")


def routes(parts: Parts) -> list[Route]:
    """The addresses of this module."""
    turnstile = Turnstile(parts.config.web.per_network, parts.config.web.per_hour)

    def subscribe(parts: Parts, request: Request) -> Response:
        return _taken(parts, request, turnstile, "subscribe.html.j2")

    def subscribe_in_frame(parts: Parts, request: Request) -> Response:
        return _framed(_taken(parts, request, turnstile, "embed.html.j2"))

    return [
        route(parts, "/", form, name="form"),
        route(parts, "/subscribe", form),
        route(parts, "/subscribe", subscribe, "POST"),
        route(parts, "/embed", form_in_frame),
        route(parts, "/embed", subscribe_in_frame, "POST"),
        route(parts, "/embed/code", code),
    ]


def form(parts: Parts, request: Request) -> Response:
    """The form on its page."""
    return _form(parts, request, "subscribe.html.j2")


def form_in_frame(parts: Parts, request: Request) -> Response:
    """The form alone."""
    return _framed(_form(parts, request, "embed.html.j2"))


def code(parts: Parts, request: Request) -> Response:
    """What to copy into a page of one's own."""
    language = parts.look.language(request)
    return parts.look.page(
        "embed_code.html.j2",
        language,
        parts.prefix,
        base_url=parts.config.base_url,
        fields=asked(parts.config, parts.config.web.fields, language, {}),
        pot=POT,
        words=words(parts, language),
    )


def words(parts: Parts, language: str) -> str:
    """What stands beside the button, and is kept with the consent."""
    said: str = parts.config.web.consent or phrases(language)["consent"].format(newsletter=parts.look.title)
    return said


def _taken(parts: Parts, request: Request, turnstile: Turnstile, template: str) -> Response:
    """Take a wish: one row in a queue, whoever it is about."""
    filled = form_of(request)
    sent = {name: values[0] for name, values in filled.items()}
    language = sent.get("language", "")
    language = language if language in LANGUAGES else language_of(request, parts.config.language)
    network = network_of(request.client.host if request.client else "")
    if not turnstile.let_in(network, parts.now):
        raise HTTPException(429, headers={"Retry-After": "3600"})
    try:
        email = valid_address(plain(sent.get("email", "")).replace("\ufffd", "\0"))
    except (ListError, UnicodeError):
        return _form(parts, request, template, sent, language, wrong=True)
    fitting, unfit = answers(parts.config, parts.config.web.fields, filled)
    if unfit:
        return _form(parts, request, template, sent | fitting, language, unfit=unfit)
    if not _is_room_for_one_more(parts):
        raise HTTPException(429, headers={"Retry-After": "3600"})
    if not sent.get(POT):
        wish = Wish(
            email=email,
            language=language,
            fields={name: text for name, text in fitting.items() if text},
            words=words(parts, language),
            page=f"{parts.config.base_url}{request.scope['path']}",
            network=network if parts.config.web.keep_network else "",
        )
        with parts.write() as connection:
            ask(connection, wish, parts.now)
        parts.counters.people.labels("asked").inc()
        parts.wake()
    framed = template == "embed.html.j2"
    kind = "asked" if parts.config.web.confirm else "taken"
    page = "embed_message.html.j2" if framed else "message.html.j2"
    return parts.look.page(page, language, parts.prefix, kind=kind, links=())


def _is_room_for_one_more(parts: Parts) -> bool:
    """Whether one more wish may be taken in this hour, counted in the database for all processes with these pages."""
    with parts.writing:
        most = {"sign-ups": parts.config.web.per_hour}
        return spend(parts.database, 1, {}, most, parts.now // 3600, parts.now * 1000).number > 0


def _form(
    parts: Parts,
    request: Request,
    template: str,
    sent: Mapping[str, str] | None = None,
    language: str = "",
    *,
    wrong: bool = False,
    unfit: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    language = language or language_of(request, request.query_params.get("lang", ""), parts.config.language)
    typed = {name: plain(text) for name, text in (sent or {}).items()}
    return parts.look.page(
        template,
        language,
        parts.prefix,
        422 if wrong or unfit else 200,
        fields=asked(parts.config, parts.config.web.fields, language, typed, unfit),
        sent=typed,
        wrong=wrong,
        pot=POT,
        words=words(parts, language),
    )


def _framed(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = _FRAMED
    return answer
