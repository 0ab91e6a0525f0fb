"""A server that has too many connections of ours, and says so, gets fewer of them."""

from __future__ import annotations

import pytest

from newsletter.outcome import Accepted
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.letters import letters, no_offer, outcomes
from tests.support.sink import Sink

CONNECTIONS = 10
REFUSALS = 5


def connections_used(reply: str) -> int:
    """How many connections it takes to send 300 messages past a server that refuses the first with this reply."""
    left = REFUSALS

    def refuse(verb: str, _argument: str) -> str | None:
        nonlocal left
        if verb != "MAIL" or left <= 0:
            return None
        left -= 1
        return reply

    with Sink(refuse) as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), CONNECTIONS, reconnect_after=(0.0,) * 9)
        told = outcomes(transport.deliver(iter(letters(300)), no_offer))
    assert len(told) == len(sink.accepted) == 300
    assert all(isinstance(outcome, Accepted) for outcome in told.values())
    return sink.connections


@pytest.mark.parametrize(
    "reply",
    [
        "421 4.7.0 Too many concurrent SMTP connections from you",
        "421 4.3.2 Connection rate limit exceeded",
        "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. OFR004_104",
    ],
)
def test_a_server_that_has_too_many_connections_gets_one_fewer_each_time(reply: str) -> None:
    assert connections_used(reply) <= REFUSALS + 2


def test_a_connection_that_has_had_its_share_of_messages_is_replaced() -> None:
    assert connections_used("421 4.7.0 Too many messages on this one, begin another") > REFUSALS + 2
