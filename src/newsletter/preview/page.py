"""The author's page: the mail in the middle, what is to be said of it in the margin.

GET  /TOKEN/           the page; its state is in its address   ?view= &width= &colours= &images= &program= &as= &mark=
GET  /TOKEN/state      everything it shows, as JSON                ?as=
GET  /TOKEN/source     the message as it travels                   ?as=
GET  /TOKEN/people     subscribers, by a part of name or address   ?q=
GET  /TOKEN/events     a line with each new state (Server-Sent Events, WHATWG HTML section 9.2)
POST /TOKEN/test       send a test: {"to", "as"}
GET  /TOKEN/phone.svg  the square that a telephone photographs; with --lan only
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from newsletter import wiring
from newsletter.checks.simulations import inbox_lines
from newsletter.edition import fill
from newsletter.errors import NewsletterError, Problem
from newsletter.inbox.reading import read
from newsletter.preview import mail, people, views
from newsletter.preview.guard import Guard
from newsletter.preview.pages import asset, page
from newsletter.preview.places import nearest, places
from newsletter.preview.weights import CLIPPED, parts, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from newsletter.finding import Finding
    from newsletter.preview.people import Reader
    from newsletter.preview.places import Place
    from newsletter.preview.proof import Proof, Studio
    from newsletter.preview.watching import Hub

_LARGEST = 4096  # bytes of a request


@dataclass(frozen=True, slots=True)
class Address:
    """Where things are: the mail's own origin with its token, what a telephone opens, and the author's editor."""

    mail: str
    phone: str = ""  # "": without --lan
    editor: str = ""  # vscode://file/{path}:{line}


def app(studio: Studio, hub: Hub, token: str, hosts: frozenset[str], address: Address) -> Starlette:
    """The page as an ASGI application."""
    origin = "/".join(address.mail.split("/")[:3])
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"frame-src {origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    routes = [
        Route("/", whole),
        Route("/state", state),
        Route("/source", source),
        Route("/people", who),
        Route("/events", mail.events),
        Route("/test", test, methods=["POST"]),
        Route("/phone.svg", phone),
        Route("/{name:str}", asset),
    ]
    made = Starlette(
        routes=[Mount(f"/{token}", routes=routes)],
        middleware=[Middleware(Guard, token=token, hosts=hosts, policy=policy)],
    )
    made.state.studio, made.state.hub, made.state.address, made.state.origin = studio, hub, address, origin
    return made


def whole(request: Request) -> Response:
    address: Address = request.app.state.address
    return page(
        "page.html.j2",
        choices=views.CHOICES,
        simulated=views.SIMULATED,
        mail=address.mail,
        origin=request.app.state.origin,
        phone=address.phone,
        limit=CLIPPED,
    )


def state(request: Request) -> Response:
    studio: Studio = request.app.state.studio
    now, editor = studio.state, request.app.state.address.editor
    told: dict[str, Any] = {
        "version": now.version,
        "milliseconds": now.milliseconds,
        "stale": bool(now.problems),
        "problems": [_problem(each, editor) for each in now.problems],
    }
    if now.proof is None:
        return JSONResponse(told)
    proof = now.proof
    told |= {"issue": proof.issue.path, "title": proof.edition.title, "offered": people.offered(proof)}
    try:
        reader = people.reader(studio.tools, proof, request.query_params.get("as", ""))
        told |= _of_reader(proof, reader, editor)
    except NewsletterError as error:
        told["problems"] += [_problem(each, editor) for each in error.problems]
        told["stale"] = True
    except ValueError as error:  # data that no message can hold
        told["problems"].append(_problem(Problem(f"{reader.label}: {error}"), editor))
        told["stale"] = True
    return JSONResponse(told)


def source(request: Request) -> Response:
    studio: Studio = request.app.state.studio
    if studio.state.proof is None:
        return PlainTextResponse("")
    try:
        reader = people.reader(studio.tools, studio.state.proof, request.query_params.get("as", ""))
        return PlainTextResponse(_message(studio.state.proof, reader).decode("utf-8", "replace"))
    except (NewsletterError, ValueError) as error:
        return PlainTextResponse(str(error))


def who(request: Request) -> Response:
    proof = request.app.state.studio.state.proof
    try:
        found = people.search(proof, request.query_params.get("q", "")) if proof else []
    except NewsletterError as error:
        return JSONResponse({"people": [], "problem": str(error)})
    return JSONResponse({"people": [{"email": each.email, "name": each.display_name} for each in found]})


async def test(request: Request) -> Response:
    from starlette.concurrency import run_in_threadpool

    studio: Studio = request.app.state.studio
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            return JSONResponse({"problem": "that is more than an address"}, 413)
    return await run_in_threadpool(_tested, studio, body)


def _tested(studio: Studio, body: bytes) -> Response:
    import json

    try:
        asked = json.loads(body)
        to, said = str(asked["to"]).strip(), str(asked.get("as", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return JSONResponse({"problem": "name an address"}, 400)
    if studio.state.proof is None or studio.state.problems:
        return JSONResponse({"problem": "the issue cannot be read as it is now: mend it first"}, 409)
    try:
        reader = people.reader(studio.tools, studio.state.proof, said)
        return JSONResponse({"told": studio.tools.send(studio.state.proof, reader.person, to)})
    except (NewsletterError, ValueError) as error:
        return JSONResponse({"problem": str(error)}, 422)


def phone(request: Request) -> Response:
    import io

    import segno

    address = request.app.state.address.phone
    if not address:
        return PlainTextResponse("Only with --lan.\n", 404)
    out = io.BytesIO()
    segno.make(address, micro=False).save(out, kind="svg", scale=5, border=3, dark="#1f1b18", light="#ffffff")
    return Response(out.getvalue(), media_type="image/svg+xml")


def _of_reader(proof: Proof, reader: Reader, editor: str) -> dict[str, Any]:
    """What differs from reader to reader."""
    values = reader.values(proof)
    edition, survey = proof.edition, proof.manuscript.survey
    html, subject, preheader = (fill(each, values) for each in (edition.html, edition.subject, edition.preheader))
    known = places(html, survey)
    data = _message(proof, reader)
    sender = wiring.sender(proof.config)
    return {
        "reader": reader.label,
        "subject": subject,
        "inbox": [asdict(each) for each in inbox_lines(sender.name or sender.email, subject, preheader)],
        "text": fill(edition.text, values),
        "headers": read(data).headers,
        "octets": len(data),
        "html_octets": len(html.encode()),
        "parts": [asdict(each) for each in parts(data)],
        "weights": [asdict(each) for each in weights(html, known)],
        "links": [
            {"href": each.href, "text": each.text, "line": each.spot.line, "column": each.spot.column,
             "shown": nearest(known, each.spot.path, each.spot.line, each.spot.column) is not None}
            for each in survey.links
        ],
        "remote": len({each.src for each in survey.images if each.src.startswith(("http:", "https:", "//"))}),
        "findings": [_finding(each, proof, known, editor) for each in proof.findings if not each.waived],
        "waived": sum(bool(each.waived) for each in proof.findings),
    }  # fmt: skip


def _message(proof: Proof, reader: Reader) -> bytes:
    """The message as it would travel, dated now. The branches that are forced cannot be in it."""
    post = wiring.post(proof.config, proof.edition, proof.issue.slug, people.KEYS)
    return post.message_for(reader.person, datetime.now(UTC).replace(microsecond=0)).data


def _finding(finding: Finding, proof: Proof, known: tuple[Place, ...], editor: str) -> dict[str, Any]:
    spot = finding.spot
    place = nearest(known, spot.path, spot.line, spot.column)
    # Above the body nothing is shown but the line of the inbox.
    in_body = place is not None and spot.line >= proof.issue.body_line
    return {
        **finding.as_dict(),
        "shown": in_body,
        "source": _line(proof.manuscript.source, spot.line) if spot.path == proof.issue.path else "",
        "editor": _in_editor(editor, spot.path, spot.line),
    }


def _problem(problem: Problem, editor: str) -> dict[str, Any]:
    return {
        "message": problem.message,
        "path": problem.path or "",
        "line": problem.line,
        "column": problem.column,
        "fix": problem.fix or "",
        "source": _line_of_file(problem.path, problem.line),
        "editor": _in_editor(editor, problem.path or "", problem.line or 1),
    }


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _line_of_file(path: str | None, number: int | None) -> str:
    """The line that is wrong, as it is now."""
    from pathlib import Path

    if not path or not number:
        return ""
    try:
        return _line(Path(path).read_text("utf-8-sig", errors="replace").splitlines(), number)
    except OSError:
        return ""


def _in_editor(template: str, path: str, line: int) -> str:
    from pathlib import Path

    if not template or not path:
        return ""
    whole = quote(Path(path).resolve().as_posix())
    return template.replace("{path}", whole).replace("{line}", str(line or 1))
