"""AWS Signature Version 4: a request, signed for one region, one service and a few minutes.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from datetime import datetime

    from newsletter.providers import Request

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs. `token` goes with keys that are lent for a while."""

    access_key: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def signed(request: Request, who: Credentials, region: str, service: str, now: datetime) -> Request:
    """The request with its signature; `now` is aware, and in UTC."""
    parts = urlsplit(request.url)
    moment = f"{now:%Y%m%dT%H%M%SZ}"
    headers = {name.lower(): " ".join(value.split()) for name, value in request.headers.items()}
    headers |= {"host": parts.netloc, "x-amz-date": moment}
    if who.token:
        headers["x-amz-security-token"] = who.token
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        (
            request.method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join("=".join(pair) for pair in sorted((_all(n), _all(v)) for n, v in parse_qsl(parts.query, True))),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            sha256(request.body).hexdigest(),
        )
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, scope, sha256(canonical.encode()).hexdigest()))
    signature = hmac.digest(_key(who.secret, scope), to_sign.encode(), "sha256").hex()
    credential = f"Credential={who.access_key}/{scope}"
    authorization = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return replace(request, headers={**headers, "authorization": authorization})


@lru_cache(maxsize=4)
def _key(secret: str, scope: str) -> bytes:
    """What signs for a day, a region and a service."""
    key = f"AWS4{secret}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


def _all(text: str) -> str:
    return quote(text, safe="-_.~")
