"""newsletter doctor's judgement of a sender's domain, server and pages: asked of real servers on this machine."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Literal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from newsletter.actions.examine import examine_list, examine_pages, examine_quota, examine_settings, examine_way_out
from newsletter.actions.examine_domain import Signing, examine_domain
from newsletter.checks.dmarc import dmarc, dmarc_names
from newsletter.checks.receivers import RECEIVERS, receivers
from newsletter.config import parse_config
from newsletter.diagnosis import Diagnosis, Health
from newsletter.inbox import Inbox, Manners
from newsletter.limits import Limits, Rate
from newsletter.providers import Quota
from newsletter.sources.dns_records import Dns
from newsletter.sources.next_hop import Trial, try_out
from newsletter.wiring import posting
from tests.support.api import Api, Reply
from tests.support.talker import Talker
from tests.support.zone import SILENT, Zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.talker import Peer

CERTIFICATE = Path(__file__).parents[1] / "doors" / "localhost.pem"
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
    "_dmarc.letter.example.org TXT": ['"v=DMARC1; p=quarantine; rua=mailto:d@letter.example.org"'],
    "letter.example.org MX": ["10 mx.letter.example.org."],
    "7.100.51.198.in-addr.arpa PTR": ["out.letter.example.org."],
    "out.letter.example.org A": [ADDRESS],
    "out.letter.example.org AAAA": [],
    "default._bimi.letter.example.org TXT": ['"v=BIMI1; l=https://letter.example.org/logo.svg"'],
}


def examined(records: Mapping[str, Sequence[str]]) -> dict[str, Diagnosis]:
    seconds = 0.5 if SILENT in records.values() else 10  # a busy machine answers late
    with Zone(records) as zone:
        found = [*examine_domain(CONFIG, Dns(zone.servers, seconds=seconds), [KEY], ADDRESS)]
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
    (
        {"_dmarc.letter.example.org TXT": ['"v=DMARC1; p=none; rf=afrf; ri=86400; rua=mailto:d@e.example"']},
        "DMARC",
        Health.ADVICE,
        "rf and ri, which RFC 9989 does not know",
    ),
    (
        {"_dmarc.letter.example.org TXT": ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']},
        "DMARC",
        Health.BAD,
        "has 2 records",
    ),
    ({"_dmarc.letter.example.org TXT": SILENT}, "DMARC", Health.UNKNOWN, "nobody answers"),
    (
        {"_dmarc.letter.example.org TXT": ['"v=DMARC1; p=reject; aspf=s; adkim=s; rua=mailto:d@e.example"']},
        "Alignment",
        Health.GOOD,
        "the signature belongs",  # the envelope's name is another one, which a strict policy does not take
    ),
    ({"_dmarc.letter.example.org TXT": ['"v=DMARC1; p=none"']}, "BIMI", Health.ADVICE, "shown by nobody"),
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


def test_a_domain_belongs_to_the_highest_name_above_it_that_has_a_policy() -> None:
    above = {"_dmarc.example.org TXT": ['"v=DMARC1; p=reject; rua=mailto:d@example.org"']}
    envelope = {**GOOD, **above}
    config = replace(CONFIG, sender=replace(CONFIG.sender, bounces="b@return.example.org"))
    with Zone(envelope) as zone:
        found = {each.about: each for each in examine_domain(config, Dns(zone.servers), [KEY], "")}
    assert found["DMARC"].message == "p=quarantine at _dmarc.letter.example.org"
    assert found["Alignment"].message == "the envelope and the signature belong to example.org"


@pytest.mark.parametrize(
    ("records", "organisation"),
    [
        ({"letter.example.org": "p=none; psd=n", "example.org": "p=none"}, "letter.example.org"),
        ({"letter.example.org": "p=none", "example.org": "p=none; psd=y"}, "letter.example.org"),
        ({"org": "p=reject; psd=y"}, "example.org"),
    ],
)
def test_who_registers_names_says_so_and_who_stands_alone_does(records: dict[str, str], organisation: str) -> None:
    found = {name: (f"v=DMARC1; {records.get(name.removeprefix('_dmarc.'), '')}",) if name.removeprefix("_dmarc.")
             in records else () for name in dmarc_names("letter.example.org")}  # fmt: skip
    _, whose = dmarc("letter.example.org", found)
    assert whose.organisation == organisation


@pytest.mark.parametrize(("bits", "health"), [(1024, Health.ADVICE), (2048, Health.GOOD)])
def test_the_length_of_a_key_is_told(bits: int, health: Health) -> None:
    public = rsa.generate_private_key(65537, bits).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"
    halves = f'"{record[:200]}" "{record[200:]}"'
    with Zone({**GOOD, KEY.name + " TXT": [halves]}) as zone:
        key = Signing(KEY.name, KEY.domain, record)
        found = {each.about: each for each in examine_domain(CONFIG, Dns(zone.servers), [key], "")}
    assert (found["DKIM"].health, f"{bits} bits" in found["DKIM"].message) == (health, True)


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


def secured() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_line_is_secure_when_its_certificate_is_good_and_is_refused_when_it_is_not(
    tmp_path: Path, security: Literal["starttls", "tls"]
) -> None:
    manners = Manners(tls=secured()) if security == "tls" else Manners(starttls=secured())
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with Inbox(tmp_path, http_port=None, manners=manners) as inbox:
        settings = replace(
            CONFIG.chosen_transport("relay"), host="localhost", port=inbox.smtp_port, security=security,
            ca_file=CERTIFICATE,
        )  # fmt: skip
        good = {each.about: each for each in examine_way_out("relay", try_out(settings, "", "a@example.org"), now)}
        strangers = try_out(replace(settings, ca_file=None), "", "a@example.org")
    assert (good["TLS"].health, "TLSv1.3" in good["TLS"].message) == (Health.GOOD, True)
    (bad,) = examine_way_out("relay", strangers, now)
    assert (bad.health, "its certificate is not valid" in bad.message) == (Health.BAD, True)


def announcing(peer: Peer) -> None:
    peer.greet("SIZE 10485760", "LIMITS MAILMAX=500 RCPTMAX=100 ODD=x")
    for answer in ("250 2.1.0 ok", "250 2.0.0 ok", "221 2.0.0 bye"):
        peer.hear()
        peer.say(answer)


def test_what_a_server_announces_of_its_limits_is_told_beside_those_of_the_settings() -> None:
    with Talker(announcing) as server:
        trial = try_out(replace(CONFIG.chosen_transport("relay"), port=server.port), "", "a@example.org")
    today = date(2026, 11, 21)
    free = examine_quota("relay", trial, None, None, today)
    assert "relay takes messages of up to 10.5 MB; announces MAILMAX 500, RCPTMAX 100" in free.message
    assert (free.health, "[limits]" in free.fix) == (Health.ADVICE, True)
    bound = examine_quota("relay", trial, None, Limits(rates={"*": Rate(50, 1)}, daily=2000), today)
    assert (bound.health, bound.message.endswith("the settings allow 50/s; 2,000 a day")) == (Health.GOOD, True)


def test_a_provider_s_quota_is_told_and_one_that_is_used_up_is_bad() -> None:
    today = date(2026, 11, 21)
    some = examine_quota("mail", None, Quota(14.0, 1200), None, today)
    assert (some.health, some.message) == (Health.GOOD, "mail lets this account send 14 a second, 1,200 more today")
    assert examine_quota("mail", None, Quota(14.0, 0), None, today).health is Health.BAD


def test_each_receiver_is_told_with_what_is_missing_and_what_to_publish() -> None:
    with Zone({**GOOD, "_dmarc.letter.example.org TXT": []}) as zone:
        domain = [*examine_domain(CONFIG, Dns(zone.servers, seconds=10), [KEY], ADDRESS)]
    found = {each.about: each for each in receivers([*examine_settings(CONFIG), *domain])}
    assert [*found] == [*RECEIVERS]
    assert found["Gmail"].health is Health.BAD
    assert "SPF, DKIM, Alignment, PTR met; not DMARC; not seen from here: TLS, One click" in found["Gmail"].message
    assert found["Gmail"].fix.startswith('DMARC: publish _dmarc.letter.example.org. TXT "v=DMARC1; p=none;')


def test_a_receiver_all_of_whose_rules_are_met_is_well() -> None:
    with Zone(GOOD) as zone:
        domain = [*examine_domain(CONFIG, Dns(zone.servers, seconds=10), [KEY], ADDRESS)]
    found = {each.about: each.health for each in receivers([*examine_settings(CONFIG), *domain])}
    assert found == {
        "Gmail": Health.UNKNOWN,  # without a look at the line and the pages
        "Yahoo": Health.UNKNOWN,
        "Microsoft": Health.GOOD,
        "Orange": Health.GOOD,
        "La Poste": Health.GOOD,
    }


@pytest.mark.parametrize(
    ("people", "failure", "health", "said"),
    [
        (1, "", Health.GOOD, "has 1 active reader"),
        (2000, "", Health.GOOD, "2,000 active readers"),
        (None, "", Health.ADVICE, "none yet"),
        (None, "it is locked", Health.BAD, "cannot be opened: it is locked"),
    ],
)
def test_the_list_is_looked_at(people: int | None, failure: str, health: Health, said: str) -> None:
    found = examine_list(people, failure)
    assert (found.health, said in found.message) == (health, True)


def test_a_page_behind_a_bad_certificate_is_told_as_such() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    context = secured()

    def serve() -> None:
        connection, _ = listening.accept()
        with suppress(OSError), context.wrap_socket(connection, server_side=True):
            pass

    thread = Thread(target=serve)
    thread.start()
    try:
        url = f"https://localhost:{listening.getsockname()[1]}/unsubscribe/token"
        (found,) = examine_pages(url, posting())
    finally:
        thread.join()
        listening.close()
    assert (found.health, "its certificate is not valid" in found.message) == (Health.BAD, True)


def test_without_a_list_no_page_can_be_tried() -> None:
    (found,) = examine_pages("", posting())
    assert found.health is Health.UNKNOWN
