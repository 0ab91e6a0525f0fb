"""How often visitors may ask: in an hour from one network, and in all. Counted in memory, under keys that tell nothing.

Each process counts for itself, and refuses a flood without a look at the database; what all of them let in together is
counted there (newsletter.web.joining). Networks are not: nothing of a visitor is written down for that.

Networks are remembered by a keyed hash, 50,000 at most, for the hour in which they asked; 4 MB when it is full. Who
comes then counts towards all only. A new start forgets them; what may go to one address is counted in the database
(newsletter.actions.subscribe).
"""

from __future__ import annotations

from hashlib import blake2b
from secrets import token_bytes
from threading import Lock

_HOUR = 3600
MOST_NETWORKS = 50_000


class Turnstile:
    """Lets so many through in an hour."""

    def __init__(self, per_network: int, per_hour: int) -> None:
        self._per_network, self._per_hour = per_network, per_hour
        self._key = token_bytes(16)
        self._lock = Lock()
        self._hour = -1
        self._all = 0
        self._networks: dict[bytes, int] = {}

    def let_in(self, network: str, now: int) -> bool:
        """Whether one more may come from this network at this moment (UTC seconds); if so, it is counted."""
        name = blake2b(network.encode(), key=self._key, digest_size=8).digest()
        with self._lock:
            if self._hour != now // _HOUR:
                self._hour, self._all = now // _HOUR, 0
                self._networks.clear()
            used = self._networks.get(name, 0)
            if self._all >= self._per_hour or used >= self._per_network:
                return False
            self._all += 1
            if name in self._networks or len(self._networks) < MOST_NETWORKS:
                self._networks[name] = used + 1
            return True
