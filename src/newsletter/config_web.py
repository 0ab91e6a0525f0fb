"""[web] in newsletter.toml: what the pages of `newsletter serve` ask, offer and allow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from newsletter.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Network = IPv4Network | IPv6Network

_FIELD_NAME = re.compile(r"\w+")  # as in [fields]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MOST = 20  # fields or topics: more is no form that anybody fills in
_LONGEST = 80  # characters of one of them
# What the form asks for always, and what a visitor must never set.
_TAKEN = ("email", "language", "tags", "status", "joined", "source", "id", "website")


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the pages ask, offer and allow."""

    fields: tuple[str, ...] = ()  # asked besides the address, and shown in the preferences
    topics: tuple[str, ...] = ()  # tags that readers may choose for themselves
    confirm: bool = True  # double opt-in
    welcome: str = ""  # the issue that who has confirmed gets; "": none
    goodbye: bool = False  # whether who leaves gets a last message
    consent: str = ""  # the words beside the button; "": those of this program
    privacy: str = ""  # the address of a page about what becomes of people's data
    keep_network: bool = False  # whether a consent is kept with the network that it came from
    proxies: tuple[Network, ...] = ()  # whose X-Forwarded-For and X-Forwarded-Proto are believed
    per_network: int = 20  # requests to join in an hour from one /24 or /56
    per_hour: int = 500  # requests to join in an hour, in all
    metrics_token_env: str = ""  # the name of the variable with the token for /metrics; "": loopback only


def web_config(values: Mapping[str, Any]) -> WebConfig:
    """The settings that the values of the section mean."""
    return WebConfig(**{key: value for key, value in values.items() if value != ""})


def _wrong(message: str, fix: str) -> ConfigError:
    return ConfigError(Problem(message, fix=fix))


def texts(value: Any) -> tuple[str, ...]:
    """A list of short texts of one line, each once."""
    if not isinstance(value, list):
        raise _wrong("must be a list", 'write them in brackets: ["first_name", "city"]')
    found: list[str] = []
    for each in value:
        text = each.strip() if isinstance(each, str) else ""
        if not text or len(text) > _LONGEST or _CONTROL.search(text):
            raise _wrong(f"holds no short text: {each!r}", f"write each in quotes, with at most {_LONGEST} characters")
        found.append(text)
    if len(found) > _MOST:
        raise _wrong(f"has {len(found)} entries; a form with so many is not filled in", f"take {_MOST} at most")
    return tuple(dict.fromkeys(found))


def field_names(value: Any) -> tuple[str, ...]:
    """A list of fields that the form may ask for."""
    names = texts(value)
    for name in names:
        if name in _TAKEN:
            raise _wrong(f"cannot hold {name!r}", "the pages ask for the address and the language by themselves")
        if not _FIELD_NAME.fullmatch(name) or name != name.casefold():
            raise _wrong(f"holds no name for a field: {name!r}", "write small letters, digits and _, as in postal_code")
    return names


def topics(value: Any) -> tuple[str, ...]:
    """A list of tags that readers may choose."""
    names = texts(value)
    for name in names:
        if re.search(r"[;,|]", name):
            raise _wrong(f"holds {name!r}, which is several tags", "write each in quotes of its own")
    return names


def networks(value: Any) -> tuple[Network, ...]:
    """A list of addresses and networks, as in `10.0.0.0/8`."""
    if not isinstance(value, list):
        raise _wrong("must be a list", 'write them in brackets: ["127.0.0.1", "10.0.0.0/8"]')
    found = []
    for each in value:
        try:
            if not isinstance(each, str):
                raise ValueError(each)
            found.append(ip_network(each.strip(), strict=False))
        except ValueError:
            raise _wrong(f"holds no network: {each!r}", 'write "127.0.0.1" or "10.0.0.0/8"') from None
    return tuple(found)
