"""What of the settings is still an example, though mail would leave this machine: readers could not leave, nor answer.

The domains are those that nobody has (RFC 2606, RFC 6761).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.config_addresses import is_unix_socket
from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.config import Config
    from newsletter.config_transports import TransportConfig

POSTAL_ADDRESS = "12 Lilac Street, Springfield"  # what `newsletter init` writes
_NOBODYS = re.compile(r"(?:.*\.)?(?:example\.(?:com|net|org)|example|invalid|localhost|test)", re.IGNORECASE)


def still_examples(config: Config, transport: TransportConfig) -> tuple[Problem, ...]:
    """What to mend before mail leaves through that transport; nothing as long as it stays on this machine."""
    if not _leaves(transport):
        return ()
    path = str(config.path)
    host = urlsplit(config.base_url).hostname or ""
    domain = config.sender.email.rpartition("@")[2]
    found = (
        (_NOBODYS.fullmatch(host), f"base_url is still an example: no reader could leave, {host} is nobody's"),
        (_NOBODYS.fullmatch(domain), f"[sender] email is still an example: {domain} is nobody's"),
        (config.postal_address == POSTAL_ADDRESS, "postal_address is still an example, and stands in every message"),
    )
    return tuple(Problem(message, path, fix="write your own") for is_so, message in found if is_so)


def _leaves(transport: TransportConfig) -> bool:
    """Whether mail goes to another machine with a name of the DNS, as far as the settings tell."""
    if transport.is_provider:
        return not transport.endpoint
    host = transport.host.casefold()
    return "." in host and not is_unix_socket(host) and not host.startswith("127.") and not _NOBODYS.fullmatch(host)
