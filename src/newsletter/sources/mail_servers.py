"""Ask the DNS where the mail of domains goes: their MX records (RFC 5321 section 5.1, RFC 7505), many at a time.

A domain of which nothing could be learned in time is left out: what depends on it goes by the domain's name then.
"""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.resolver import Resolver

_AT_ONCE = 32
_EACH = 2.0  # seconds for one domain
_ALL = 15.0  # seconds for all of them


def ask_for_mail_servers(
    domains: Sequence[str], servers: Sequence[tuple[str, int]] = (), *, each: float = _EACH, altogether: float = _ALL
) -> dict[str, str]:
    """The best mail server of each domain, in small letters; "" for one that takes no mail.

    Asked are the name servers at these addresses and ports; none: the system's. It takes `each` seconds at most for a
    domain, and `altogether` for all; where the first dozens have no answer, no more are asked.
    """
    resolver = resolver_for(servers)
    if resolver is None:
        return {}
    found: dict[str, str] = {}
    unanswered: list[str] = []
    until = monotonic() + altogether
    waiting: SimpleQueue[str] = SimpleQueue()
    for domain in domains:
        waiting.put(domain)

    def work() -> None:
        with suppress(Empty):
            while (left := until - monotonic()) > 0 and (found or len(unanswered) < _AT_ONCE):
                domain = waiting.get_nowait()
                server = _ask(resolver, domain, min(each, left))
                if server is None:
                    unanswered.append(domain)
                else:
                    found[domain] = server

    threads = [Thread(target=work, name=f"dns-{number}", daemon=True) for number in range(min(_AT_ONCE, len(domains)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def resolver_for(servers: Sequence[tuple[str, int]]) -> Resolver | None:
    """What asks these name servers, or the system's; None where the system names none."""
    from dns.exception import DNSException
    from dns.nameserver import Do53Nameserver, Nameserver
    from dns.resolver import Resolver

    try:
        resolver = Resolver(configure=not servers)
    except (DNSException, OSError):
        return None
    if servers:
        asked: list[str | Nameserver] = [Do53Nameserver(host, port) for host, port in servers]
        resolver.nameservers = asked
    return resolver


def _ask(resolver: Resolver, domain: str, seconds: float) -> str | None:
    """The best mail server of one domain, "" for none; None when nobody says."""
    from dns.exception import DNSException
    from dns.rdatatype import MX
    from dns.resolver import NXDOMAIN

    try:
        answer = resolver.resolve(f"{domain}.", MX, lifetime=seconds, search=False, raise_on_no_answer=False)
    except NXDOMAIN:
        return ""
    except (DNSException, OSError, ValueError):
        return None
    if answer.rrset is None:
        return domain  # without an MX, the domain is its own mail server
    best = min(answer.rrset, key=lambda record: (record.preference, record.exchange))
    return str(best.exchange.to_text(omit_final_dot=True)).lower().rstrip(".")
