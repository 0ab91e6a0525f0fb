"""Domains that belong to a group because of where their mail goes: asked of a real name server on this machine."""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from newsletter.actions import pace
from newsletter.actions.groups import learn_groups
from newsletter.limits import ALL, Limit, Limits, Rate
from newsletter.sources.mail_servers import ask_for_mail_servers
from newsletter.store.mail_servers import FRESH_SECONDS
from tests.support.clocks import most_in_any
from tests.support.name_server import BROKEN, NO_MX, SILENT, NameServer
from tests.support.pacing import Round, people, put
from tests.support.sending import NOW, plan
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

HOUSES = {
    "atelier.example.org": "5 smtp.google.com",
    "mairie.example.org": "1 aspmx.l.google.com, 5 alt1.aspmx.l.google.com",
    "firm.example.com": "0 firm-example-com.mail.protection.outlook.com",
    "famille.example.com": "10 smtp-in.orange.fr",
    "own.example.org": "10 mail.own.example.org",
    "hosted.example.org": "1 MX1.mail.ovh.example.net, 5 mx2.mail.ovh.example.net",
}


@pytest.fixture
def database() -> Iterator[Database]:
    with new_store() as database:
        yield database


def learn(database: Database, mailing: Mailing, limits: Limits | None, server: NameServer, now: datetime = NOW) -> int:
    def ask(domains: Sequence[str]) -> Mapping[str, str]:
        return ask_for_mail_servers(domains, [("127.0.0.1", server.port)])

    return learn_groups(database, mailing.id, limits, ask, now)


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_best_mail_server_of_each_domain_is_found_many_at_a_time() -> None:
    many = {f"d{n}.example.org": f"10 mx{n}.example.net" for n in range(300)}
    with NameServer(many) as server:
        began = monotonic()
        found = ask_for_mail_servers(list(many), [("127.0.0.1", server.port)])
    assert found == {f"d{n}.example.org": f"mx{n}.example.net" for n in range(300)}
    assert monotonic() - began < 10


@pytest.mark.parametrize(
    ("said", "server"),
    [
        ("20 b.example.net, 10 A.Example.Net", "a.example.net"),
        (NO_MX, "it.example.org"),
        ("0 .", ""),
        (None, ""),
    ],
)
def test_a_domain_may_have_several_servers_be_its_own_or_take_no_mail(said: str | None, server: str) -> None:
    with NameServer({"it.example.org": said} if said else {}) as names:
        assert ask_for_mail_servers(["it.example.org"], [("127.0.0.1", names.port)]) == {"it.example.org": server}


def test_a_domain_of_which_nobody_says_anything_in_time_is_left_out() -> None:
    mail = {"a.example.org": SILENT, "b.example.org": BROKEN, "c.example.org": "10 mx.example.net"}
    with NameServer(mail) as server:
        began = monotonic()
        found = ask_for_mail_servers([*mail, "no..domain"], [("127.0.0.1", server.port)], each=0.3)
    assert found == {"c.example.org": "mx.example.net"}
    assert monotonic() - began < 5


def test_a_name_server_that_is_silent_is_not_asked_of_a_whole_list() -> None:
    mail = {f"d{n}.example.org": SILENT for n in range(500)}
    with NameServer(mail) as server:
        assert ask_for_mail_servers(list(mail), [("127.0.0.1", server.port)], each=0.2, altogether=5) == {}
    assert len(set(server.asked)) < 100


# ── what is kept, and what is not asked ────────────────────────────────────────────────────────────────────────────


def test_nothing_is_asked_without_a_limit_that_depends_on_it(database: Database) -> None:
    put(database, *people(3, "atelier.example.org"))
    mailing = plan(database)
    with NameServer(HOUSES) as server:
        for limits in (None, Limits(daily=5), Limits(groups={"club": Limit(domains=("example.com",), daily=1)})):
            assert learn(database, mailing, limits, server) == 0
    assert server.asked == []


def test_each_domain_is_asked_once_a_week_and_those_that_are_known_never(database: Database) -> None:
    put(database, *people(2, "atelier.example.org"), *people(2, "gmail.com"), *people(2, "orange.fr"))
    put(database, *people(1, "gone.example.org"), *people(1, "club.example.org"))
    mailing = plan(database)
    limits = Limits(groups={"google": Limit(in_flight=2), "club": Limit(domains=("club.example.org",), daily=1)})
    with NameServer(HOUSES) as server:
        assert learn(database, mailing, limits, server) == 2
        assert sorted(server.asked) == ["atelier.example.org", "gone.example.org"]
        assert learn(database, mailing, limits, server) == 0
        later = NOW.fromtimestamp(NOW.timestamp() + FRESH_SECONDS + 1, NOW.tzinfo)
        assert learn(database, mailing, limits, server, later) == 2


def test_what_could_not_be_learned_is_asked_again_the_next_time(database: Database) -> None:
    put(database, *people(1, "atelier.example.org"))
    mailing = plan(database)
    limits = Limits(groups={"google": Limit(in_flight=2)})
    with NameServer({"atelier.example.org": BROKEN}) as server:
        assert learn(database, mailing, limits, server) == 0
    with NameServer(HOUSES) as server:
        assert learn(database, mailing, limits, server) == 1


# ── what follows ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_company_whose_mail_google_keeps_pays_the_limit_for_google(database: Database) -> None:
    put(database, *people(10, "gmail.com"), *people(10, "atelier.example.org"), *people(10, "mairie.example.org"))
    put(database, *people(40, "own.example.org"), *people(10, "firm.example.com"))
    mailing, post = plan(database), Round(database)
    limits = Limits(groups={"google": Limit(rate=Rate(5, 1)), "microsoft": Limit(rate=Rate(2, 1))})
    with NameServer(HOUSES) as server:
        learn(database, mailing, limits, server)
    assert post.send(mailing, limits).accepted == 80
    assert max(Counter(post.sent).values()) == 1
    google = sorted(
        [*post.moments("@gmail.com"), *post.moments("@atelier.example.org"), *post.moments("@mairie.example.org")]
    )
    assert most_in_any(1.0, google) <= 6
    assert most_in_any(1.0, post.moments("@firm.example.com")) <= 3
    assert post.moments("@own.example.org")[-1] - post.let_go[0][0] < 2, "nobody else waits"


def test_a_group_of_ones_own_may_be_known_by_its_mail_servers(database: Database) -> None:
    put(database, *people(6, "hosted.example.org"), *people(6, "own.example.org"))
    mailing, post = plan(database), Round(database)
    limits = Limits(groups={"ovh": Limit(rate=Rate(1, 1), mx=(".mail.ovh.example.net",))}, rates={ALL: Rate(100, 1)})
    with NameServer(HOUSES) as server:
        learn(database, mailing, limits, server)
    assert post.send(mailing, limits).accepted == 12
    assert most_in_any(1.0, post.moments("@hosted.example.org")) <= 2
    assert post.moments("@own.example.org")[-1] - post.let_go[0][0] < 2


def test_what_a_group_names_goes_before_what_the_dns_says(database: Database) -> None:
    put(database, *people(4, "atelier.example.org"))
    mailing = plan(database)
    with NameServer(HOUSES) as server:
        learn(database, mailing, Limits(groups={"google": Limit(rate=Rate(1, 3600))}), server)
        limits = Limits(
            groups={"google": Limit(rate=Rate(1, 3600)), "club": Limit(daily=100, domains=("atelier.example.org",))}
        )
        learn(database, mailing, limits, server)
    post = Round(database)
    assert post.send(mailing, limits).accepted == 4
    assert post.let_go[-1][0] - post.let_go[0][0] < 2


def test_without_an_answer_a_domain_goes_by_its_name(database: Database) -> None:
    put(database, *people(5, "atelier.example.org"), *people(5, "gmail.com"))
    mailing, post = plan(database), Round(database)
    limits = Limits(groups={"google": Limit(rate=Rate(1, 1))})
    with NameServer({"atelier.example.org": BROKEN}) as server:
        learn(database, mailing, limits, server)
    assert post.send(mailing, limits).accepted == 10
    assert post.moments("@atelier.example.org")[-1] - post.let_go[0][0] < 2
    assert most_in_any(1.0, post.moments("@gmail.com")) <= 2


def test_a_group_of_more_domains_than_can_be_named_is_limited_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_NAMED", 1)
    test_a_company_whose_mail_google_keeps_pays_the_limit_for_google(database)
