"""DKIM signatures, judged by two verifiers that are not ours: dkimpy and OpenDKIM."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from newsletter import wiring
from newsletter.config import parse_config
from newsletter.errors import ConfigError
from newsletter.signing.dkim import DkimKey, canonical_body, read_key, signed
from newsletter.subscriber import Subscriber
from tests.support.sending import EDITION, NOW
from tests.words.test_message import compose

if TYPE_CHECKING:
    from pathlib import Path

RSA = rsa.generate_private_key(65537, 2048)
KEYS = (
    DkimKey("example.org", "news", RSA),
    DkimKey("example.org", "news-ed", ed25519.Ed25519PrivateKey.generate()),
)
MOMENT = 1_795_248_000


def dns(name: bytes, timeout: int = 5) -> bytes:
    """What DNS would say: the record of each key at its name."""
    records = {f"{key.selector}._domainkey.{key.domain}.": key.record for key in KEYS}
    return records.get(name.decode(), "").encode()


def verdicts(data: bytes) -> list[bool]:
    """What dkimpy says of each signature."""

    def verdict(number: int) -> bool:
        try:
            return bool(dkim.DKIM(data).verify(idx=number, dnsfunc=dns))
        except dkim.ValidationError:  # the body does not match
            return False

    return [verdict(number) for number in range(len(KEYS))]


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


@given(names)
def test_both_signatures_hold_for_any_recipient(name: str) -> None:
    assert verdicts(signed(compose(name), KEYS, MOMENT)) == [True, True]


@given(names)
def test_a_message_is_its_own_canonical_form(name: str) -> None:
    body = compose(name).split(b"\r\n\r\n", 1)[1]
    assert canonical_body(body) == body


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: ", b"Subject: Buy! "),
        (b"<p>no</p>", b"<p>on</p>"),
        (b"List-Unsubscribe-Post: ", b"X-Was: "),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nSubject: another\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nFrom: eve@example.org\r\n"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nReply-To: eve@example.org\r\n"),
        (b"--\r\n", b"--\r\nP.S.\r\n"),
    ],
)
def test_a_message_that_was_changed_on_its_way_is_found_out(old: bytes, new: bytes) -> None:
    data = signed(compose("Zoé", branch="1"), KEYS, MOMENT)
    head, tail = data[:2000], data[2000:]
    changed = head.replace(old, new, 1) + tail if old in head else head + new.join(tail.rsplit(old, 1))
    assert changed != data
    assert verdicts(changed) == [False, False]


def test_headers_may_be_folded_anew_on_the_way() -> None:
    data = signed(compose("Zoé"), KEYS, MOMENT)
    assert b"unsubscribe=One-Click" not in data
    refolded = data.replace(b"List-Unsubscribe-Post: List-", b"List-Unsubscribe-Post:\r\n\t List-", 1)
    assert verdicts(refolded) == [True, True]


def test_signature_lines_are_short_and_no_length_is_signed() -> None:
    head = signed(compose("Zoé"), KEYS, MOMENT).split(b"\r\nFrom: ")[0]
    assert all(len(line) <= 90 for line in head.split(b"\r\n"))
    assert b" l=" not in head
    assert b" x=" not in head


def test_opendkim_agrees(tmp_path: Path) -> None:
    if not (opendkim := shutil.which("opendkim") or shutil.which("/usr/sbin/opendkim")):
        pytest.skip("opendkim is not installed: apt-get install opendkim")
    records = tmp_path / "records"
    records.write_text("".join(f"{key.selector}._domainkey.{key.domain} {key.record}\n" for key in KEYS))
    settings = tmp_path / "opendkim.conf"
    settings.write_text(f"Mode v\nTestPublicKeys {records}\nAlwaysAddARHeader yes\nSyslog no\nDNSTimeout 1\n")
    message = tmp_path / "message.eml"
    message.write_bytes(signed(compose("Zoé, ça va ?"), KEYS, MOMENT))
    done = subprocess.run([opendkim, "-x", settings, "-t", message, "-vvv"], capture_output=True, text=True, check=True)
    told = " ".join((done.stdout + done.stderr).split())
    assert "dkim=pass (2048-bit key) header.d=example.org header.i=@example.org header.a=rsa-sha256" in told
    assert "dkim=pass header.d=example.org header.i=@example.org header.a=ed25519-sha256" in told


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, secret: bytes = b"") -> bytes:
    protection = BestAvailableEncryption(secret) if secret else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def test_a_key_is_read_from_its_file() -> None:
    key = read_key(pem(RSA), "example.org", "news", "news.pem")
    assert key.record == KEYS[0].record
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"nonsense", "not a private key"),
        (pem(RSA, secret=b"x"), "is encrypted"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "RSA and Ed25519 keys only"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_with_a_word(text: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_key(text, "example.org", "news", "news.pem")


SETTINGS = """
[newsletter]
title = "La lettre"
base_url = "https://letter.example.org"
[sender]
email = "letter@example.org"
[dkim]
rsa_selector = "news"
rsa_key_file = "news.pem"
"""


def test_what_the_settings_name_signs_each_message(tmp_path: Path) -> None:
    (tmp_path / "news.pem").write_bytes(pem(RSA))
    config = parse_config(SETTINGS, str(tmp_path / "newsletter.toml"))
    post = wiring.post(config, EDITION, "2026-11-hello", {1: b"secret"})
    message = post.message_for(Subscriber("zoe@example.org", first_name="Zoé"), NOW)
    assert dkim.DKIM(message.data).verify(dnsfunc=dns)


def test_a_selector_without_a_key_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(SETTINGS.replace('rsa_key_file = "news.pem"\n', ""), str(tmp_path / "newsletter.toml"))
    (problem,) = caught.value.problems
    assert (problem.line, problem.message) == (8, "rsa_selector needs rsa_key_file")


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = parse_config(SETTINGS, str(tmp_path / "newsletter.toml"))
    with pytest.raises(ConfigError, match=r"news\.pem: there is no such file"):
        wiring.post(config, EDITION, "2026-11-hello", {1: b"secret"})
