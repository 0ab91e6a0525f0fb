"""As whom an issue is shown or tested: a subscriber, or somebody of whom just enough is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import ListError, Problem
from newsletter.render.needs import samples
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from newsletter.edition import Edition
    from newsletter.store.database import Database


def recipient_like(database: Database | None, edition: Edition, person: str | None, address: str | None) -> Subscriber:
    """The subscriber `person` (an address), or a sample; written to at `address` if that is given.

    Of a sample, nothing is known but what the issue cannot do without, which stands there as its own name: [city],
    or as a day or a number where one is written.
    With an address that is a subscriber's and no `person`, that subscriber is meant. Its number is 0, so that links
    in the copy concern nobody. Raises ListError for an unknown person and a broken address.
    """
    if address is not None:
        from newsletter.sources.addresses import typed_address

        address = typed_address(address)
    known = None
    if database is not None:
        from newsletter.store.subscribers import Subscribers

        known = Subscribers(database).get(person or address or "")
    if known is None and person is not None:
        raise ListError(
            Problem(f"{person} is not on the list", fix="see newsletter subscribers list, or leave --as away")
        )
    if known is None:
        known = _sample(edition)
    return known._replace(email=address or known.email, id=0)


def _sample(edition: Edition) -> Subscriber:
    wanted = samples(edition)
    return Subscriber(
        email="reader@example.org",
        first_name=wanted.get("first_name", ""),
        last_name=wanted.get("last_name", ""),
        name=wanted.get("name", ""),
        fields={name.removeprefix("fields."): text for name, text in wanted.items() if name.startswith("fields.")},
    )
