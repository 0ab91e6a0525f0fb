"""What providers publish of their APIs for machines to read (OpenAPI), and requests held against it.

Each file in tests/contracts/published names the document, its version and its licence. A name that the document does
not know is a mistake here: APIs mostly pass over it in silence, and what it was to say is lost.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from newsletter.providers import Request

HERE = Path(__file__).parents[1] / "contracts" / "published"


@cache
def document(name: str) -> dict[str, Any]:
    """What a provider publishes."""
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return found


def mistakes(name: str, request: Request) -> list[str]:
    """What a request does not say as the provider's document has it."""
    told = document(name)["paths"][urlsplit(request.url).path][request.method.lower()]
    headers = {key.lower(): value for key, value in request.headers.items()}
    asked = told["requestBody"]["content"][headers["content-type"]]["schema"]
    schema = _strict({**asked, "components": document(name)["components"]})
    found = [_said(each) for each in Draft202012Validator(schema).iter_errors(json.loads(request.body))]
    for header in told.get("parameters", ()):
        if (value := headers.get(header["name"].lower())) is not None:
            found += [_said(each) for each in Draft202012Validator(header["schema"]).iter_errors(value)]
    return found


def _said(error: Any) -> str:
    return f"{error.json_path}: {error.message[:200]}"


def _strict(schema: Any) -> Any:
    """The same, with no names but those that it lists."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        strict.setdefault("additionalProperties", False)
    return strict
