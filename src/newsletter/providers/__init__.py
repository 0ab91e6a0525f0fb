"""Providers: mail services behind one contract, both ways. One file each, and no I/O.

A provider is a module:

    NAME            "Postmark"
    CAPABILITIES    what it can do, as data
    SETTINGS        what stands below [transports.NAME] in newsletter.toml besides the key, with defaults
    KEY_ENV         where the key is looked for unless the settings say otherwise
    request(account, batch, key)          messages → one HTTP request
    outcomes(account, batch, response)    its answer → an outcome for each message, or a Trouble
    events(account, hook)                 a webhook's call → events; raises Forged

And where it must be:

    sign(account, request, now)           the request as it leaves, for signatures that hold for minutes
    quota_request(account)                what asks for the account's quota, and what the answer says
    quota(response)

`transports/http.py` does the I/O, the same for all of them. `key` names the batch for providers that know repeats. What
is the same everywhere (keys refused, too many requests, a server in trouble) is read by `usual`.

One row in PROVIDERS makes one known; others come by the entry point `newsletter.providers`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from newsletter.config_providers import Catalogue, Setting
from newsletter.errors import ConfigError, Problem
from newsletter.outcome import Outcome, Reply, parse_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from newsletter.event import Event
    from newsletter.message import Message

__all__ = [
    "CATALOGUE",
    "GROUP",
    "PROVIDERS",
    "Account",
    "Capabilities",
    "Forged",
    "Hook",
    "Provider",
    "Quota",
    "Request",
    "Response",
    "Setting",
    "Trouble",
    "What",
    "names",
    "provider",
    "reply_of",
    "retry_after",
    "settings_of",
    "usual",
]

# The settings' word for a provider, and the module. In the order of the documentation.
PROVIDERS: dict[str, str] = {
    "ses": "newsletter.providers.ses",
    "mailgun": "newsletter.providers.mailgun",
    "sendgrid": "newsletter.providers.sendgrid",
    "postmark": "newsletter.providers.postmark",
    "brevo": "newsletter.providers.brevo",
    "mailjet": "newsletter.providers.mailjet",
    "resend": "newsletter.providers.resend",
    "sparkpost": "newsletter.providers.sparkpost",
    "mailersend": "newsletter.providers.mailersend",
    "scaleway": "newsletter.providers.scaleway",
    "postal": "newsletter.providers.postal",
    "kumomta": "newsletter.providers.kumomta",
}

GROUP = "newsletter.providers"  # of the entry points by which others are known


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do with a message. What it cannot do is told before the first send."""

    form: Literal["mime", "letter"]  # whether it takes whole messages, or parts
    batch: int = 1  # messages a request
    batch_enclosed: int = 0  # the same, of messages with images or files; 0: as many
    largest: int = 10_000_000  # octets of a request
    largest_message: int = 10_000_000  # octets of one message, with all that it carries
    idempotent: int = 0  # seconds for which the same key is the same batch; 0: it knows no keys
    inline_images: bool = True
    attachments: bool = True
    utf8_headers: bool = True  # names and subjects beyond ASCII
    custom_headers: bool = True  # List-Unsubscribe, List-Id …
    list_id: bool = True  # that one, too
    headers: int | None = None  # how many of them at most
    header_octets: int | None = None  # in one of them
    envelope: bool = False  # our return path, with its tag, is where its bounces go
    signs: bool = True  # with DKIM, so that we do not
    keeps_message_id: bool = False  # ours; otherwise it gives one of its own
    tags: bool = True  # the name goes along, by which its figures there are told apart
    references: bool = True  # our delivery's reference comes back in webhooks
    international: bool = False  # local parts beyond ASCII
    tracking: Literal["request", "account", "none"] = "request"  # where opens and clicks are switched off
    signed: bool = True  # webhooks carry a signature over the body
    webhook_secret: bool = True  # they are believed by a secret, or a key, of the settings
    notes: tuple[str, ...] = ()  # what an author must know, one sentence each


def _nothing(url: str) -> bytes:
    raise Forged(f"nothing may be fetched here: {url}")


@dataclass(frozen=True, slots=True)
class Account:
    """Our account with a provider. The secrets are kept out of its repr."""

    key: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    endpoint: str = ""  # instead of the provider's own, without a slash at its end: for a proxy, and for tests
    webhook_secret: str = field(default="", repr=False)
    fetch: Callable[[str], bytes] = _nothing  # what stands at an address, for certificates; the provider says which
    read_reference: Callable[[str], tuple[int, int] | None] = lambda _: None  # signed: (mailing, subscriber)

    def setting(self, name: str) -> str:
        """The value of a setting; "" when it is not set."""
        return self.settings.get(name, "")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, whole."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Header names are in small letters."""

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes = b""

    def json(self) -> Any:
        """The body as data; None when it is no JSON. What is in it is a stranger's: look before you use it."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class What(Enum):
    """What kept a whole request from being answered message by message."""

    KEY = "key"  # the key is refused: no other request will do better
    THROTTLED = "throttled"  # nothing was taken; again later
    SPLIT = "split"  # nothing was taken, because of some message in it: again in smaller parts
    UNCLEAR = "unclear"  # something may have been taken


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request that failed as a whole."""

    what: What
    reply: Reply
    retry_after: float | None = None  # seconds


@dataclass(frozen=True, slots=True)
class Quota:
    """What an account may send."""

    per_second: float
    left: int | None = None  # for today; None: without an end


@dataclass(frozen=True, slots=True)
class Hook:
    """A call of a webhook, as it came. `now` is in UTC seconds."""

    headers: Mapping[str, str]  # names in small letters
    body: bytes
    now: float
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    proved: bool = False  # when it came: what is read again is its body alone, from where it was kept


class Forged(Exception):
    """A webhook's call that is not from the provider, or too old, or no call at all. Its text goes to the log."""


class Provider(Protocol):
    """What a module of this package has."""

    NAME: str
    CAPABILITIES: Capabilities
    SETTINGS: Mapping[str, Setting]
    KEY_ENV: str

    def request(self, account: Account, batch: Sequence[Message], key: str) -> Request:
        """The request that delivers the batch."""
        ...

    def outcomes(self, account: Account, batch: Sequence[Message], response: Response) -> list[Outcome] | Trouble:
        """What became of each message of the batch, in its order."""
        ...

    def events(self, account: Account, hook: Hook) -> list[Event]:
        """What the provider tells. Raises Forged."""
        ...


def provider(name: str) -> Provider:
    """The provider that the settings call so. Raises KeyError when there is none, ConfigError for a broken one."""
    if name in PROVIDERS:
        module: Any = import_module(PROVIDERS[name])
        return module  # type: ignore[no-any-return]
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=name):
        try:
            loaded: Provider = entry.load()
        except Exception as error:
            why = f"the provider {name!r} cannot be loaded from {entry.value}: {error}"
            raise ConfigError(Problem(why, fix="see the documentation of the package that brings it")) from error
        return loaded
    raise KeyError(name)


def settings_of(name: str) -> Mapping[str, Setting] | None:
    """What a provider takes in newsletter.toml besides what all of them do; None when there is no such provider."""
    try:
        return provider(name).SETTINGS
    except KeyError:
        return None


def names() -> list[str]:
    """All providers that there are, ours first."""
    from importlib.metadata import entry_points

    return [*PROVIDERS, *sorted({entry.name for entry in entry_points(group=GROUP)} - PROVIDERS.keys())]


CATALOGUE = Catalogue(settings_of, names)


def usual(response: Response, text: str = "") -> Trouble | None:
    """What an answer means everywhere; None when the provider itself has to say."""
    reply = reply_of(response, text)
    match response.status:
        case 401 | 403:
            return Trouble(What.KEY, reply)
        case 429:
            return Trouble(What.THROTTLED, reply, retry_after(response))
        case 503 if "retry-after" in response.headers:
            return Trouble(What.THROTTLED, reply, retry_after(response))
        case status if status >= 500 or status < 200 or 300 <= status < 400:
            return Trouble(What.UNCLEAR, reply)
    return None


# Where Retry-After is silent: the draft of the IETF's (Resend, and others), SendGrid's, and Brevo's.
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-sib-ratelimit-reset")
_LONGEST_WAIT = 86_400.0  # seconds; more is no sensible number


def retry_after(response: Response) -> float | None:
    """Seconds to wait, by Retry-After (RFC 9110 section 10.2.3) or a header of the provider's own; None: not said.

    A moment is told from the answer's own Date, so that no clock of ours need be right.
    """
    for name in ("retry-after", *_RESETS):
        text = response.headers.get(name, "").strip()
        if text.isascii() and text.isdecimal() and len(text) < 12:
            seconds = float(text) if len(text) < 10 else _until(float(text), response)  # or UTC seconds since 1970
        else:
            seconds = _until(_moment(text), response)
        if seconds is not None and 0 <= seconds <= _LONGEST_WAIT:
            return seconds
    return None


def _until(moment: float | None, response: Response) -> float | None:
    said = _moment(response.headers.get("date", ""))
    return max(0.0, moment - said) if moment is not None and said is not None else None


def _moment(text: str) -> float | None:
    """A date as HTTP writes it, in UTC seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def reply_of(response: Response, text: str = "", enhanced: str = "") -> Reply:
    """An HTTP answer in the words of a mail server's: the ledger keeps both alike."""
    said = text or response.body[:500].decode("utf-8", "replace")
    return parse_reply(response.status, [f"{enhanced} {said}".strip()])
