"""The templates, style sheets and scripts of the preview's pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

HERE = Path(__file__).parent
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_ASSETS = frozenset(("page.css", "page.js", "margin.js", "frame.css", "frame.js"))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def rendered(template: str, **context: Any) -> str:
    """A template of this folder, filled in; in HTML, everything is escaped."""
    return _templates().get_template(template).render(**context)


def page(template: str, **context: Any) -> HTMLResponse:
    """A page made from a template."""
    return HTMLResponse(rendered(template, **context))


def asset(request: Request) -> Response:
    """A style sheet or a script of ours."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        return Response("There is no such page.\n", 404, media_type="text/plain")
    path = HERE / name
    return Response(path.read_bytes(), media_type=_TYPES[path.suffix])
