"""newsletter doctor's judgement of a sender's domain, server and pages: asked of real servers on this machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.examine import Signing, examine_domain, examine_pages, examine_settings, examine_way_out
from newsletter.config import parse_config
from newsletter.diagnosis import Diagnosis, Health
from newsletter.inbox import Inbox, Manners
from newsletter.sources.dns_records import Dns
from newsletter.sources.next_hop import Trial, try_out
from newsletter.wiring import posting
from tests.support.api import Api, Reply
from tests.support.zone import SILENT, Zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CONFIG = parse_config(
    """
[newsletter]
title = "The letter"
base_url = "https://letter.example.org"
postal_address = "12 Lilac Street"
[sender]
email = "camille@letter.example.org"
bounces = "bounces@return.letter.example.org"
[transport]
use = "relay"
[transports.relay]
kind = "smtp"
host = "127.0.0.1"
security = "none"
""",
    "newsletter.toml",
)
P = "MCowBQYDK2VwAyEA"
KEY = Signing("mail._domainkey.letter.example.org", "letter.example.org", f"v=DKIM1; k=ed25519; p={P}")
ADDRESS = "198.51.100.7"
GOOD: Mapping[str, Sequence[str]] = {
    "return.letter.example.org TXT": ['"v=spf1 include:spf.relay.example ip4:198.51.100.0/24 ~all"', '"other=1"'],
    "spf.relay.example TXT": ['"v=spf1 ip4:203.0.113.0/24 -all"'],
    "mail._domainkey.letter.example.org TXT": [f'"v=DKIM1; k=ed25519; " "p={P}"'],
    "_dmarc.letter.example.org TXT": ['"v=DMARC1; p=none; rua=mailto:d@letter.example.org"'],
    "letter.example.org MX": ["10 mx.letter.example.org."],
    "7.100.51.198.in-addr.arpa PTR": ["out.letter.example.org."],
    "out.letter.example.org A": [ADDRESS],
    "out.letter.example.org AAAA": [],
    "default._bimi.letter.example.org TXT": ['"v=BIMI1; l=https://letter.example.org/logo.svg"'],
}


def examined(records: Mapping[str, Sequence[str]]) -> dict[str, Diagnosis]:
    with Zone(records) as zone:
        found = [*examine_domain(CONFIG, Dns(zone.servers, seconds=0.5), [KEY], ADDRESS)]
    return {each.about: each for each in found}


def test_a_domain_that_does_everything_right_hears_nothing_but_good() -> None:
    found = examined(GOOD)
    assert {about: each.health for about, each in found.items()} == dict.fromkeys(
        ("SPF", "DKIM", "DMARC", "Alignment", "MX", "PTR", "BIMI"), Health.GOOD
    )
    assert "(1 lookup)" in found["SPF"].message


# What is changed in the good domain, what the doctor then says about what, and how bad it is.
WRONG: list[tuple[dict[str, Sequence[str]], str, Health, str]] = [
    ({"return.letter.example.org TXT": []}, "SPF", Health.BAD, "says of no server"),
    (
        {"return.letter.example.org TXT": ['"v=spf1 a ~all"', '"v=spf1 mx ~all"']},
        "SPF",
        Health.BAD,
        "has 2 SPF records",
    ),
    ({"return.letter.example.org TXT": ['"v=spf1 +all"']}, "SPF", Health.BAD, "every server of the world"),
    ({"spf.relay.example TXT": []}, "SPF", Health.BAD, "includes spf.relay.example, which has no SPF record"),
    ({"return.letter.example.org TXT": ['"v=spf1 ip4:192.0.2.1 ~all"']}, "SPF", Health.ADVICE, f"not name {ADDRESS}"),
    ({"return.letter.example.org TXT": SILENT}, "SPF", Health.UNKNOWN, "nobody answers"),
    (
        {"return.letter.example.org TXT": [f'"v=spf1 {" ".join(f"a:h{n}.example.org" for n in range(11))} ~all"']},
        "SPF",
        Health.BAD,
        "needs 11 lookups",
    ),
    ({"mail._domainkey.letter.example.org TXT": []}, "DKIM", Health.BAD, "there is no key"),
    ({"mail._domainkey.letter.example.org TXT": ['"v=DKIM1; p="']}, "DKIM", Health.BAD, "was revoked"),
    ({"mail._domainkey.letter.example.org TXT": ['"v=DKIM1; k=rsa; p=AAAA"']}, "DKIM", Health.BAD, "not the one"),
    ({"_dmarc.letter.example.org TXT": []}, "DMARC", Health.BAD, "no DMARC record"),
    (
        {"_dmarc.letter.example.org TXT": ['"v=DMARC1; p=none; pct=50; rua=mailto:d@e.example"']},
        "DMARC",
        Health.ADVICE,
        "pct",
    ),
    ({"_dmarc.letter.example.org TXT": ['"v=DMARC1; p=reject"']}, "DMARC", Health.ADVICE, "nobody gets the reports"),
    ({"_dmarc.letter.example.org TXT": ['"v=DMARC1; p=maybe"']}, "DMARC", Health.BAD, "p=maybe"),
    ({"letter.example.org MX": ["0 ."]}, "MX", Health.BAD, "takes no mail"),
    ({"7.100.51.198.in-addr.arpa PTR": []}, "PTR", Health.BAD, "has no name"),
    ({"out.letter.example.org A": ["198.51.100.8"]}, "PTR", Health.BAD, "leads elsewhere"),
    ({"default._bimi.letter.example.org TXT": ['"v=BIMI1; l="']}, "BIMI", Health.ADVICE, "no logo over https"),
]


@pytest.mark.parametrize(("change", "about", "health", "said"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_told_and_how_bad_it_is(
    change: dict[str, Sequence[str]], about: str, health: Health, said: str
) -> None:
    found = examined({**GOOD, **change})[about]
    assert (found.health, said in found.message) == (health, True), found
    if health is Health.BAD:
        assert found.fix or found.publish


def test_the_policy_of_the_domain_above_counts_for_its_names() -> None:
    records = {name: texts for name, texts in GOOD.items() if not name.startswith("_dmarc")}
    found = examined({**records, "_dmarc.example.org TXT": ['"v=DMARC1; p=reject; sp=none; rua=mailto:d@example.org"']})
    assert found["DMARC"].message == "p=none at _dmarc.example.org"
    assert found["Alignment"].health is Health.GOOD


def test_domains_that_do_not_belong_together_are_told() -> None:
    config = replace(CONFIG, sender=replace(CONFIG.sender, bounces="b@elsewhere.example"))
    key = Signing("s._domainkey.relay.example", "relay.example", KEY.record)
    with Zone(GOOD) as zone:
        found = {each.about: each for each in examine_domain(config, Dns(zone.servers), [key], "")}
    assert found["Alignment"].health is Health.BAD
    assert "elsewhere.example" in found["Alignment"].message


def test_a_server_that_lets_us_in_and_one_that_does_not(tmp_path: Path) -> None:
    settings = CONFIG.chosen_transport("relay")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with Inbox(tmp_path, http_port=None) as inbox:
        (good, *_) = examine_way_out(
            "relay", try_out(replace(settings, port=inbox.smtp_port), "", "a@example.org"), now
        )
    assert good.health is Health.GOOD
    assert "PIPELINING" in good.message or "SIZE" in good.message
    (gone,) = examine_way_out("relay", try_out(replace(settings, port=inbox.smtp_port), "", "a@example.org"), now)
    assert gone.health is Health.BAD
    assert "(connect)" in gone.message


def test_a_wrong_password_is_told_and_never_shown(tmp_path: Path) -> None:
    settings = CONFIG.chosen_transport("relay")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with Inbox(tmp_path, http_port=None, manners=Manners(login=("ana", "right"))) as inbox:
        tried = try_out(replace(settings, port=inbox.smtp_port, username="ana"), "wr0ng-s3cret", "a@example.org")
    (bad,) = examine_way_out("relay", tried, now)
    assert bad.health is Health.BAD
    assert "(log in)" in bad.message
    assert "wr0ng-s3cret" not in bad.message


def test_a_certificate_that_ends_soon_and_a_line_without_one() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    soon = Trial(encrypted="TLSv1.3", expires=now + timedelta(days=3), extensions=frozenset({"PIPELINING"}))
    assert [each.health for each in examine_way_out("relay", soon, now)] == [Health.GOOD, Health.ADVICE]
    clear = Trial(extensions=frozenset({"PIPELINING"}), address=ADDRESS)
    assert [each.health for each in examine_way_out("relay", clear, now)][-1] is Health.BAD


@pytest.mark.parametrize(("status", "health"), [(200, Health.GOOD), (302, Health.BAD), (404, Health.BAD)])
def test_the_one_click_address_is_asked_as_mail_programs_do(status: int, health: Health) -> None:
    with Api(lambda _: Reply(status, {})) as api:
        (found,) = examine_pages(f"{api.url}/unsubscribe/token", posting())
    assert found.health is health
    assert api.calls[0].body == b"List-Unsubscribe=One-Click"


def test_a_free_mail_address_cannot_be_a_sender() -> None:
    config = replace(CONFIG, sender=replace(CONFIG.sender, email="our.letter@gmail.com"))
    found = {each.about: each for each in examine_settings(config)}
    assert found["Sender"].health is Health.BAD
