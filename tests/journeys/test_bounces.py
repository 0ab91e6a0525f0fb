"""From an issue to a real server's bounce, and back to who is written to next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.store.subscribers import Subscribers
from tests.support.author import HELLO, Author
from tests.support.servers import Mailserver, postfix
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the server further on says of readers whom Postfix has accepted.
FURTHER_ON = {
    "gone-since@example.org": "550 5.1.1 no such user",
    "full@example.org": "552 5.2.2 over quota",
    "strict@example.org": "550 5.7.1 your server is on our block list",
}


def refusing(verb: str, argument: str) -> str | None:
    return next((reply for who, reply in FURTHER_ON.items() if verb == "RCPT" and who in argument), None)


@pytest.fixture
def server() -> Iterator[Mailserver]:
    with Sink(refusing) as sink:
        routes = " ".join(f"{{{who} = smtp:[127.0.0.1]:{sink.port}}}" for who in FURTHER_ON)
        with postfix(f"transport_maps = inline:{{ {routes} }}\n") as server:
            yield server


def test_a_bounce_of_postfix_finds_its_way_back_to_the_reader(author: Author, server: Mailserver) -> None:
    author.settings(
        'email = "camille@letter.example.org"', 'email = "camille@example.org"\nbounces = "bounces@example.org"'
    )
    author.send_to(server.server.port)
    author.issue()
    for email in ("ana@example.org", *FURTHER_ON):
        author.reader(email)
    report = author.run("publish", HELLO, "--yes", "--quiet", "--json").report
    assert (report["accepted"], report["rejected"]) == (4, 0), "the server took all of them"

    server.mail(4)  # one issue, three bounces
    answer = author.run("bounces", str(server.maildir), "--json")
    found = {each["email"]: (each["class"], each["effect"], each["enhanced"]) for each in answer.report["events"]}
    assert found == {
        "gone-since@example.org": ("hard", "suppressed", "5.1.1"),
        "full@example.org": ("soft", "counted", "5.2.2"),
        "strict@example.org": ("block", "counted", "5.7.1"),
    }
    assert (answer.report["messages"], answer.report["left"]) == (4, 1), "the issue itself is no report"
    with author.database() as database:
        suppressed = [person.email for person, reason in Subscribers(database).iterate() if reason]
    assert suppressed == ["gone-since@example.org"]

    author.issue("Again.\n", name="2026-12-again", head='title: "Again"')
    report = author.run("publish", "2026-12-again", "--yes", "--quiet", "--json").report
    assert (report["planned"], report["accepted"]) == (3, 3)
