"""The power goes in the middle of a send: what was written since the last claim may be gone. Nobody gets it twice.
Or it goes once somebody was told to be off the list: that stays.

A file alone: a server writes each commit through, and test_workers_apart.py lets one crash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import newsletter.actions.send as sending
from newsletter.actions.send import send
from newsletter.delivery import State
from newsletter.store import ledger
from newsletter.store.database import open_database
from newsletter.store.mailings import undelivered
from newsletter.store.subscribers import Subscribers
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_session import Server
from tests.support.disk import keep, keeping
from tests.support.leaving import DOORS, ZOE
from tests.support.sending import clock, fill_list, plan, post_for
from tests.support.served import Served
from tests.support.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.subscriber import Subscriber

READERS = 400
CONNECTIONS = 4


@dataclass
class Disk:
    """What has certainly reached the disk: the files as they were after the last claim, which is written through."""

    here: Path
    kept: Path
    last_claim: int = 0
    claims: list[int] = field(default_factory=list)

    def claim(self, *arguments: Any) -> list[Subscriber]:
        chunk = claim(*arguments)
        keep(self.here, self.kept)
        self.claims.append(len(chunk))
        return chunk


claim = ledger.claim


@pytest.mark.parametrize("moment", [1, 19, 21, 60, 139, 200, 399])
def test_after_a_power_cut_nobody_is_lost_or_doubled_and_what_was_claimed_last_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    here, kept = tmp_path / "here", tmp_path / "kept"
    here.mkdir()
    kept.mkdir()
    disk = Disk(here, kept)
    monkeypatch.setattr(sending, "claim", disk.claim)
    with Sink() as sink:
        transport = SmtpTransport(Server("127.0.0.1", sink.port), CONNECTIONS)
        with open_database(f"sqlite:///{here}/newsletter.db") as database:
            fill_list(database, READERS)
            mailing = plan(database)
            post = post_for(database, mailing)
            send(database, mailing, post, transport, clock, stop=lambda: len(sink.accepted) >= moment)
        before = set(sink.accepted)
        assert len(before) >= moment
        claimed = [number for number in disk.claims if number]
        monkeypatch.setattr(sending, "claim", claim)
        with open_database(f"sqlite:///{kept}/newsletter.db") as database:
            with database.transaction() as connection:  # the machine was started anew
                connection.execute("UPDATE workers SET boot = 'another start', lease_until = 1")
            counts = send(database, mailing, post, transport, clock)
            doubtful = {who.email for who in undelivered(database, mailing.id) if who.state is State.UNCERTAIN}
    everybody = {f"reader{n}@example.org" for n in range(READERS)}
    assert not sink.duplicates
    assert counts.accepted + counts.uncertain == READERS
    assert everybody - set(sink.accepted) <= doubtful
    # And those of the claim before that a connection had in hand: answered, offered, and begun.
    assert counts.uncertain <= claimed[-1] + 3 * CONNECTIONS + 1


@pytest.mark.parametrize("door", DOORS)
def test_whoever_was_told_to_be_off_the_list_is_off_it_after_a_power_cut(
    tmp_path: Path, door: Callable[[Served], None]
) -> None:
    here, kept = tmp_path / "here", tmp_path / "kept"
    here.mkdir()
    kept.mkdir()
    with Served(here) as served:
        served.reader(ZOE)
        with keeping(here, kept):
            door(served)
        with open_database(f"sqlite:///{kept}/newsletter.db") as database:
            assert Subscribers(database).suppression(ZOE)
