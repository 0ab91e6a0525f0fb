"""The embedded mailbox, spoken to as programs and people do: SMTP over sockets, pages over HTTP, signals."""

from __future__ import annotations

import mailbox
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import Refused
from newsletter.inbox import HANG_UP, Inbox, Manners
from newsletter.inbox.reading import read, with_links_in_new_tabs, with_parts_linked

if TYPE_CHECKING:
    from collections.abc import Iterator

CERTIFICATE = Path(__file__).parent / "localhost.pem"
LETTER = b"From: La lettre <lettre@example.org>\r\nTo: ada@example.org\r\nSubject: Hello\r\n\r\nGood day.\r\n"
PIXEL = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """A mailbox without a page."""
    with Inbox(tmp_path / "mail", http_port=None) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    """A mailbox with a page, for tests that look at the messages which they put there."""
    with Inbox(tmp_path_factory.mktemp("shared") / "mail") as running:
        yield running


def send(inbox: Inbox, raw: bytes = LETTER, sender: str = "bounce@example.org", *recipients: str) -> dict[str, Any]:
    with smtplib.SMTP(inbox.host, inbox.smtp_port) as client:
        return client.sendmail(sender, recipients or ["ada@example.org"], raw)


def put(inbox: Inbox, raw: bytes) -> str:
    """Send a message; the key that the server gave it."""
    with smtplib.SMTP(inbox.host, inbox.smtp_port) as client:
        client.ehlo()
        client.mail("bounce@example.org")
        client.rcpt("ada@example.org")
        _, answer = client.data(raw)
    return answer.decode().rpartition(" ")[2]


def get(inbox: Inbox, path: str, **headers: str) -> requests.Response:
    assert inbox.url
    return requests.get(inbox.url + path.removeprefix("/"), headers=headers, timeout=10)


def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def client_side() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


class Wire:
    """A connection on which a test says exactly which bytes go out together."""

    def __init__(self, inbox: Inbox) -> None:
        self.socket = socket.create_connection((inbox.host, inbox.smtp_port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        assert self.codes(1) == ["220"]

    def say(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def codes(self, n: int) -> list[str]:
        """The next n replies' codes; fewer when the server closes."""
        found: list[str] = []
        with suppress(ConnectionResetError):
            while len(found) < n and (line := self.file.readline()):
                if line[3:4] == b" ":
                    found.append(line[:3].decode())
        return found

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()


# SMTP in, files out


@settings(max_examples=40)
@given(
    st.lists(
        st.binary(max_size=998).filter(lambda line: b"\r\n" not in line and line[-1:] != b"\r" and line[:1] != b"\n")
        | st.sampled_from([b".", b"..", b".hidden", "été".encode(), b"\x00\xff", b"x" * 998]),
        max_size=8,
    )
)
def test_a_message_is_kept_byte_for_byte_as_it_came(shared: Inbox, lines: list[bytes]) -> None:
    raw = b"".join(line + b"\r\n" for line in [b"Subject: x", b"", *lines])
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in raw.split(b"\r\n")[:-1])
    with Wire(shared) as wire:
        wire.say("EHLO here", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA")
        assert wire.codes(4) == ["250", "250", "250", "354"]
        wire.socket.sendall(stuffed + b".\r\n")
        key = wire.file.readline().decode().split()[-1]
    assert (shared.maildir / "new" / key).read_bytes() == raw


def test_the_envelope_is_told_apart_from_the_headers(inbox: Inbox) -> None:
    send(inbox, LETTER, "bounce+17@example.org", "ada@example.org", "hidden@example.org")
    [message] = inbox.wait(1)
    assert (message.sender, message.recipients) == ("bounce+17@example.org", ("ada@example.org", "hidden@example.org"))
    assert message.parsed["From"].addresses[0].addr_spec == "lettre@example.org"
    assert message.received.tzinfo is not None


def test_the_null_sender_of_a_bounce_is_an_empty_string(inbox: Inbox) -> None:
    send(inbox, LETTER, "")
    assert [message.sender for message in inbox.wait(1)] == [""]


def test_utf8_addresses_and_eight_bit_content_are_accepted(inbox: Inbox) -> None:
    raw = "Subject: Élodie\r\n\r\nété\r\n".encode()
    with smtplib.SMTP(inbox.host, inbox.smtp_port) as client:
        client.sendmail("élodie@example.org", ["zoé@exämple.org"], raw, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    [message] = inbox.wait(1)
    assert (message.sender, message.recipients) == ("élodie@example.org", ("zoé@exämple.org",))
    assert message.raw == raw
    assert message.parsed["Subject"] == "Élodie"


def test_messages_come_in_the_order_of_arrival(inbox: Inbox) -> None:
    with smtplib.SMTP(inbox.host, inbox.smtp_port) as client:
        for number in range(25):
            client.sendmail("a@example.org", [f"r{number}@example.org"], LETTER)
    assert [m.recipients for m in inbox.wait(25)] == [(f"r{number}@example.org",) for number in range(25)]


def test_any_mail_program_can_read_the_folder_and_move_what_it_read(inbox: Inbox) -> None:
    send(inbox)
    folder = mailbox.Maildir(inbox.maildir, create=False)
    [(key, message)] = folder.items()
    assert message["Subject"] == "Hello"
    message.set_subdir("cur")
    message.set_flags("S")
    folder[key] = message
    assert [(m.key, m.sender) for m in inbox.messages()] == [(key, "bounce@example.org")]


def test_a_message_that_another_program_put_there_has_no_envelope(inbox: Inbox) -> None:
    mailbox.Maildir(inbox.maildir, create=False).add(LETTER)
    [message] = inbox.messages()
    assert (message.sender, message.recipients, message.raw) == ("", (), LETTER)


def test_a_mailbox_that_opens_again_still_has_its_mail(tmp_path: Path) -> None:
    for count in (1, 2):
        with Inbox(tmp_path, http_port=None) as inbox:
            send(inbox)
            assert len(inbox.wait(count)) == count


def test_emptying_deletes_messages_and_envelopes(inbox: Inbox) -> None:
    send(inbox)
    send(inbox)
    assert inbox.empty() == 2
    assert inbox.messages() == []
    assert [path for path in inbox.maildir.rglob("*") if path.is_file()] == []
    send(inbox)
    assert len(inbox.wait(1)) == 1


def test_waiting_ends_when_the_last_message_arrives(inbox: Inbox) -> None:
    send(inbox)
    sender = threading.Thread(target=send, args=(inbox,))
    sender.start()
    assert len(inbox.wait(2)) == 2
    sender.join()


def test_waiting_in_vain_says_how_many_came(inbox: Inbox) -> None:
    send(inbox)
    with pytest.raises(TimeoutError, match=r"for 3 messages .*; 1 are here"):
        inbox.wait(3, timeout=0.01)


def test_pipelined_messages_are_all_taken(inbox: Inbox) -> None:
    with Wire(inbox) as wire:
        wire.say("EHLO here")
        wire.codes(1)
        envelope = ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA")
        wire.say(*envelope)
        wire.say(*("Subject: 1", "", "one", ".", *envelope))
        wire.say(*("Subject: 2", "", "two", ".", "QUIT"))
        assert wire.codes(99) == ["250", "250", "354", "250", "250", "250", "354", "250", "221"]
    assert [message.parsed["Subject"] for message in inbox.messages()] == ["1", "2"]


def test_what_is_offered_is_what_is_understood(inbox: Inbox) -> None:
    with smtplib.SMTP(inbox.host, inbox.smtp_port) as client:
        client.ehlo()
        assert set(client.esmtp_features) == {"size", "8bitmime", "smtputf8", "pipelining", "help"}


# What it refuses


def with_manners(tmp_path: Path, **manners: Any) -> Inbox:
    return Inbox(tmp_path / "mail", http_port=None, manners=Manners(**manners))


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "450 4.2.1 Try again later", "552 5.2.2 Mailbox full"])
def test_a_refused_recipient_gets_that_answer_and_the_others_get_the_message(tmp_path: Path, reply: str) -> None:
    with with_manners(tmp_path, refuse={"Gone@example.org": reply}) as inbox:
        refused = send(inbox, LETTER, "a@example.org", "gone@example.ORG", "ada@example.org")
        assert refused == {"gone@example.ORG": (int(reply[:3]), reply[4:].encode())}
        assert [message.recipients for message in inbox.wait(1)] == [("ada@example.org",)]


def test_a_refused_sender_hears_it_at_mail(tmp_path: Path) -> None:
    with with_manners(tmp_path, refuse_sender={"a@example.org": "550 5.7.1 Not yours", "": "550 No bounces"}) as inbox:
        for sender, words in (("a@example.org", "Not yours"), ("", "No bounces")):
            with pytest.raises(smtplib.SMTPSenderRefused, match=words):
                send(inbox, LETTER, sender)


def test_refused_content_is_not_kept(tmp_path: Path) -> None:
    with with_manners(tmp_path, refuse_content={"b@example.org": "554 5.7.1 Looks like spam"}) as inbox:
        with pytest.raises(smtplib.SMTPDataError, match="Looks like spam"):
            send(inbox, LETTER, "a@example.org", "b@example.org")
        assert inbox.messages() == []


def test_a_421_closes_the_connection_and_nothing_behind_it_is_obeyed(tmp_path: Path) -> None:
    with with_manners(tmp_path, refuse={"b@example.org": "421 4.7.0 Too many"}) as inbox, Wire(inbox) as wire:
        wire.say("EHLO here", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>")
        wire.say("RCPT TO:<c@example.org>", "DATA", "x", ".")
        assert wire.codes(99) == ["250", "250", "421"]
        assert inbox.messages() == []


def test_hanging_up_after_the_content_keeps_the_message_and_says_nothing(tmp_path: Path) -> None:
    with with_manners(tmp_path, refuse_content={"b@example.org": HANG_UP}) as inbox, Wire(inbox) as wire:
        wire.say("EHLO here", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA")
        assert wire.codes(4)[-1] == "354"
        wire.say("Subject: x", "", "x", ".", "MAIL FROM:<a@example.org>", "RCPT TO:<c@example.org>", "DATA", "y", ".")
        assert wire.codes(1) == []
        assert [message.recipients for message in inbox.messages()] == [("b@example.org",)]


def test_hanging_up_on_a_recipient_closes_without_an_answer(tmp_path: Path) -> None:
    with with_manners(tmp_path, refuse={"b@example.org": HANG_UP}) as inbox:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(inbox, LETTER, "a@example.org", "b@example.org")
        send(inbox, LETTER, "a@example.org", "c@example.org")
        assert len(inbox.messages()) == 1


def test_a_message_above_fifty_megabytes_is_refused_by_its_announced_size(inbox: Inbox) -> None:
    with Wire(inbox) as wire:
        wire.say("EHLO here", "MAIL FROM:<a@example.org> SIZE=52428801", "MAIL FROM:<a@example.org> SIZE=52428800")
        assert wire.codes(3) == ["250", "552", "250"]


def test_a_line_of_more_than_998_octets_is_refused(inbox: Inbox) -> None:
    with pytest.raises(smtplib.SMTPDataError, match="Line too long"):
        send(inbox, LETTER + b"x" * 999 + b"\r\n")
    assert inbox.messages() == []


def test_an_address_that_is_no_text_is_refused(inbox: Inbox) -> None:
    with Wire(inbox) as wire:
        wire.say("EHLO here")
        wire.socket.sendall(
            b"MAIL FROM:<\xff@example.org>\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<\xff@example.org>\r\n"
        )
        assert wire.codes(4) == ["250", "553", "250", "553"]


def test_without_smtputf8_an_address_in_utf8_is_refused(tmp_path: Path) -> None:
    with with_manners(tmp_path, smtputf8=False) as inbox, Wire(inbox) as wire:
        wire.say("EHLO here", "MAIL FROM:<é@example.org>", "MAIL FROM:<a@example.org> SMTPUTF8")
        assert wire.codes(3) == ["250", "500", "501"]


def test_a_message_that_cannot_be_written_is_deferred(inbox: Inbox) -> None:
    (inbox.maildir / "tmp").rmdir()
    with pytest.raises(smtplib.SMTPDataError, match=r"\(452, .*cannot be kept"):
        send(inbox)
    (inbox.maildir / "tmp").mkdir()
    send(inbox)
    assert len(inbox.messages()) == 1


def test_on_message_sees_each_message_before_it_is_acknowledged(tmp_path: Path) -> None:
    seen: list[str] = []
    with with_manners(tmp_path, on_message=lambda message: seen.extend(message.recipients)) as inbox:
        send(inbox)
        assert seen == ["ada@example.org"]


def test_an_on_message_that_raises_makes_the_reply_451(tmp_path: Path) -> None:
    def stumble(_: object) -> None:
        raise LookupError

    with with_manners(tmp_path, on_message=stumble) as inbox, pytest.raises(smtplib.SMTPDataError, match="451"):
        send(inbox)


# Logins and TLS


def test_with_a_login_nobody_sends_before_giving_it(tmp_path: Path) -> None:
    with with_manners(tmp_path, login=("ada", "s3cret é")) as inbox:
        with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
            send(inbox)
        with smtplib.SMTP(inbox.host, inbox.smtp_port) as client:
            client.ehlo()
            for mechanism in ("PLAIN", "LOGIN"):
                assert mechanism in client.esmtp_features["auth"].split()
            wrong = "\0ada\0s3cret e"
            assert client.docmd("AUTH", f"PLAIN {_base64(wrong)}")[0] == 535
            right = "\0ada\0s3cret é"
            assert client.docmd("AUTH", f"PLAIN {_base64(right)}")[0] == 235
            client.sendmail("a@example.org", ["b@example.org"], LETTER)
        assert len(inbox.messages()) == 1


def _base64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode()).decode()


def test_starttls_comes_before_the_login(tmp_path: Path) -> None:
    with with_manners(tmp_path, starttls=server_side(), login=("ada", "secret")) as inbox:
        with smtplib.SMTP("localhost", inbox.smtp_port) as client:
            client.ehlo()
            assert "auth" not in client.esmtp_features
            client.starttls(context=client_side())
            client.login("ada", "secret")
            client.sendmail("a@example.org", ["b@example.org"], LETTER)
        assert len(inbox.messages()) == 1


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    with with_manners(tmp_path, tls=server_side(), login=("ada", "secret")) as inbox:
        with smtplib.SMTP_SSL("localhost", inbox.smtp_port, context=client_side()) as client:
            client.login("ada", "secret")
            client.sendmail("a@example.org", ["b@example.org"], LETTER)
        assert len(inbox.messages()) == 1


def test_a_client_that_does_not_trust_the_certificate_harms_nobody_else(tmp_path: Path) -> None:
    with with_manners(tmp_path, starttls=server_side()) as inbox:
        with smtplib.SMTP("localhost", inbox.smtp_port) as client:
            client.ehlo()
            with pytest.raises(ssl.SSLCertVerificationError):
                client.starttls(context=ssl.create_default_context())
            client.close()
        send(inbox)
        assert len(inbox.messages()) == 1


# Starting and ending


@pytest.mark.parametrize("option", ["--smtp-port", "--http-port"])
def test_a_port_in_use_is_an_error_that_names_the_option(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"smtp_port": port} if option == "--smtp-port" else {"http_port": port}
        with (
            pytest.raises(Refused, match=f"port {port} on 127.0.0.1 is in use\n.*{option} 0"),
            Inbox(tmp_path, **ports),
        ):
            pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"smtp_port": 70_000}, "no port 70000"),
        ({"host": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
        ({"host": "no such host"}, "name an address of this machine"),
    ],
)
def test_an_address_that_cannot_be_served_is_an_error(tmp_path: Path, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words), Inbox(tmp_path, **arguments):
        pass


def test_a_file_where_the_mailbox_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("not a folder")
    with pytest.raises(Refused, match="cannot keep messages here"), Inbox(tmp_path / "mail"):
        pass


def test_importing_the_mailbox_loads_no_server() -> None:
    code = "import sys, newsletter.inbox; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"aiosmtpd", "starlette", "uvicorn", "jinja2", "asyncio"} & set(loaded)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_cleanly_on_a_signal_even_with_clients_connected(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys; from pathlib import Path; from newsletter.inbox import Inbox\n"
        "def say(inbox): print(inbox.smtp_port, inbox.http_port, flush=True)\n"
        "Inbox(Path(sys.argv[1])).serve(say); print('ended')"
    )
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        smtp_port, http_port = map(int, process.stdout.readline().split())
        with smtplib.SMTP("127.0.0.1", smtp_port) as idle, requests.Session() as browser:
            idle.ehlo()
            assert browser.get(f"http://127.0.0.1:{http_port}/", timeout=10).ok
            process.send_signal(number)
            assert process.stdout.read() == "ended\n"
            idle.close()
        complaints = [line for line in process.stderr if "took" not in line]  # asyncio's note on a slow start
    assert (process.returncode, complaints) == (0, [])


# The page


def newsletter_message() -> bytes:
    message = EmailMessage()
    message["From"] = '"La lettre" <lettre@example.org>'
    message["To"] = "Élodie Durand <elodie@example.org>"
    message["Subject"] = "Écrire moins, écrire mieux"
    message.set_content("Bonjour, voyez https://example.org/?a=1&b=2.\n")
    html = (
        '<!doctype html><html><head><title>x</title></head><body><p style="display:none">Le préambule</p>'
        '<img src="cid:logo@example.org"><a href="https://example.org/">là</a></body></html>'
    )
    message.add_alternative(html, subtype="html")
    page = list(message.iter_parts())[1]
    assert isinstance(page, EmailMessage)
    page.add_related(PIXEL, "image", "svg+xml", cid="<logo@example.org>")
    message.add_attachment(b"<script>1</script>", "text", "html", filename="été.html")
    return message.as_bytes(policy=policy.SMTP)


def test_the_list_shows_who_what_and_the_first_words(shared: Inbox) -> None:
    key = put(shared, newsletter_message())
    page = get(shared, "/").text
    row = page[page.index(f"/messages/{key}") :]
    for words in (
        "La lettre",
        "elodie@example.org",
        "Écrire moins, écrire mieux",
        "Le préambule là",
        "<time datetime=",
    ):
        assert words in row[:1500]


def test_the_list_is_newest_first_and_paged_by_fifty(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        for number in range(51):
            inbox._mail.keep("", (), f"Subject: number {number}\r\n\r\n".encode())
        first, second, beyond = (re.findall(r"number \d+", get(inbox, f"/?page={n}").text) for n in (1, 2, 3))
    assert first == [f"number {n}" for n in range(50, 0, -1)]
    assert second == beyond == ["number 0"]


def test_an_empty_mailbox_says_where_to_send(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        page = get(inbox, "/").text
    assert "No mail yet" in page
    assert f"port = {inbox.smtp_port}" in page


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("html", "<iframe "),
        ("text", '<a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noreferrer">'),
        ("headers", "RCPT TO</th><td>&lt;<bdi>ada@example.org</bdi>&gt;"),
        ("source", "Content-Type: multipart/mixed"),
    ],
)
def test_a_message_has_four_views(shared: Inbox, view: str, words: str) -> None:
    key = put(shared, newsletter_message())
    answer = get(shared, f"/messages/{key}?show={view}")
    assert answer.status_code == 200
    assert words in answer.text
    assert "Écrire moins, écrire mieux</bdi></h1>" in answer.text


# Content-Type, the lines as they came, and what a mail program shows (RFC 3676)
FLOWING = [
    ("; format=flowed", "one \ntwo\nthree\n", "one two\nthree\n"),
    ("; format=Flowed; DelSp=Yes", "one \ntwo\n", "onetwo\n"),
    ("; format=flowed", "> so \n> it \n>> goes\n", "> so it \n>> goes\n"),
    ("; format=flowed", " From here\n  indented\n", "From here\n indented\n"),
    ("; format=flowed", "end \n-- \nCamille\n", "end \n-- \nCamille\n"),
    ("", "one \ntwo\n", "one \ntwo\n"),
    ("; format=fixed", "one \n two\n", "one \n two\n"),
]


@pytest.mark.parametrize(("kind", "came", "shown"), FLOWING)
def test_text_that_flows_is_shown_as_paragraphs(kind: str, came: str, shown: str) -> None:
    raw = f"Content-Type: text/plain; charset=utf-8{kind}\n\n{came}"
    assert read(raw.encode()).text == shown
    assert read(raw.replace("\n", "\r\n").encode()).text == (
        shown if "flowed" in kind.lower() else shown.replace("\n", "\r\n")
    )


def test_a_message_without_html_opens_as_text(shared: Inbox) -> None:
    assert "Good day." in get(shared, f"/messages/{put(shared, LETTER)}").text


@pytest.mark.parametrize("width", ["320", "390", "700"])
def test_the_frame_takes_the_width_that_is_asked_for(shared: Inbox, width: str) -> None:
    key = put(shared, newsletter_message())
    assert f'<iframe class="w{width} dark"' in get(shared, f"/messages/{key}?width={width}&colours=dark").text


def test_the_frame_runs_nothing_and_loads_only_images(shared: Inbox) -> None:
    key = put(shared, newsletter_message())
    [sandbox] = re.findall(r'<iframe[^>]* sandbox="([^"]*)"', get(shared, f"/messages/{key}").text)
    assert set(sandbox.split()) == {"allow-popups", "allow-popups-to-escape-sandbox"}
    answer = get(shared, f"/messages/{key}/html")
    policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "img-src": f"data: https: {shared.url}messages/{key}/parts/",
        "style-src": "'unsafe-inline'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": sandbox,
    }
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    without = get(shared, f"/messages/{key}/html?images=off").headers["Content-Security-Policy"]
    assert "img-src 'none';" in without


def test_images_inside_the_message_are_shown_and_links_open_beside_it(shared: Inbox) -> None:
    key = put(shared, newsletter_message())
    page = get(shared, f"/messages/{key}/html").text
    assert page.startswith('<!doctype html><html><head><base target="_blank">')
    [link] = re.findall(r'<img src="([^"]+)"', page)
    assert link == f"/messages/{key}/parts/3"
    image = get(shared, link)
    assert (image.headers["Content-Type"], image.content) == ("image/svg+xml", PIXEL)
    assert "sandbox" in image.headers["Content-Security-Policy"]


def test_a_file_in_the_message_is_saved_and_never_opened(shared: Inbox) -> None:
    key = put(shared, newsletter_message())
    assert f'<a href="/messages/{key}/parts/4"><bdi>été.html</bdi></a>' in get(shared, f"/messages/{key}").text
    answer = get(shared, f"/messages/{key}/parts/4")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A9t%C3%A9.html"


def test_the_message_can_be_saved_as_it_came(shared: Inbox) -> None:
    answer = get(shared, f"/messages/{put(shared, LETTER)}/raw")
    assert (answer.headers["Content-Type"], answer.content) == ("message/rfc822", LETTER)


HOSTILE = {
    "script in every header": b'Subject: <script>x</script>\r\nFrom: "<script>x" <a@example.org>\r\n'
    b"To: <script>x\r\n<script>: <script>\r\n\r\n<script>x</script>",
    "nothing at all": b"",
    "no headers": b"\r\nJust text.\r\n",
    "no body": b"Subject: x\r\n",
    "an unknown charset": b"Content-Type: text/html; charset=klingon\r\n\r\n<p>\xff\xe9</p>",
    "a codec that is no charset": b"Content-Type: text/html; charset=unicode_escape\r\n\r\n\\ud800\\q",
    "halves of characters": b"Subject: =?utf-7?q?+2AA-?= \\ud800\r\n"
    b"Content-Type: text/html; charset=utf-7\r\n\r\n+2AA-",
    "broken encoded words": b"Subject: =?utf-8?b?!?= =?nope?q?=FF?= =?utf-8?q?=ED=A0=80?=\r\n\r\n",
    "raw octets in headers": b"Subject: \xff\xfe\x00\x1b\r\nFrom: \xff\r\nContent-Type: \xff\r\n\r\n\xff",
    "a multipart without parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing",
    "a multipart without a boundary": b"Content-Type: multipart/alternative\r\n\r\n--\r\n",
    "base64 that is none": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
    "a message in a message": b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n<script>\r\n",
    "a base and a refresh": b"Content-Type: text/html\r\n\r\n"
    b'<base href="//x.example.com"><meta http-equiv=refresh content=0>',
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_messages_break_neither_list_nor_views_nor_api(shared: Inbox, raw: bytes) -> None:
    key = shared._mail.keep("<script>@example.org", ("<script>@example.org",), raw).key
    views = [f"/messages/{key}?show={view}" for view in ("html", "text", "headers", "source")]
    for path in ("/", *views):
        answer = get(shared, path)
        assert answer.status_code == 200
        assert "<script" not in answer.text
    assert get(shared, f"/api/messages/{key}").json()["key"] == key
    assert get(shared, f"/messages/{key}/html").status_code in (200, 404)
    assert get(shared, f"/messages/{key}/parts/1").headers["X-Content-Type-Options"] == "nosniff"


def test_parts_within_parts_without_end_are_shown_as_they_stand() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5000))
    found = read(b"Subject: deep\r\n" + nested)
    assert found.subject == "deep"
    assert "boundary=b4999" in str(found.text)


pieces = st.binary(max_size=20) | st.sampled_from(
    [
        *(b"multipart/mixed; boundary=b", b"text/html", b"message/rfc822", b"; charset=utf-16", b"; charset*=x'y'z"),
        *(b"; filename*0*=%00'%", b"quoted-printable", b"base64", b"x-uuencode", b"=?utf-7?q?+2AA-?=", b"\\ud800"),
        *(b"--b\r\n", b"--b--", b"\r\n\r\n", b"\r\n ", b"begin 666 x", b"<![CDATA[", b"&#xD800;", b"cid:", b"<head"),
    ]
)
fields = st.sampled_from([b"Subject: ", b"From: ", b"Content-Type: ", b"Content-Transfer-Encoding: ", b"Content-ID: "])


@settings(max_examples=300)
@given(
    st.lists(st.tuples(fields, st.lists(pieces, max_size=4).map(b"".join)), max_size=4), st.lists(pieces, max_size=8)
)
def test_whatever_arrives_can_be_read_and_shown(headers: list[tuple[bytes, bytes]], body: list[bytes]) -> None:
    raw = b"".join(name + value + b"\r\n" for name, value in headers) + b"\r\n" + b"".join(body)
    found = read(raw)
    texts = [found.subject, found.snippet, *(text for header in found.headers for text in header)]
    texts += [text for part in found.parts for text in (part.content_type, part.filename, part.content_id, part.text)]
    texts.append(
        with_links_in_new_tabs(with_parts_linked(found.html or "", found.parts, lambda part: str(part.number)))
    )
    assert "".join(texts).encode("utf-8").decode("utf-8") == "".join(texts)


@pytest.mark.parametrize(
    ("raw", "subject", "snippet"),
    [
        (b"Subject: =?utf-8?q?d=C3=A9j=C3=A0?= =?utf-8?q?_vu?=\r\n\r\nHi", "déjà vu", "Hi"),
        ("Subject: déjà\r\n vu\r\n\r\n  Hi\r\n there ".encode(), "déjà vu", "Hi there"),
        (b"Content-Type: text/plain; charset=latin-1\r\n\r\n\xe9t\xe9", "", "été"),
        (
            b"Content-Type: text/html\r\n\r\n<title>no</title><style>no</style><p>a&shy;b&zwnj;&nbsp;c<br>d",
            "",
            "ab c d",
        ),
        (b"\r\n" + b"word " * 40, "", "word " * 27 + "word…"),
    ],
)
def test_subject_and_snippet_are_what_a_mail_program_would_show(raw: bytes, subject: str, snippet: str) -> None:
    found = read(raw)
    assert (found.subject, found.snippet) == (subject, snippet)


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1:80", "[::1]:8025", "LOCALHOST"])
def test_the_page_answers_to_this_machines_names(shared: Inbox, host: str) -> None:
    assert get(shared, "/", Host=host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com", "localhost.example.com", "127.0.0.1.example.com:8025", "", "[::2]"]
)
def test_the_page_does_not_answer_to_a_foreign_name(shared: Inbox, host: str) -> None:
    answer = get(shared, "/api/messages", Host=host)
    assert answer.status_code == 421
    assert "localhost and 127.0.0.1 only" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
    ],
)
def test_no_other_site_can_empty_the_mailbox(shared: Inbox, headers: dict[str, str]) -> None:
    key = put(shared, LETTER)
    assert requests.post(f"{shared.url}empty", headers=headers, timeout=10).status_code == 403
    assert requests.delete(f"{shared.url}api/messages", headers=headers, timeout=10).status_code == 403
    assert get(shared, f"/messages/{key}").status_code == 200


def test_looking_at_the_address_that_empties_changes_nothing(shared: Inbox) -> None:
    key = put(shared, LETTER)
    assert get(shared, "/empty").status_code == 405
    assert get(shared, f"/messages/{key}").status_code == 200


def test_the_pages_own_button_empties_the_mailbox(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        send(inbox)
        assert inbox.url
        own = {"Sec-Fetch-Site": "same-origin", "Origin": inbox.url.rstrip("/")}
        assert "No mail yet" in requests.post(f"{inbox.url}empty", headers=own, timeout=10).text
        assert inbox.messages() == []


def test_a_script_can_list_read_and_empty(tmp_path: Path) -> None:
    with Inbox(tmp_path) as inbox:
        keys = [put(inbox, newsletter_message()), put(inbox, LETTER)]
        listed = get(inbox, "/api/messages").json()
        assert (listed["total"], [m["key"] for m in listed["messages"]]) == (2, keys[::-1])
        assert [m["key"] for m in get(inbox, "/api/messages?limit=1&offset=1").json()["messages"]] == keys[:1]
        one = get(inbox, f"/api/messages/{keys[0]}").json()
        assert one["from"] == {"name": "La lettre", "email": "lettre@example.org"}
        assert one["to"] == {"name": "Élodie Durand", "email": "elodie@example.org"}
        assert (one["sender"], one["recipients"]) == ("bounce@example.org", ["ada@example.org"])
        assert ["Subject", "Écrire moins, écrire mieux"] in one["headers"]
        assert [part["content_type"] for part in one["parts"]] == [
            "text/plain",
            "text/html",
            "image/svg+xml",
            "text/html",
        ]
        assert requests.delete(f"{inbox.url}api/messages", timeout=10).json() == {"deleted": 2}
        assert get(inbox, "/api/messages").json() == {"total": 0, "messages": []}
        assert get(inbox, f"/api/messages/{keys[0]}").json() == {"error": "This message is not here (any more)."}


@pytest.mark.parametrize("key", ["nope", "..", "%2e%2e", "%2e%2e%2fenvelopes", ".hidden", "%00", "a:2,S", "%ff"])
def test_a_key_that_names_no_message_is_not_found(shared: Inbox, key: str) -> None:
    for path in (f"/messages/{key}", f"/messages/{key}/html", f"/messages/{key}/raw", f"/api/messages/{key}"):
        session = requests.Session()
        prepared = requests.Request("GET", str(shared.url)).prepare()
        prepared.url = f"{shared.url}{path.removeprefix('/')}"  # as it stands: a client would tidy `..` away
        with session:
            assert session.send(prepared, timeout=10).status_code == 404
