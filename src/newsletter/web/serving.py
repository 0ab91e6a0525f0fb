"""Serving: the pages, the courier and, for a first try, a mailbox; started in order, and ended in the other one."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from queue import SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter import wiring
from newsletter.config_transports import TransportConfig
from newsletter.errors import ConfigError, Refused
from newsletter.inbox import Inbox
from newsletter.serving.running import stopping
from newsletter.sources.themes import read_theme
from newsletter.store.keys import load_keys
from newsletter.store.notices import count_waiting
from newsletter.web.courier import Courier
from newsletter.web.parts import Parts
from newsletter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from newsletter.config import Config

# Where `newsletter inbox` takes mail and shows it, unless told otherwise.
INBOX_SMTP, INBOX_HTTP = 2525, 8025


@dataclass(frozen=True, slots=True)
class Serving:
    """What runs: where, and what whoever started it should know."""

    url: str
    notes: tuple[str, ...]


def run(
    config: Config,
    environ: Mapping[str, str],
    *,
    host: str,
    port: int,
    inbox: bool | None = None,
    ready: Callable[[Serving, Inbox | None], object],
) -> int:
    """Serve until SIGINT or SIGTERM, from the main thread; how many notices wait at the end.

    `inbox`: whether to run a mailbox and send there; None: if the transport leads to one on this machine. `ready` is
    called once everything runs. Raises ConfigError, StoreError, ThemeError, and Refused when a port is taken.
    """
    stopped: SimpleQueue[None] = SimpleQueue()
    with stopping(stopped), ExitStack() as running:
        server = running.enter_context(Server(host, port))
        config, box, notes = _with_inbox(config, server.url, inbox, running)
        if problems := config.problems_before_sending():
            raise ConfigError(*problems)
        database = running.enter_context(wiring.store(config))
        parts = Parts(
            config, database, load_keys(database), read_theme(config.theme, config.templates), environ=environ
        )
        courier = Courier(parts)
        courier.check()
        parts.look.check()
        parts.wake = courier.wake
        running.enter_context(courier)
        server.start(parts)
        running.callback(server.stop)  # before what it answers from is closed
        ready(Serving(server.url, (*notes, *_about(config, server))), box)
        stopped.get()
        server.stop()
        courier.stop()
        return count_waiting(database)


def _with_inbox(
    config: Config, url: str, inbox: bool | None, running: ExitStack
) -> tuple[Config, Inbox | None, list[str]]:
    """The settings with a mailbox on this machine, if there is to be one; then links lead to this server, too."""
    way = config.transports.get(config.transport)
    leads_there = (
        way is not None and way.kind == "smtp" and way.port == INBOX_SMTP and way.host in ("127.0.0.1", "localhost")
    )
    if not (leads_there if inbox is None else inbox):
        return config, None, []
    notes = []
    box = None
    smtp_port = INBOX_SMTP if leads_there else 0
    if smtp_port and _answers(smtp_port):
        notes.append(f"A mailbox runs on port {smtp_port} already: mails go there.")
    else:
        box = _opened(Inbox(config.folder / "inbox", smtp_port, INBOX_HTTP), config, smtp_port, running)
        smtp_port = box.smtp_port
    if not leads_there:
        name = config.transport or "inbox"
        here = TransportConfig(name, "smtp", host="127.0.0.1", port=smtp_port)
        config = replace(config, transport=name, transports={**config.transports, name: here})
        notes.append(f"The transport {name!r} is left alone: nothing that these pages send leaves this machine.")
    notes.append(
        f"Links in what these pages send lead here, as long as there is the mailbox; else to {config.base_url}"
    )
    return replace(config, base_url=url), box, notes


def _opened(box: Inbox, config: Config, smtp_port: int, running: ExitStack) -> Inbox:
    """The mailbox, open; its page at another port if the usual one is taken."""
    try:
        return running.enter_context(box)
    except Refused:
        return running.enter_context(Inbox(config.folder / "inbox", smtp_port, 0))


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


def _about(config: Config, server: Server) -> list[str]:
    """What whoever started this should know about where it is reached."""
    notes = []
    if urlsplit(config.base_url).netloc != urlsplit(server.url).netloc:
        notes.append(
            f"Readers come by base_url, {config.base_url}: let your web server lead from there to {server.url}, "
            "and name it under `proxies` in [web]."
        )
    notes += [_about_webhook(config, each) for each in config.transports.values() if each.is_provider]
    if not _is_loopback(server.host):
        notes.append("The network can reach this server, without encryption: put a web server with https before it.")
    return notes


def _about_webhook(config: Config, way: TransportConfig) -> str:
    """Where a provider may tell what becomes of messages, and what it still needs to be believed."""
    provider = wiring.provider_of(way)
    path = f"{config.base_url}/webhooks/{way.name}"
    if way.webhook_secret_env or way.webhook_secret_file or not provider.CAPABILITIES.webhook_secret:
        return f"{provider.NAME} is heard at {path}"
    return f"{provider.NAME} is not heard at {path}: name a secret with webhook_secret_env, or webhook_secret_file."


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
