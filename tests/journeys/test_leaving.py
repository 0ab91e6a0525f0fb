"""Somebody leaves while an issue is being sent: by the pages, from another process, and at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests

from newsletter.links import Links, Signer
from newsletter.store.keys import load_keys
from newsletter.store.subscribers import Subscribers
from tests.support.author import HELLO, readers_of

if TYPE_CHECKING:
    from tests.support.author import Author

READERS = 300
RATE = 100  # a second: the last ones would be written to after three


def test_who_leaves_during_a_send_gets_nothing_more_of_it(author: Author) -> None:
    author.issue("Hello.\n")
    author.readers(READERS)
    with author.database() as database:
        signer = Signer(load_keys(database))
        everybody = [person for person, _ in Subscribers(database).iterate()]
    leaving = everybody[-3:]
    with author.inbox() as inbox:
        author.settings("connections = 4", f'connections = 4\nrate = "{RATE}/s"')
        with author.start("serve", "--port", "0", "--no-inbox") as server:
            assert server.stdout
            found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert found, server.communicate()
            with author.start("publish", HELLO, "--yes") as sender:
                inbox.wait(1, timeout=60)
                for person in leaving:
                    link = Links(signer, found[0], HELLO, person.id, 1).unsubscribe
                    answer = requests.post(link, {"List-Unsubscribe": "One-Click"}, timeout=10)
                    assert answer.status_code == 200
                before = len(inbox.messages())
                told, problems = sender.communicate(timeout=60)
            server.terminate()
            server.communicate(timeout=20)
        assert sender.returncode == 0, problems
        assert before < READERS - 10, "too late: this machine was too busy for the test to say anything"
        got = readers_of(inbox)
    assert got == sorted({person.email for person in everybody} - {person.email for person in leaving})
    assert f"{len(leaving)}  skipped" in told
