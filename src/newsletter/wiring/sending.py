"""Sending: from the settings to messages, and to the way on which they go out."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, Problem
from newsletter.wiring.identity import dkim_keys, frame, sender
from newsletter.wiring.issues import NO_BASE_URL
from newsletter.wiring.services import provider_of, through_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from newsletter.actions.send import Post
    from newsletter.config import Config
    from newsletter.config_transports import TransportConfig
    from newsletter.edition import Edition
    from newsletter.limits import Limits
    from newsletter.transports import Transport


def post(
    config: Config,
    edition: Edition,
    issue: str,
    keys: Mapping[int, bytes],
    mailing: int = 0,
    *,
    test: bool = False,
    through: str = "",
) -> Post:
    """All that turns a recipient into a message of this edition; `issue` ends its address in the archive.

    `through` is the name of the transport: some take messages in parts, and some sign them.
    """
    from urllib.parse import quote

    from newsletter.actions.send import Post
    from newsletter.letter import Letters
    from newsletter.links import Signer
    from newsletter.message import Compiled
    from newsletter.render.slots import evaluator

    way, said = config.transports.get(through), frame(config, test=test)
    can = provider_of(way).CAPABILITIES if way and way.is_provider else None
    return Post(
        compiled=Letters(edition, said, issue) if can and can.form == "letter" else Compiled(edition, said, issue),
        evaluate=evaluator(edition),
        signer=Signer(keys),
        base_url=config.base_url or NO_BASE_URL,
        issue=quote(issue, safe="~"),
        domain=sender(config).email.rpartition("@")[2],
        mailing=mailing,
        bounces="" if test else config.sender.bounces,
        dkim=() if can and can.signs else dkim_keys(config),
    )


def transport(
    config: Config, name: str | None, environ: Mapping[str, str], *, job: int = 1, jobs: int = 1
) -> Transport:
    """The way out that is named here or by the settings, with the part of its connections that is this job's.

    `job` is from 1 to `jobs`, which are no more than `jobs_through` says. Raises ConfigError, also for a secret that is
    missing.
    """
    settings = config.chosen_transport(name)
    each, left = divmod(settings.connections, jobs)
    settings = replace(settings, connections=each + (job <= left))
    return _TRANSPORTS.get(settings.kind, through_provider)(settings, environ)


def jobs_through(config: Config, name: str | None, wished: int) -> int:
    """How many processes may send through the transport of that name: as many as wished, if each has a connection."""
    settings = config.chosen_transport(name)
    return min(wished, settings.connections) if settings.has_connections else wished


def limits(config: Config, name: str | None, transport: Transport | None = None) -> Limits | None:
    """What holds for a mailing through the transport of that name; None when nothing does. Raises ConfigError.

    Some providers say how fast an account may send: `transport`, when it is given, is asked.
    """
    settings = config.chosen_transport(name)
    rates = {**config.limits.rates}
    if settings.rate:
        rates[f"transport {settings.name}"] = settings.rate
    elif settings.is_provider and transport is not None:
        from newsletter.limits import Rate
        from newsletter.transports.http import quota_of

        if fastest := quota_of(transport):
            rates[f"transport {settings.name}"] = Rate(max(1, int(fastest)), 1)
    return replace(config.limits, rates=rates) or None


def mail_servers(config: Config) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """What asks the DNS where the mail of domains goes."""
    from newsletter.sources.mail_servers import ask_for_mail_servers

    return lambda domains: ask_for_mail_servers(domains, config.name_servers)


def _smtp(settings: TransportConfig, environ: Mapping[str, str]) -> Transport:
    from newsletter.sources.settings import read_secret
    from newsletter.transports.smtp import SmtpTransport
    from newsletter.transports.smtp_session import Server

    secret = read_secret(settings, environ)
    server = Server(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=secret.reveal() if secret else "",
        auth=settings.auth,
        lmtp=settings.kind == "lmtp",
        local_hostname=settings.local_hostname or _our_name(settings.host),
        timeout=settings.timeout,
        ca_file=str(settings.ca_file or ""),
    )
    window = settings.window if settings.chunking else 1
    return SmtpTransport(server, settings.connections, max_messages=settings.max_messages, window=window)


def _our_name(host: str) -> str:
    """How we present ourselves. A server of this machine does not care, and asking the resolver may take seconds."""
    if host.startswith(("127.", "localhost", "unix:")) or host == "::1":
        return "localhost"
    return socket.getfqdn()


def _folder(settings: TransportConfig, _environ: Mapping[str, str]) -> Transport:
    from newsletter.transports.folder import FolderTransport

    if settings.path is None:
        raise ConfigError(Problem(f"the transport {settings.name!r} has no path"))
    return FolderTransport(settings.path)


def _memory(_settings: TransportConfig, _environ: Mapping[str, str]) -> Transport:
    from newsletter.transports.memory import MemoryTransport

    # From the command line nobody can look into it: it serves measurements, whose memory must not grow.
    return MemoryTransport(keep=1)


_TRANSPORTS: dict[str, Callable[[TransportConfig, Mapping[str, str]], Transport]] = {
    "smtp": _smtp,
    "lmtp": _smtp,
    "folder": _folder,
    "memory": _memory,
}
