"""The keys that links are signed with, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from newsletter.errors import StoreError
from newsletter.links import Purpose, Signer, Ticket
from newsletter.store.database import open_database
from newsletter.store.keys import MOST, add_key, load_keys

if TYPE_CHECKING:
    from tests.support.author import Author

TICKET = Ticket(Purpose.UNSUBSCRIBE, 7, 3)


def test_a_new_key_signs_and_the_old_ones_still_open_their_links(author: Author) -> None:
    with author.database() as database:
        old = Signer(load_keys(database)).token(TICKET)
    assert author.run("keys", "rotate", "--yes", "--json").report == {"number": 2, "keys": 2}
    with author.database() as database:
        signer = Signer(load_keys(database))
    assert signer.read(old, Purpose.UNSUBSCRIBE) == TICKET
    assert signer.token(TICKET) != old
    listed = author.run("keys", "list", "--json").report
    assert [key["number"] for key in listed] == [1, 2]
    assert author.run("keys", "list").out.splitlines()[-1].endswith("signs")


def test_nothing_is_changed_without_a_yes_or_with_dry_run(author: Author) -> None:
    assert "Nothing was changed: 1 key." in author.run("keys", "rotate", "--dry-run").out
    assert author.run("keys", "rotate").code == 2  # nobody is there to answer
    assert len(author.run("keys", "list", "--json").report) == 1


def test_a_secret_is_never_shown(author: Author) -> None:
    author.run("keys", "rotate", "--yes")
    with author.database() as database:
        secrets = [secret.hex() for secret in load_keys(database).values()]
    told = author.run("keys", "list", "--verbose").out + author.run("keys", "list", "--json").out
    assert not [secret for secret in secrets if secret in told]


def test_there_are_no_more_keys_than_a_link_can_name() -> None:
    with open_database("sqlite://") as database:
        load_keys(database)
        with database.transaction() as connection:
            connection.execute("INSERT INTO keys (number, secret) VALUES (?, x'00')", (MOST,))
        with pytest.raises(StoreError, match="no more"):
            add_key(database)
