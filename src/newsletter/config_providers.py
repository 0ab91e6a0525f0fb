"""[transports.NAME] of a kind that is a provider's name: what every provider takes, and what it takes besides.

Providers are no part of the words: who reads the file says which there are, as a Catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.config_limits import rate
from newsletter.config_values import Keys, choice, file_path, line, seconds, variable_name, whole_number, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of newsletter.toml that a provider reads."""

    help: str
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    env: str = ""  # the variable that is read where the file is silent
    example: str = "…"
    secret: bool = False  # never in the file: in the variable alone


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The providers that there are. To list them may take a while, and is done for a mistake only."""

    settings_of: Callable[[str], Mapping[str, Setting] | None] = lambda _: None  # None: there is no such provider
    names: Callable[[], Sequence[str]] = lambda: ()


NO_PROVIDERS = Catalogue()


def api_address(value: Any) -> str:
    """Where an API is, without a slash at its end. In the clear only on this machine: the key travels along."""
    text = line(value)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username is not None:
        raise wrong(f"is no address of an API: {text!r}", 'write it in full, such as "https://postal.example.org"')
    if parts.scheme == "http" and not _is_near(host):
        raise wrong("must begin with https: the key would travel in the clear", f'write "https{text[4:]}"')
    return text.rstrip("/")


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host  # localhost, or a neighbour in a network of one's own


# What every provider takes.
PROVIDER: Keys = {
    "key_env": variable_name,
    "key_file": file_path,
    "webhook_secret_env": variable_name,
    "webhook_secret_file": file_path,
    "endpoint": api_address,
    "connections": whole_number(1, 100),
    "batch": whole_number(1, 10_000),
    "rate": rate,
    "timeout": seconds,
}


def keys_of(settings: Mapping[str, Setting]) -> Keys:
    """What may stand in the section of a provider with these settings."""
    own: Keys = {name: _reader(each) for name, each in settings.items()}
    return {**own, **PROVIDER}


def _reader(setting: Setting) -> Callable[[Any], str]:
    if not setting.secret:
        return choice(*setting.choices) if setting.choices else line

    def refuse(_: Any) -> str:
        raise wrong("must not stand in this file: it is a secret", f"set the variable {setting.env}")

    return refuse


def mistakes_in_provider(
    name: str, settings: Mapping[str, Setting], written: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str, str, bool]]:
    """What no single key shows: see `config_transports.mistakes_in_transport`."""
    for key, each in settings.items():
        if each.required and not each.env and not written.get(key):
            fix = f'write below it: {key} = "{each.choices[0] if each.choices else each.example}"'
            yield (), f"the transport {name!r} has no {key}: {each.help}", fix, False
    for what in ("key", "webhook_secret"):
        if written.get(f"{what}_env") and written.get(f"{what}_file"):
            yield (f"{what}_file",), f"the transport {name!r} names two of its {what}s", "keep one of them", False
