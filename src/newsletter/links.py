"""Signed addresses: who may unsubscribe whom, without an address or a guessable number in the link.

A token is key number, purpose, subscriber and mailing, and the first 16 bytes of their HMAC-SHA-256, as base64url:
36 characters, so that List-Unsubscribe stays on one line. It never expires: a mail may be opened years later, and
unsubscribing must still work (RFC 8058; old keys stay readable after a rotation).
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAC_BYTES = 16


class Purpose(Enum):
    """What a token allows; one made for one purpose opens nothing else. The number is part of the token."""

    UNSUBSCRIBE = 1
    PREFERENCES = 2


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token says, once its signature was found good."""

    purpose: Purpose
    subscriber: int
    mailing: int  # 0: not tied to a mailing


class Signer:
    """Makes and reads tokens. `keys` are number → secret; the highest number signs, all of them are accepted."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = dict(keys)
        self._newest = max(self._keys)

    def token(self, ticket: Ticket) -> str:
        """The token for a ticket, 36 characters that are safe in a path."""
        body = b"%c%c%b%b" % (
            self._newest,
            ticket.purpose.value,
            ticket.subscriber.to_bytes(5, "big"),
            ticket.mailing.to_bytes(4, "big"),
        )
        mac = hmac.digest(self._keys[self._newest], body, "sha256")[:_MAC_BYTES]
        return urlsafe_b64encode(body + mac).decode()

    def message_id(self, mailing: int, subscriber: int, domain: str) -> str:
        """The Message-ID of a delivery, with its brackets: the same at every attempt, and not to be guessed."""
        name = f"{mailing}.{subscriber}"
        # By the oldest key: a rotation between two attempts must not change it.
        mac = hmac.digest(self._keys[min(self._keys)], name.encode(), "sha256").hex()[:16]
        return f"<{name}.{mac}@{domain}>"

    def read(self, token: str, purpose: Purpose) -> Ticket | None:
        """The ticket that a token stands for, or None when it is forged, damaged or made for something else."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii"))
        except (BadBase64, ValueError):
            return None
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(body) != 11 or body[0] not in self._keys:
            return None
        if not hmac.compare_digest(mac, hmac.digest(self._keys[body[0]], body, "sha256")[:_MAC_BYTES]):
            return None
        if body[1] != purpose.value:
            return None
        return Ticket(purpose, int.from_bytes(body[2:7], "big"), int.from_bytes(body[7:11], "big"))


class Links:
    """The signed addresses that one recipient of one mailing finds in the mail, each made when it is asked for."""

    def __init__(self, signer: Signer, base_url: str, issue: str, subscriber: int, mailing: int) -> None:
        """Addresses below `base_url`, which has no slash at its end."""
        self._signer = signer
        self._base_url = base_url
        self._issue = issue
        self._subscriber = subscriber
        self._mailing = mailing

    @cached_property
    def unsubscribe(self) -> str:
        """Where one click ends the subscription (RFC 8058)."""
        return self._signed("unsubscribe", Purpose.UNSUBSCRIBE)

    @cached_property
    def preferences(self) -> str:
        """Where the person sees and changes what is known of them."""
        return self._signed("preferences", Purpose.PREFERENCES)

    @property
    def archive(self) -> str:
        """The issue on the web, the same for everybody."""
        return f"{self._base_url}/archive/{self._issue}"

    def _signed(self, page: str, purpose: Purpose) -> str:
        token = self._signer.token(Ticket(purpose, self._subscriber, self._mailing))
        return f"{self._base_url}/{page}/{token}"
