"""Test: one copy of an issue, marked as a test, to any address. The ledger does not know of it."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from newsletter.actions.send import Post
    from newsletter.outcome import Outcome
    from newsletter.subscriber import Subscriber
    from newsletter.transports import Transport


def send_test(post: Post, transport: Transport, recipients: Sequence[Subscriber], now: datetime) -> list[Outcome]:
    """Send each of them a copy; what became of each, in their order.

    Raises what the transport raises, and IssueError when the issue prints something that is not known of a recipient.
    """
    messages = [
        # Every copy is a message of its own: a mailbox hides a second one of the same Message-ID.
        post.message_for(recipient, now, message_id=f"<test.{token_hex(8)}@{post.domain}>")
        for recipient in recipients
    ]
    outcomes: dict[str, Outcome] = {}
    for results in transport.deliver(iter(messages), lambda _: None):
        outcomes.update({message.message_id: outcome for message, outcome in results if outcome is not None})
    return [outcomes[message.message_id] for message in messages]
