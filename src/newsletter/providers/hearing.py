"""What the `events` of providers share: who calls, when, and an event from a provider's words."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from newsletter.bounce import BounceClass, classify
from newsletter.event import Event, EventKind
from newsletter.outcome import Reply, parse_reply
from newsletter.providers import Forged

if TYPE_CHECKING:
    from newsletter.providers import Account, Hook

REPLAY_SECONDS = 300  # older calls, and those from the future, are not believed where a signature covers the time


def same(one: str | bytes, other: str | bytes) -> bool:
    """Whether two secrets are equal, in a time that does not depend on where they differ."""
    first, second = (each.encode("utf-8", "replace") if isinstance(each, str) else each for each in (one, other))
    return hmac.compare_digest(first, second)


def check_secret(account: Account, hook: Hook) -> None:
    """See that the call brings our secret: as the password of Basic auth, as a Bearer token, or as `secret` in its URL.

    Raises Forged when it does not, and when no secret is configured: then anybody could call.
    """
    if hook.proved:
        return
    if not account.webhook_secret:
        raise Forged("no secret is configured for this webhook")
    scheme, _, rest = hook.headers.get("authorization", "").partition(" ")
    brought = hook.query.get("secret", "")
    if scheme.lower() == "basic":
        try:
            brought = b64decode(rest, validate=True).decode().partition(":")[2]
        except ValueError:
            raise Forged("a Basic login that is none") from None
    elif scheme.lower() == "bearer":
        brought = rest.strip()
    if not same(brought, account.webhook_secret):
        raise Forged("without our secret, or with another one")


def check_fresh(hook: Hook, timestamp: float | str, window: float = REPLAY_SECONDS) -> None:
    """See that a call was made within the window. `timestamp` and `window` are in (UTC) seconds. Raises Forged.

    Who signs once and tries for hours needs a longer window; repeats within it are known by their ids.
    """
    if hook.proved:
        return
    try:
        age = abs(hook.now - float(timestamp))
    except ValueError:
        age = float("inf")
    if not age <= window:  # not a number, too
        raise Forged("too old, or from the future: perhaps a call that is played again")


def text_in(data: Any, *path: str) -> str:
    """What stands at a path in a stranger's JSON, as text; "" where there is nothing of the kind."""
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    if not isinstance(data, str | int | float) or isinstance(data, bool):
        return ""
    return str(data).encode("utf-8", "replace").decode()  # half of a surrogate pair cannot be stored


def object_in(hook: Hook) -> dict[str, Any]:
    """The JSON object that a call brings. Raises Forged when it is none."""
    try:
        found = json.loads(hook.body)
    except (ValueError, RecursionError):
        raise Forged("no JSON") from None
    if not isinstance(found, dict):
        raise Forged("no JSON object")
    return found


def objects_in(hook: Hook) -> list[dict[str, Any]]:
    """The JSON objects that a call brings: one, or a list of them; none where there is no such thing."""
    try:
        found = json.loads(hook.body)
    except (ValueError, RecursionError):
        return []
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def code_in(text: str) -> int:
    """The code of a reply that stands alone; 0 when it is none."""
    return int(text) if len(text) == 3 and text.isascii() and text.isdecimal() else 0


def moment(text: str) -> datetime | None:
    """A time as providers write it: ISO 8601, or UTC seconds or milliseconds; None when it is neither."""
    try:
        number = float(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text.strip())
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def heard(
    account: Account,
    kind: EventKind,
    source: str,
    id: str,
    *,
    reference: str = "",
    address: str = "",
    at: str = "",
    code: int = 0,
    text: str = "",
    bounce: BounceClass | None = None,
) -> Event:
    """An event in our words. `reference` is what we gave along; it counts only with our signature.

    `code` and `text` are the refusal's. A bounce without a class gets the one that these mean.
    """
    mailing, subscriber = account.read_reference(reference) or (0, 0)
    reply = parse_reply(code, [text[:1000]]) if code or text else Reply(0)
    if kind is EventKind.BOUNCED and bounce is None:
        bounce = classify(reply)
    return Event(
        kind=kind,
        id=f"{source}:{id}"[:300],
        source=source,
        bounce=bounce if kind is EventKind.BOUNCED else None,
        mailing=mailing,
        subscriber=subscriber,
        address=address[:320],
        at=moment(at),
        reply=reply,
    )
