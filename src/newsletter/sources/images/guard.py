"""Guard: which addresses may be asked for an image. None that only this machine or its network can reach.

An issue, or a page that it names, must not make this program look into a private network or at a cloud machine's
metadata (server-side request forgery). A name is looked up once; what it led to is judged and then connected to, so
that a name server cannot give another answer in between (DNS rebinding).

Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890). They stand here, and are not asked of the
standard library, whose `is_global` differs between versions of Python.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by a provider's customers; holds Alibaba's metadata
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's metadata: public by its number, not by its reach
            "169.254.0.0/16",  # link-local; holds the metadata of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; holds Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays, given up
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
            "2001::/23",  # protocol assignments, Teredo among them, which holds an IPv4 address
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which holds an IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_PUBLIC_IPV6 = ip_network("2000::/3")  # all that was ever given to somebody; the rest is local, multicast or reserved
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address, seen from a network that has only IPv6


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet could ask this address, so that asking it tells nothing new."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _PUBLIC_IPV6:
            return False
    return not any(address in network for network in _NOT_PUBLIC if network.version == address.version)


def look_up(host: str) -> tuple[Address, ...]:
    """The addresses of a host, in the order in which to try them. Raises OSError when it has none."""
    try:
        # Forms such as 0x7f.1 or 2130706433 become addresses here, too, and are judged as such.
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
    except ValueError as error:  # a label that no name can have
        raise OSError(str(error)) from None
