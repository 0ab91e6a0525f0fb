"""Encryption and login: what is trusted, what is refused, and that no password goes where it should not."""

from __future__ import annotations

import hmac
import socket
import ssl
import traceback
from base64 import b64decode, b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.config import parse_config
from newsletter.errors import TransportError
from newsletter.inbox import Inbox, Manners
from newsletter.message import Envelope, Message
from newsletter.outcome import Accepted
from newsletter.transports.smtp import SmtpTransport
from newsletter.transports.smtp_login import choose_mechanism
from newsletter.transports.smtp_session import Server
from newsletter.wiring import transport
from tests.support.letters import letters, no_offer, outcomes
from tests.support.sink import Sink
from tests.support.talker import Peer, Talker

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.outcome import Outcome

CERTIFICATE = Path(__file__).parents[1] / "doors" / "localhost.pem"
LETTER = Message(
    1, Envelope("a@example.org", "b@example.org"), "<1@example.org>", (b"Subject: x\r\n\r\nGood day.\r\n",)
)


def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def deliver(server: Server) -> Outcome | None:
    """Deliver one message over one connection."""
    (((_, outcome),),) = SmtpTransport(server, 1).deliver(iter([LETTER]), lambda _: None)
    return outcome


def refusal(server: Server) -> str:
    """What is said when the server cannot be used; nothing may have been offered."""

    def offer(_: object) -> None:
        pytest.fail("it was offered")

    with pytest.raises(TransportError) as raised:
        list(SmtpTransport(server).deliver(iter([LETTER]), offer))
    return str(raised.value)


def relay(port: int, security: str = "none", **others: Any) -> Server:
    settings: dict[str, Any] = {"ca_file": str(CERTIFICATE), "timeout": 5.0} | others
    return Server("localhost", port, security, **settings)


# ── Encryption ───────────────────────────────────────────────────────────────────────────────────────────────────────


def manners(security: str) -> Manners:
    """Those of a server with this security."""
    if security == "none":
        return Manners()
    return Manners(tls=server_side()) if security == "tls" else Manners(starttls=server_side())


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_message_arrives_with_each_security(tmp_path: Path, security: str) -> None:
    with Inbox(tmp_path, http_port=None, manners=manners(security)) as inbox:
        assert isinstance(deliver(relay(inbox.smtp_port, security)), Accepted)
        assert [each.raw for each in inbox.messages()] == [LETTER.data]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused_and_the_way_out_is_named(
    tmp_path: Path, security: str
) -> None:
    with Inbox(tmp_path, http_port=None, manners=manners(security)) as inbox:
        said = refusal(relay(inbox.smtp_port, security, ca_file=""))
        assert inbox.messages() == []
    assert "its certificate is not trusted: self-signed certificate" in said
    assert "`ca_file`" in said


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_host_is_refused(tmp_path: Path, security: str) -> None:
    with Inbox(tmp_path, http_port=None, manners=manners(security), host="127.0.0.2") as inbox:
        said = refusal(Server("127.0.0.2", inbox.smtp_port, security, ca_file=str(CERTIFICATE)))
        assert inbox.messages() == []
    assert "IP address mismatch" in said
    assert "use the host name that the certificate is made for" in said


def test_a_server_without_starttls_is_refused_before_the_password_is_said() -> None:
    heard: list[str] = []

    def stripped(peer: Peer) -> None:
        peer.greet("AUTH PLAIN")
        while True:
            heard.append(peer.hear())

    with Talker(stripped) as server:
        said = refusal(relay(server.port, "starttls", username="ada", password="geheim"))
    assert "does not offer STARTTLS" in said
    assert heard == []


def test_a_refused_starttls_ends_it() -> None:
    def refusing(peer: Peer) -> None:
        peer.greet("STARTTLS")
        assert peer.hear() == "STARTTLS"
        peer.say("454 4.7.0 TLS not available")
        with pytest.raises(ConnectionResetError):
            peer.hear()

    with Talker(refusing) as server:
        said = refusal(relay(server.port, "starttls"))
    assert "refuses STARTTLS" in said
    assert "454 4.7.0 TLS not available" in said


def test_what_somebody_put_in_before_the_handshake_is_refused() -> None:
    def injecting(peer: Peer) -> None:
        peer.greet("STARTTLS")
        peer.hear()
        peer.say(b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n")
        peer.encrypt(server_side())

    with Talker(injecting) as server:
        assert "the server speaks before the TLS handshake" in refusal(relay(server.port, "starttls"))


def test_what_was_offered_before_the_handshake_is_forgotten() -> None:
    def poorer_under_tls(peer: Peer) -> None:
        peer.greet("STARTTLS", "AUTH PLAIN", "PIPELINING")
        peer.hear()
        peer.say("220 go ahead")
        peer.encrypt(server_side())
        peer.answer_ehlo("AUTH GSSAPI")
        with pytest.raises(ConnectionResetError):
            peer.hear()

    with Talker(poorer_under_tls) as server:
        said = refusal(relay(server.port, "starttls", username="ada", password="geheim"))
    assert "offers no login that we know (it offers: GSSAPI)" in said


def test_tls_to_a_port_that_speaks_in_the_clear_names_the_ports(tmp_path: Path) -> None:
    with Inbox(tmp_path, http_port=None) as inbox:
        said = refusal(relay(inbox.smtp_port, "tls"))
    assert 'usually 465 is "tls", 587 is "starttls"' in said


def test_a_server_that_never_greets_is_given_up_after_the_timeout() -> None:
    with Talker(lambda peer: peer.hear()) as server:
        assert "no answer in time" in refusal(relay(server.port, timeout=0.05))


def test_a_server_whose_greeting_never_ends_is_given_up_after_the_timeout_all_the_same() -> None:
    def trickling(peer: Peer) -> None:
        while True:
            peer.say(b"2")
            peer.sock.settimeout(0.01)
            try:
                peer.hear()
            except TimeoutError:
                continue

    with Talker(trickling) as server:
        said = refusal(relay(server.port, timeout=0.3))
    assert "no answer in time" in said


@pytest.mark.parametrize("greeting", [b"220-more\r\n" * 100_000, b"220 " + b"x" * 1_000_000])
def test_a_greeting_without_end_is_cut_off(greeting: bytes) -> None:
    with Talker(lambda peer: peer.say(greeting)) as server:
        assert "the server's reply has no end" in refusal(relay(server.port))


@pytest.mark.parametrize("greeting", ["HTTP/1.1 400 Bad Request", "\xb250 superscript", "22", "999 what", "", "\0\0\0"])
def test_a_greeting_that_is_not_smtp_is_named_as_such(greeting: str) -> None:
    with Talker(lambda peer: peer.say(greeting)) as server:
        assert "does not speak SMTP" in refusal(relay(server.port))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read: No such file or directory"), (b"hello", "holds no certificate")]
)
def test_a_ca_file_that_is_none_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_bytes(content)
    said = refusal(relay(1, "tls", ca_file=str(path)))
    assert said.startswith(f"{path}: {message}")


# ── Login ────────────────────────────────────────────────────────────────────────────────────────────────────────────

USER, PASSWORD = "ada", "sécret\u2026 42"
CHALLENGE = "<1896.697170952@talker.example.org>"


def decoded(text: str) -> str:
    return b64decode(text, validate=True).decode()


def plain(peer: Peer, argument: str) -> bool:
    return decoded(argument) == f"\0{USER}\0{PASSWORD}"


def login(peer: Peer, argument: str) -> bool:
    assert argument == ""
    peer.say("334 VXNlcm5hbWU6")
    name = decoded(peer.hear())
    peer.say("334 UGFzc3dvcmQ6")
    return (name, decoded(peer.hear())) == (USER, PASSWORD)


def cram_md5(peer: Peer, argument: str) -> bool:
    assert argument == ""
    peer.say(f"334 {b64encode(CHALLENGE.encode()).decode()}")
    name, _, digest = decoded(peer.hear()).rpartition(" ")
    return (name, digest) == (USER, hmac.digest(PASSWORD.encode(), CHALLENGE.encode(), "md5").hex())


def xoauth2(peer: Peer, argument: str) -> bool:
    if decoded(argument) == f"user={USER}\1auth=Bearer {PASSWORD}\1\1":
        return True
    peer.say("334 " + b64encode(b'{"status":"401","schemes":"bearer"}').decode())
    assert peer.hear() == ""
    return False


MECHANISMS: dict[str, Callable[[Peer, str], bool]] = {
    "PLAIN": plain,
    "LOGIN": login,
    "CRAM-MD5": cram_md5,
    "XOAUTH2": xoauth2,
}


class LoginServer(Talker):
    """Takes one message from who logs in, by one mechanism."""

    def __init__(self, mechanism: str, context: ssl.SSLContext | None = None, offered: str = "") -> None:
        def talk(peer: Peer) -> None:
            if context:
                peer.encrypt(context)
            peer.greet(f"AUTH {offered or mechanism}")
            command, _, rest = peer.hear().partition(" ")
            chosen, _, argument = rest.partition(" ")
            self.chosen.append(chosen)
            assert command == "AUTH"
            if not MECHANISMS[chosen](peer, argument):
                peer.say("535 5.7.8 Error: authentication failed")
                return
            peer.say("235 2.7.0 welcome")
            for reply in ("250 ok", "250 ok", "354 go on"):
                peer.hear()
                peer.say(reply)
            peer.hear_content()
            peer.say("250 2.0.0 kept")
            peer.hear()
            peer.say("221 bye")

        self.chosen: list[str] = []
        super().__init__(talk)


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_way_to_log_in_works(mechanism: str, encrypted: bool) -> None:
    with LoginServer(mechanism, server_side() if encrypted else None) as server:
        security = "tls" if encrypted else "none"
        assert isinstance(deliver(relay(server.port, security, username=USER, password=PASSWORD)), Accepted)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password_is_refused_with_the_name_and_the_next_step_and_never_shown(mechanism: str) -> None:
    with LoginServer(mechanism) as server:
        settings = relay(server.port, username=USER, password="guess-work")
        with pytest.raises(TransportError) as raised:
            deliver(settings)
    said = str(raised.value)
    assert f"the login as {USER} was refused (localhost:{server.port}): 535 5.7.8" in said
    assert ("fetch a new one" if mechanism == "XOAUTH2" else "check username and password") in said
    everything = "".join(traceback.format_exception(raised.value)) + repr(settings)
    assert "guess-work" not in everything
    assert b64encode(b"guess-work").decode()[:12] not in everything


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_server_that_says_back_what_it_does_not_understand_gives_no_password_away(mechanism: str) -> None:
    """Sendmail's words, and each base64 of more than the user's name that it was sent."""
    sent: list[str] = []

    def parrot(peer: Peer) -> None:
        peer.greet(f"AUTH {mechanism}")
        while not (line := peer.hear()).startswith("QUIT"):
            sent.append(line.rpartition(" ")[2])
            more = line in ("AUTH LOGIN", "AUTH CRAM-MD5") or (mechanism == "LOGIN" and len(sent) == 2)
            peer.say("334 PDEyMz4=" if more else f'500 5.5.1 Command unrecognized: "{line}" guess-work')

    with Talker(parrot) as server, pytest.raises(TransportError) as raised:
        deliver(relay(server.port, username=USER, password="guess-work"))
    said = str(raised.value)
    assert "Command unrecognized" in said
    assert "***" in said
    assert "guess-work" not in said
    assert sent[-1] not in said


def test_the_mechanism_that_is_asked_for_is_used_though_others_are_offered() -> None:
    with LoginServer("XOAUTH2", offered="PLAIN LOGIN XOAUTH2") as server:
        settings = relay(server.port, username=USER, password=PASSWORD, auth="xoauth2")
        assert isinstance(deliver(settings), Accepted)
    assert server.chosen == ["XOAUTH2"]


@pytest.mark.parametrize(
    ("offered", "wanted", "encrypted", "chosen"),
    [
        ("LOGIN PLAIN CRAM-MD5", "", True, "PLAIN"),
        ("LOGIN PLAIN CRAM-MD5", "", False, "CRAM-MD5"),
        ("LOGIN XOAUTH2", "", True, "LOGIN"),
        ("XOAUTH2", "", True, "XOAUTH2"),
        ("LOGIN PLAIN CRAM-MD5", "cram-md5", True, "CRAM-MD5"),
        ("LOGIN PLAIN", "cram-md5", True, None),
        ("GSSAPI NTLM", "", True, None),
        ("", "", True, None),
    ],
)
def test_of_what_is_offered_the_best_is_chosen(offered: str, wanted: str, encrypted: bool, chosen: str | None) -> None:
    assert choose_mechanism(offered.split(), wanted, encrypted=encrypted) == chosen


@pytest.mark.parametrize(
    ("offered", "wanted", "message", "fix"),
    [
        (["AUTH NTLM"], "", "offers no login that we know (it offers: NTLM)", "remove `username`"),
        (["PIPELINING"], "", "offers no login that we know (it offers: none)", "remove `username`"),
        (["AUTH PLAIN"], "xoauth2", "offers no login by xoauth2 (it offers: PLAIN)", "take `auth` away"),
    ],
)
def test_a_server_that_offers_no_login_of_ours_is_refused(
    offered: list[str], wanted: str, message: str, fix: str
) -> None:
    def talk(peer: Peer) -> None:
        peer.greet(*offered)
        with pytest.raises(ConnectionResetError):
            peer.hear()

    with Talker(talk) as server:
        said = refusal(relay(server.port, username=USER, password=PASSWORD, auth=wanted))
    assert message in said
    assert fix in said


def test_a_server_that_cannot_check_a_password_now_says_to_try_later() -> None:
    def talk(peer: Peer) -> None:
        peer.greet("AUTH PLAIN")
        peer.hear()
        peer.say("454 4.7.0 Temporary authentication failure")
        peer.hear()

    with Talker(talk) as server:
        said = refusal(relay(server.port, username=USER, password=PASSWORD))
    assert "454 4.7.0 Temporary authentication failure" in said
    assert "try again in some minutes" in said


@pytest.mark.parametrize("challenge", ["not base64!", "", "=", "\xff\xfe"])
def test_a_nonsense_challenge_is_no_crash(challenge: str) -> None:
    def talk(peer: Peer) -> None:
        peer.greet("AUTH CRAM-MD5")
        peer.hear()
        peer.say(f"334 {challenge}")
        peer.hear()
        peer.say("535 5.7.8 no")
        peer.hear()

    with Talker(talk) as server:
        said = refusal(relay(server.port, username=USER, password=PASSWORD))
    assert "CRAM-MD5 is not base64" in said or "535 5.7.8 no" in said


def our_address() -> str:
    """An address of this machine that is not loopback. Nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        return str(sock.getsockname()[0])


@pytest.mark.parametrize("host", ["smtp.example.org", "localhost.example.org", "127.example.org"])
def test_a_password_goes_to_no_other_machine_in_the_clear_whatever_its_name(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    ours = our_address()
    heard: list[str] = []

    def talk(peer: Peer) -> None:
        peer.greet("AUTH PLAIN")
        while True:
            heard.append(peer.hear())

    def look_up(_name: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ours, port))]

    with Talker(talk, host=ours) as server:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        said = refusal(Server(host, server.port, username=USER, password=PASSWORD))
    assert f"the password would go to {host}:{server.port} unencrypted" in said
    assert 'security = "starttls" or "tls"' in said
    assert heard == []


def test_a_host_name_that_is_none_is_named() -> None:
    assert "this is no host name" in refusal(Server("a" * 64 + ".example.org", 25))


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert f"cannot use the mail server 127.0.0.1:{port}: Connection refused" in refusal(Server("127.0.0.1", port))
    missing = f"unix:{tmp_path}/nobody"
    assert f"cannot use the mail server {missing}: No such file" in refusal(Server(missing, 0, lmtp=True))


def test_newsletter_toml_says_all_of_this(tmp_path: Path) -> None:
    context = server_side()
    with Inbox(tmp_path / "mail", http_port=None, manners=Manners(tls=context, login=(USER, PASSWORD))) as inbox:
        (tmp_path / "ca.pem").write_bytes(CERTIFICATE.read_bytes())
        text = f"""
            [transports.relay]
            kind = "smtp"
            host = "localhost"
            port = {inbox.smtp_port}
            security = "tls"
            ca_file = "ca.pem"
            username = "{USER}"
            password_env = "RELAY_PASSWORD"
            auth = "login"
            max_messages = 2
        """
        config = parse_config(text, str(tmp_path / "newsletter.toml"))
        relay = transport(config, None, {"RELAY_PASSWORD": PASSWORD})
        told = outcomes(relay.deliver(iter(letters(5)), no_offer))
        assert [type(each) for each in told.values()] == [Accepted] * 5
        assert len(inbox.messages()) == 5


def test_newsletter_toml_may_name_a_socket(tmp_path: Path) -> None:
    with Sink(path=tmp_path / "lmtp", keep_commands=True) as sink:
        text = f'[transports.relay]\nkind = "lmtp"\nhost = "unix:{tmp_path}/lmtp"\n'
        relay = transport(parse_config(text, str(tmp_path / "newsletter.toml")), None, {})
        told = outcomes(relay.deliver(iter(letters(5)), no_offer))
    assert [type(each) for each in told.values()] == [Accepted] * 5
    assert sink.commands[0] == "LHLO localhost"
