"""[transports.NAME] in newsletter.toml: the ways out, by their kind.

smtp     a mail server: host, and how to reach it and log in
lmtp     a mail server that delivers into mailboxes of the same machine: the same
folder   every message as a file: path
memory   nowhere: for measurements

Any other kind is the name of a provider: see config_providers.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from newsletter.config_addresses import is_unix_socket, mail_host
from newsletter.config_limits import rate
from newsletter.config_providers import PROVIDER
from newsletter.config_values import (
    Keys,
    choice,
    file_path,
    line,
    seconds,
    variable_name,
    whole_number,
    yes_or_no,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from newsletter.limits import Rate

_SMTP: Keys = {
    "host": mail_host,
    "port": whole_number(1, 65535, 587),
    "security": choice("none", "starttls", "tls"),
    "ca_file": file_path,
    "username": line,
    "password_env": variable_name,
    "password_file": file_path,
    "auth": choice("plain", "login", "cram-md5", "xoauth2"),
    "connections": whole_number(1, 1000),
    "max_messages": whole_number(1, 1_000_000),
    "chunking": yes_or_no,
    "window": whole_number(2, 1000),
    "rate": rate,
    "timeout": seconds,
    "local_hostname": line,
}
KINDS: dict[str, Keys] = {
    "smtp": _SMTP,
    "lmtp": _SMTP,
    "folder": {"path": file_path, "rate": rate},
    "memory": {"rate": rate},
}
_NEEDED = {"smtp": {"host": "smtp.example.org"}, "lmtp": {"host": "127.0.0.1"}, "folder": {"path": "outbox"}}
_SECURITY = {"smtp": "starttls", "lmtp": "none"}  # when the file is silent: nobody's password in the clear by default
_PORTS = {"none": 25, "starttls": 587, "tls": 465}  # RFC 8314 section 3.3, RFC 5321 section 4.5.4.2
_REQUESTS = 4  # under way at a provider at once
_LMTP_PORT = 24  # RFC 2033 section 5 forbids 25
# What authors write who take this file for a safe.
SECRETS = {"password", "passwd", "pass", "secret", "token", "api_key", "key", "apikey", "webhook_secret"}


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """One way out, as configured. Which fields mean something follows from the kind."""

    name: str
    kind: str  # a key of KINDS, or the name of a provider
    host: str = ""
    port: int = 0
    security: str = "none"  # none | starttls | tls
    ca_file: Path | None = None  # a CA of one's own, in PEM; None: the system's
    username: str = ""  # "": no login
    password_env: str = ""  # the name of an environment variable
    password_file: Path | None = None
    auth: str = ""  # plain | login | cram-md5 | xoauth2; "": the best that the server offers
    connections: int = 10
    max_messages: int | None = None  # on one connection; None: no limit
    chunking: bool = False  # a window of messages at once on a connection, where the server has CHUNKING
    window: int = 20  # messages; so many deliveries a connection may be uncertain after a crash
    rate: Rate | None = None
    timeout: float = 60.0  # seconds
    local_hostname: str = ""  # what EHLO says; "": this machine's name
    path: Path | None = None  # of the kind "folder"
    # Of a provider:
    key_env: str = ""  # the name of an environment variable; "": the provider's own
    key_file: Path | None = None
    webhook_secret_env: str = ""
    webhook_secret_file: Path | None = None
    endpoint: str = ""  # without a slash at its end; "": the provider's own
    batch: int = 0  # messages a request; 0: as many as the provider takes
    settings: Mapping[str, str] = field(default_factory=dict)  # what this provider takes besides

    @property
    def is_provider(self) -> bool:
        """Whether it leads through the API of a provider."""
        return self.kind not in KINDS

    @property
    def has_connections(self) -> bool:
        """Whether `connections` means something: a folder has none."""
        return self.is_provider or "connections" in KINDS[self.kind]


def transport_config(name: str, kind: str, values: dict[str, Any], newsletter: Path) -> TransportConfig:
    """The settings that the values of a section mean in a newsletter's folder, with what follows from them."""
    if kind not in KINDS:
        own = {key: values.pop(key) for key in tuple(values) if key not in PROVIDER}
        values = {"connections": _REQUESTS, **{key: value for key, value in values.items() if value}, "settings": own}
    for key in ("path", "password_file", "ca_file", "key_file", "webhook_secret_file"):
        if key in values:
            values[key] = newsletter / values[key] if values[key] else None
    if kind in _SECURITY:
        default = "none" if is_unix_socket(values.get("host", "")) else _SECURITY[kind]
        values["security"] = values.get("security") or default
        port = _LMTP_PORT if kind == "lmtp" and values["security"] == "none" else _PORTS[values["security"]]
        values.setdefault("port", port)
    return TransportConfig(name, kind, **values)


def mistakes_in_transport(
    name: str, kind: str, settings: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str, str, bool]]:
    """What no single key shows, one that is missing or two that do not go together.

    The key where it shows (none: the section itself), what is wrong, how to mend it, and whether it shows at the value.
    """
    for key, example in _NEEDED.get(kind, {}).items():
        if not settings.get(key):
            yield (), f"the transport {name!r} has no {key}", f'write below it: {key} = "{example}"', False
    encrypted = settings.get("security") in ("starttls", "tls")
    if encrypted and is_unix_socket(str(settings.get("host", ""))):
        fix = 'write security = "none": nothing leaves this machine'
        yield ("security",), "security does not go with a UNIX socket", fix, True
    passwords = [key for key in ("password_env", "password_file") if settings.get(key)]
    if len(passwords) == 2:
        yield (passwords[1],), f"the transport {name!r} names two passwords", "keep one of them", False
    if settings.get("username") and not passwords and not SECRETS & settings.keys():
        fix = 'write password_env = "NEWSLETTER_SMTP_PASSWORD" and set that variable, or take username away'
        yield ("username",), f"the transport {name!r} has a username and no password", fix, False


def keys_of_any_kind() -> Keys:
    """What some kind takes, for a section whose kind cannot be read: so that its other mistakes are told, too."""
    return {key: read for keys in reversed(KINDS.values()) for key, read in keys.items()}
