"""Joining: the form, the confirmation from the mailbox, and what nobody can find out or set off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.forget import forget
from newsletter.consent import How
from newsletter.store.consents import of as consents_of
from newsletter.subscriber import Status
from newsletter.suppression import Reason
from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ZOE = {"email": "Zoe@Example.ORG"}
WELCOME = "2026-01-welcome"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, 'fields = ["first_name", "city"]') as served:
        yield served


@pytest.fixture
def mailing(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, mail=True) as served:
        yield served


def confirm_path(served: Served, number: int = 1) -> str:
    [path] = [path for path in served.links(served.mailed(number)) if path.startswith("/confirm/")]
    return path


def test_who_asks_and_confirms_is_a_reader_and_the_proof_is_kept(mailing: Served) -> None:
    answer = mailing.post("/subscribe", {**ZOE, "language": "fr"})
    assert answer.status_code == 200
    assert "Regardez dans votre boîte aux lettres" in answer.text
    message = mailing.mailed(1)
    assert message.recipients == ("Zoe@example.org",)
    assert message.parsed["Auto-Submitted"] == "auto-generated"
    assert message.parsed["Subject"] == "Confirmez votre abonnement à The Letter & Co"
    assert mailing.status() is Status.PENDING

    path = confirm_path(mailing)
    assert "Oui, je m’abonne" in mailing.get(path).text
    assert mailing.status() is Status.PENDING
    mailing.clock.pass_by(hours=1)
    assert "Votre abonnement est confirmé." in mailing.post(path).text
    assert mailing.status() is Status.ACTIVE
    person = mailing.people.get("zoe@example.org")
    assert person is not None
    assert (person.language, person.source) == ("fr", "form")
    wish, proof = consents_of(mailing.database, person.id)
    assert (wish.how, wish.confirmed_at, wish.is_proof) == (How.DOUBLE_OPT_IN, None, False)
    assert proof.is_proof
    assert proof.confirmed_at == mailing.clock.moment
    assert proof.words.startswith("Je souhaite recevoir The Letter & Co")
    assert (proof.page, proof.language, proof.network) == ("https://letter.example.org/subscribe", "fr", "")


def test_the_mail_carries_no_word_that_the_visitor_typed(tmp_path: Path) -> None:
    typed = {"first_name": "BUY-PILLS", "city": "http://spam.example.com", "language": "en", "page": "EVIL-PAGE"}
    headers = {"Referer": "https://evil.example.com/WORD", "User-Agent": "EVIL-AGENT", "Host": "evil.example.com"}
    with Served(tmp_path, 'fields = ["first_name", "city"]', mail=True) as served:
        served.post("/subscribe", {**ZOE, **typed}, headers=headers)
        raw = served.mailed(1).parsed.as_string().casefold()
    assert not [word for word in ("buy-pills", "spam.example", "evil") if word in raw]


def test_the_answer_is_the_same_whoever_the_address_belongs_to(served: Served) -> None:
    served.reader("reader@example.org")
    served.reader("waiting@example.org", status=Status.PENDING)
    served.reader("gone@example.org")
    served.people.unsubscribe("gone@example.org", now=served.parts.now, source="test")
    served.people.unsubscribe("blocked@example.org", now=served.parts.now, source="test", reason=Reason.MANUAL)
    who = ("reader", "waiting", "gone", "blocked", "new")
    answers = {name: served.post("/subscribe", {"email": f"{name}@example.org"}) for name in who}
    assert len({(answer.status_code, answer.text) for answer in answers.values()}) == 1
    # The same work, too: one row each, and the list was not looked at.
    assert [row[1:3] for row in served.rows("notices")] == [("asked", 0)] * 5
    assert served.people.get("new@example.org") is None


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ("new", "confirm"),
        ("pending", "confirm"),
        ("unsubscribed", "confirm"),
        ("complained", "confirm"),
        ("bounced", "confirm"),
        ("active", "already"),
        ("manual", None),
    ],
)
def test_what_is_sent_follows_from_what_the_list_knows(served: Served, before: str, kind: str | None) -> None:
    if before == "pending":
        served.reader(status=Status.PENDING)
    elif before != "new":
        served.reader(first_name="Zoé")
    if before in Reason._value2member_map_:
        served.people.unsubscribe("zoe@example.org", now=served.parts.now, source="test", reason=Reason(before))
    served.post("/subscribe", {**ZOE, "first_name": "Mallory"})
    entry = served.people.get("zoe@example.org")
    served.work_without_sending()
    assert [row[1] for row in served.rows("notices")] == ([kind] if kind else [])
    if entry is not None:  # nobody can change anything of somebody else's by asking
        assert served.people.get("zoe@example.org") == entry


def test_who_left_comes_back_by_confirming_and_nobody_else_can_bring_them_back(mailing: Served) -> None:
    mailing.reader(first_name="Zoé")
    mailing.people.unsubscribe("zoe@example.org", now=mailing.parts.now, source="test")
    mailing.post("/subscribe", ZOE)
    path = confirm_path(mailing)
    assert mailing.status() is Status.UNSUBSCRIBED
    mailing.post(path)
    assert mailing.status() is Status.ACTIVE
    assert mailing.people.suppression("zoe@example.org") is None


def test_an_address_gets_one_confirmation_a_day_and_three_a_week_whoever_asks(served: Served) -> None:
    for hours in (0, 1, 23, 2, 25, 25, 25, 25):
        served.clock.pass_by(hours=hours)
        served.post("/subscribe", ZOE)
        served.work_without_sending()
    assert [row[1] for row in served.rows("notices")] == ["confirm"] * 3
    served.clock.pass_by(days=7)
    served.post("/subscribe", ZOE)
    served.work_without_sending()
    assert len(served.rows("notices")) == 4


def test_a_link_confirms_once_and_for_three_days(mailing: Served) -> None:
    mailing.post("/subscribe", ZOE)
    path = confirm_path(mailing)
    assert mailing.post(path).status_code == 200
    assert mailing.post(path).status_code == 200  # pressed twice: said twice, done once
    person = mailing.people.get("zoe@example.org")
    assert person is not None
    assert len(consents_of(mailing.database, person.id)) == 2
    mailing.people.unsubscribe("zoe@example.org", now=mailing.parts.now, source="test")
    assert mailing.post(path).status_code == 410
    assert mailing.status() is Status.UNSUBSCRIBED
    mailing.clock.pass_by(hours=73)
    assert mailing.get(path).status_code == 410


def test_a_link_that_was_not_used_brings_nobody_back_who_has_left_since(mailing: Served) -> None:
    mailing.post("/subscribe", ZOE)
    first = mailing.links(mailing.mailed(1))[0]
    mailing.clock.pass_by(hours=25)
    mailing.post("/subscribe", ZOE)
    second = mailing.links(mailing.mailed(2))[0]
    assert mailing.post(second).status_code == 200
    mailing.clock.pass_by(hours=1)
    mailing.people.unsubscribe("zoe@example.org", now=mailing.parts.now, source="page")
    assert mailing.post(first).status_code == 410
    assert mailing.status() is Status.UNSUBSCRIBED


def test_a_link_of_somebody_who_was_forgotten_since_leads_nowhere(mailing: Served) -> None:
    mailing.post("/subscribe", ZOE)
    path = confirm_path(mailing)
    assert forget(mailing.database, ["zoe@example.org"], now=mailing.parts.now).people == 1
    before = mailing.snapshot()
    assert mailing.get(path).status_code == 410
    assert mailing.post(path).status_code == 410
    assert mailing.status() is None
    assert [line for line in mailing.snapshot() if "used_tokens" not in line] == [
        line for line in before if "used_tokens" not in line
    ]


def test_a_confirmation_too_late_changes_nothing(mailing: Served) -> None:
    mailing.post("/subscribe", ZOE)
    path = confirm_path(mailing)
    mailing.clock.pass_by(hours=72, seconds=1)
    before = mailing.snapshot()
    assert mailing.post(path).status_code == 410
    assert mailing.snapshot() == before


def test_scanners_that_follow_the_link_confirm_nothing(mailing: Served) -> None:
    mailing.post("/subscribe", ZOE)
    path = confirm_path(mailing)
    before = mailing.snapshot()
    for _ in range(100):
        assert mailing.get(path).status_code == 200
        assert mailing.ask("HEAD", path).status_code == 200
    assert mailing.snapshot() == before


def test_forged_confirmations_are_refused(mailing: Served) -> None:
    mailing.post("/subscribe", ZOE)
    token = confirm_path(mailing).rpartition("/")[2]
    before = mailing.snapshot()
    for at in range(len(token)):
        # Not B for A: the last sign holds four bits of the signature, and two of nothing.
        forged = f"{token[:at]}{'A' if token[at] != 'A' else 'Q'}{token[at + 1 :]}"
        assert mailing.post(f"/confirm/{forged}").status_code == 410
    link = mailing.path("unsubscribe", mailing.reader("other@example.org")).rpartition("/")[2]
    after = mailing.snapshot()
    assert mailing.post(f"/confirm/{link}").status_code == 410
    assert mailing.snapshot() == after
    assert before != after


def test_programs_that_fill_in_every_field_get_the_same_answer_and_nothing_happens(served: Served) -> None:
    person, program = served.post("/subscribe", ZOE), served.post("/subscribe", {**ZOE, "website": "https://spam"})
    assert (program.status_code, program.text) == (person.status_code, person.text)
    assert len(served.rows("notices")) == 1


@pytest.mark.parametrize("address", ["", "zoe", "zoe@", "zoe@localhost", "a b@example.org", "zoe@example.org\r\nBcc: x@y.org", "x" * 400 + "@example.org", "zoe@exa\x00mple.org", "\ud800@example.org"])  # fmt: skip  # noqa: E501
def test_what_is_no_address_is_said_beside_the_field(served: Served, address: str) -> None:
    answer = served.post("/subscribe", {"email": address.encode("utf-8", "surrogatepass"), "first_name": '"><b>Zoé'})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "<b>" not in answer.text
    assert served.rows("notices") == []


def test_all_together_may_ask_so_often_of_all_processes_that_serve_the_pages(tmp_path: Path) -> None:
    with Served(tmp_path, "per_hour = 3") as one, Served(tmp_path, "per_hour = 3", beside=one) as other:
        assert [served.post("/subscribe", ZOE).status_code for served in (one, other, one)] == [200, 200, 200]
        assert [served.post("/subscribe", ZOE).status_code for served in (other, one)] == [429, 429]
        other.clock.pass_by(hours=1)
        assert other.post("/subscribe", ZOE).status_code == 200


def test_one_network_may_ask_so_often_in_an_hour_and_all_together_so_often(tmp_path: Path) -> None:
    with Served(tmp_path, 'per_network = 3\nper_hour = 5\nproxies = ["127.0.0.1"]') as served:

        def ask(source: str) -> int:
            return served.post("/subscribe", ZOE, headers={"X-Forwarded-For": source}).status_code

        assert [ask("203.0.113.7"), ask("203.0.113.8"), ask("203.0.113.9"), ask("203.0.113.7")] == [200, 200, 200, 429]
        assert [ask("2001:db8:0:100::1"), ask("2001:db8:0:1ff::2"), ask("198.51.100.1")] == [200, 200, 429]
        served.clock.pass_by(hours=1)
        assert ask("203.0.113.7") == 200


def test_without_confirmation_who_is_new_is_a_reader_at_once_and_who_left_is_not(tmp_path: Path) -> None:
    with Served(tmp_path, "confirm = false") as served:
        served.reader("gone@example.org")
        served.people.unsubscribe("gone@example.org", now=served.parts.now, source="test")
        for email in ("zoe@example.org", "gone@example.org"):
            served.post("/subscribe", {"email": email})
        served.work_without_sending()
        assert (served.status(), served.status("gone@example.org")) == (Status.ACTIVE, Status.UNSUBSCRIBED)
        person = served.people.get("zoe@example.org")
        assert person is not None
        assert [each.how for each in consents_of(served.database, person.id)] == [How.SINGLE]


def test_who_has_confirmed_gets_the_welcome_issue_once_and_can_leave_by_it(tmp_path: Path) -> None:
    (tmp_path / "issues").mkdir()
    text = "---\ntitle: Welcome aboard\n---\nHello {{ subscriber.first_name | default('there') }}.\n"
    (tmp_path / "issues" / f"{WELCOME}.md").write_text(text, encoding="utf-8")
    with Served(tmp_path, f'welcome = "{WELCOME}"\ngoodbye = true', mail=True) as served:
        served.post("/subscribe", ZOE)
        path = confirm_path(served)
        served.post(path)
        served.post(path)
        message = served.mailed(2)
        assert message.parsed["Subject"] == "Welcome aboard"
        assert "Auto-Submitted" not in message.parsed
        link = re.search(r"https://letter\.example\.org(/unsubscribe/[\w-]+)", message.parsed["List-Unsubscribe"])
        assert link
        served.post(link[1], {"List-Unsubscribe": "One-Click"})
        assert served.status() is Status.UNSUBSCRIBED
        assert served.mailed(3).parsed["Subject"] == "You are unsubscribed from The Letter & Co"


def test_a_field_that_is_not_configured_is_not_taken(served: Served) -> None:
    served.post("/subscribe", {**ZOE, "first_name": "Zoé", "city": "Nantes", "vip": "yes", "status": "active"})
    served.work_without_sending()
    person = served.people.get("zoe@example.org")
    assert person is not None
    assert (person.first_name, dict(person.fields), person.tags) == ("Zoé", {"city": "Nantes"}, ())
    assert person.status is Status.PENDING


def test_only_the_form_for_frames_may_stand_in_one(served: Served) -> None:
    framed = served.get("/embed").headers
    assert "frame-ancestors *" in framed["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed
    assert "frame-ancestors *" in served.post("/embed", ZOE).headers["Content-Security-Policy"]
    for path in ("/", "/subscribe", "/embed/code", "/nowhere"):
        headers = served.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"


def test_the_form_to_copy_leads_here_and_is_escaped(served: Served) -> None:
    page = served.get("/embed/code").text
    assert "&lt;form method=&#34;post&#34; action=&#34;https://letter.example.org/subscribe&#34;&gt;" in page
    assert "&lt;iframe src=&#34;https://letter.example.org/embed?lang=en&#34;" in page
