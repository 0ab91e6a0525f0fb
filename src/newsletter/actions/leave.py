"""Leave: a person ends the subscription, with one click or from a page. Always possible, at once, and for good.

From the moment this returns, the person gets nothing more: the next claim of a mailing that is under way reads the list
again (newsletter.store.ledger).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.store.joining import address_of, keep_departure
from newsletter.store.notices import Kind, put
from newsletter.store.subscribers import leave
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from newsletter.links import Ticket
    from newsletter.store.database import Connection

# What may be answered to the one question; anything else counts as no answer.
REASONS = ("often", "interest", "never", "other")


def leave_by_ticket(
    connection: Connection, ticket: Ticket, *, now: int, source: str, reason: str = "", goodbye: bool = False
) -> bool:
    """Take whoever the ticket names off the list, inside a transaction; False when they were off it already.

    A ticket of nobody, or of somebody who is gone, is as good: there is nothing to do.
    """
    address = address_of(connection, ticket.subscriber)
    if address is None or not leave(connection, address, now=now, source=source, reason=Reason.UNSUBSCRIBED):
        return False
    keep_departure(connection, ticket.mailing, reason if reason in REASONS else "", now)
    if goodbye:
        put(connection, Kind.GOODBYE, ticket.subscriber, now)
    return True
