"""`newsletter webhooks`: what could not be dealt with is seen, looked into, and dealt with once more."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.store import hooks
from newsletter.store.subscribers import Subscribers
from tests.support.author import HELLO

if TYPE_CHECKING:
    from tests.support.author import Author

READER = "reader0@example.org"


@pytest.fixture
def sent(author: Author) -> Author:
    """A newsletter whose first issue went to two readers, and which could send through a provider."""
    text = author.config.read_text(encoding="utf-8")
    author.config.write_text(f'{text}\n[transports.api]\nkind = "postmark"\nwebhook_secret_env = "NOT_HERE"\n', "utf-8")
    author.issue()
    author.readers(2)
    assert author.run("publish", HELLO, "--yes", "--quiet", "--transport", "outbox").code == 0
    return author


def keep(author: Author, told: Any, state: hooks.State, trouble: str = "", transport: str = "api") -> int:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    with author.database() as database, database.transaction() as connection:
        number, _ = hooks.keep(connection, transport, body, int(time.time()))
        hooks.settle(connection, number, state, 0, trouble)
    return number


def bounce(number: int = 1) -> dict[str, Any]:
    return {"RecordType": "Bounce", "ID": number, "Type": "HardBounce", "Email": READER, "Details": "550 5.1.1 unknown"}


def suppressed(author: Author) -> str:
    with author.database() as database:
        found = Subscribers(database).suppression(READER)
    return found.reason.value if found else ""


def test_without_any_left_it_says_so(sent: Author) -> None:
    assert "Nothing is left over" in sent.run("webhooks").out
    assert json.loads(sent.run("webhooks", "--json").out) == []


def test_what_an_earlier_version_could_not_read_is_dealt_with_once_more(sent: Author) -> None:
    number = keep(sent, bounce(), hooks.State.FAILED, "cannot be read: KeyError")
    listed = sent.run("webhooks")
    assert f"{number}  " in listed.out
    assert "api  cannot be read: KeyError" in listed.out
    assert "--again" in listed.out
    (told,) = json.loads(sent.run("webhooks", "--json").out)
    assert {**told, "received": 0} == {
        "call": number,
        "transport": "api",
        "received": 0,
        "state": "failed",
        "trouble": "cannot be read: KeyError",
        "octets": len(json.dumps(bounce())),
        "events": 0,
    }
    assert suppressed(sent) == ""
    again = sent.run("webhooks", "--again")
    assert (again.code, suppressed(sent)) == (0, "bounced")
    assert "1 suppressed" in again.out
    assert json.loads(sent.run("webhooks", "--json").out) == []


def test_what_still_cannot_be_dealt_with_stays_and_says_why(sent: Author) -> None:
    keep(sent, bounce(), hooks.State.FAILED, "cannot be read: KeyError", transport="gone")
    again = sent.run("webhooks", "--again", "--json")
    assert again.code == 1
    (told,) = json.loads(again.out)
    assert (told["state"], told["trouble"]) == ("failed", "no transport has this name any more")


def test_a_call_is_shown_word_for_word_and_moves_no_cursor(sent: Author) -> None:
    number = keep(sent, '{"RecordType": "Ω\x1b[31m"}\n'.encode(), hooks.State.FAILED)
    assert sent.run("webhooks", "--show", f"{number}").out.strip() == '{"RecordType": "Ω\\x1b[31m"}'
    missing = sent.run("webhooks", "--show", "99")
    assert missing.code == 3
    assert "there is no call 99" in missing.err
    assert sent.run("webhooks", "--show", "1", "--again").code == 2


def test_run_begins_with_what_was_kept_and_no_more(sent: Author) -> None:
    keep(sent, bounce(), hooks.State.WAITING)
    assert "the process that took it died" in sent.run("webhooks").out
    ran = sent.run("run", "--until-done")
    assert (ran.code, suppressed(sent)) == (0, "bounced")
    assert "1 call of webhooks" in ran.err
    assert "calls of webhooks" not in sent.run("run", "--until-done").err
