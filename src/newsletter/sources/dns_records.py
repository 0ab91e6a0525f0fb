"""DNS records, asked one at a time. None says that nobody answered; an empty answer that there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newsletter.sources.mail_servers import resolver_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.rdatatype import RdataType
    from dns.resolver import Resolver

_SECONDS = 5.0


class Dns:
    """The DNS, through the name servers at these addresses and ports; none: the system's."""

    def __init__(self, servers: Sequence[tuple[str, int]] = (), *, seconds: float = _SECONDS) -> None:
        self._resolver: Resolver | None = resolver_for(servers)
        self._seconds = seconds

    def texts(self, name: str) -> tuple[str, ...] | None:
        """The TXT records of a name, each in one piece."""
        from dns.rdatatype import TXT

        found = self._ask(name, TXT)
        return None if found is None else tuple(b"".join(each.strings).decode("utf-8", "replace") for each in found)

    def exchangers(self, name: str) -> tuple[str, ...] | None:
        """The mail servers of a domain, the best first; "." is one that takes no mail (RFC 7505)."""
        from dns.rdatatype import MX

        found = self._ask(name, MX)
        return (
            None
            if found is None
            else tuple(
                each.exchange.to_text(omit_final_dot=True).lower()
                for each in sorted(found, key=lambda each: (each.preference, each.exchange))
            )
        )

    def addresses(self, name: str) -> tuple[str, ...] | None:
        """The IP addresses of a host, of both kinds."""
        from dns.rdatatype import AAAA, A

        both = [self._ask(name, kind) for kind in (A, AAAA)]
        if all(found is None for found in both):
            return None
        return tuple(str(each.address) for found in both for each in found or ())

    def names_of(self, address: str) -> tuple[str, ...] | None:
        """The names that an IP address calls itself by."""
        from dns.rdatatype import PTR
        from dns.reversename import from_address

        found = self._ask(str(from_address(address)), PTR)
        return None if found is None else tuple(each.target.to_text(omit_final_dot=True).lower() for each in found)

    def _ask(self, name: str, kind: RdataType) -> tuple[Any, ...] | None:
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN

        if self._resolver is None:
            return None
        try:
            answer = self._resolver.resolve(
                f"{name.rstrip('.')}.", kind, lifetime=self._seconds, search=False, raise_on_no_answer=False
            )
        except NXDOMAIN:
            return ()
        except (DNSException, OSError, ValueError):
            return None
        return tuple(answer.rrset or ())
