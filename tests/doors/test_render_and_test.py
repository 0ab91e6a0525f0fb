"""newsletter render, test and inbox: an author looks before anybody else does."""

from __future__ import annotations

import re
import signal
import sys
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from newsletter.links import Purpose, Signer
from newsletter.store.keys import load_keys
from tests.support.author import HELLO, readers_of

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.support.author import Author

ZOE = "zoe@example.org"
BODY = """\
Hello {{ subscriber.first_name | default("there") }},

{% if subscriber.language == "fr" %}
Bonjour !
{% else %}
Good day!
{% endif %}

You live in {{ subscriber.fields.city }}. Call it [home](https://example.org/?city={{ subscriber.fields.city }}).
"""
TOKEN = re.compile(rb"AQ[EI]A[\w-]{32}")  # the first key's, to unsubscribe or for preferences
THEIR_OWN = re.compile(rb"^(Date|Message-ID):.*$", re.MULTILINE)


@pytest.fixture
def ready(author: Author) -> Author:
    """An author with a personal issue, and one reader of whom all is known."""
    author.issue(BODY, head="title: Hello\nsubject: 'For {{ subscriber.first_name | default(\"you\") }}: spring'")
    author.reader(ZOE, first_name="Zoé", language="fr", fields={"city": "Saint-Malo & Dinard"})
    return author


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert not message.defects
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part
    assert not part.defects
    text: str = part.get_content()
    return text


# ── render ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_html_is_what_is_printed_unless_something_else_is_asked_for(ready: Author) -> None:
    answer = ready.run("render", HELLO)
    assert answer.code == 0
    assert answer.err == ""
    assert answer.out.lstrip().lower().startswith("<!doctype html>")
    assert answer.out == ready.run("render", HELLO, "--format", "html").out
    HTMLParser().feed(answer.out)


def test_of_a_reader_that_nobody_knows_what_must_be_known_stands_there_by_its_name(ready: Author) -> None:
    text = ready.run("render", HELLO, "--format", "text").out
    assert "Hello there," in text
    assert "You live in [city]." in text


def test_as_a_subscriber_it_says_what_that_one_would_read(ready: Author) -> None:
    text = ready.run("render", HELLO, "--format", "text", "--as", "ZOE@example.org").out
    assert "Hello Zoé," in text
    assert "Bonjour !" in text
    assert "Good day!" not in text
    assert "You live in Saint-Malo & Dinard." in text
    html = ready.run("render", HELLO, "--as", ZOE).out
    assert "You live in Saint-Malo &amp; Dinard." in html
    assert "https://example.org/?city=Saint-Malo%20%26%20Dinard" in html


def test_the_mjml_in_between_shows_slots_as_they_were_written(ready: Author) -> None:
    answer = ready.run("render", HELLO, "--format", "mjml")
    assert answer.code == 0
    assert answer.out.lstrip().startswith("<mjml")
    assert "{{ subscriber.fields.city }}" in answer.out


def test_the_whole_message_is_one_that_the_standard_parser_takes(ready: Author) -> None:
    target = ready.folder / "hello.eml"
    assert ready.run("render", HELLO, "--format", "eml", "--as", ZOE, "-o", str(target)).code == 0
    raw = target.read_bytes()
    assert re.search(rb"[^\r]\n|\r[^\n]", raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    raw.decode("ascii")
    message = parsed(raw)
    assert message["To"] == f"Zoé <{ZOE}>"
    assert message["From"] == "Camille <camille@letter.example.org>"
    assert message["Subject"] == "For Zoé: spring"
    assert message["List-Id"] == "The letter <camille.letter.example.org>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    https, mailto = message["List-Unsubscribe"].split(", ")
    assert https.startswith("<https://letter.example.org/unsubscribe/")
    assert mailto.startswith("<mailto:camille@letter.example.org?")
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_what_is_shown_as_a_subscriber_is_what_that_one_gets_but_for_date_and_tokens(ready: Author) -> None:
    with ready.inbox() as inbox:
        assert ready.run("publish", HELLO, "--yes").code == 0
        [received] = inbox.messages()
    assert ready.run("render", HELLO, "--format", "eml", "--as", ZOE, "-o", "shown.eml").code == 0
    shown = (ready.folder / "shown.eml").read_bytes()

    def alike(raw: bytes) -> bytes:
        assert len(TOKEN.findall(raw)) >= 2
        return THEIR_OWN.sub(rb"\1", TOKEN.sub(b"TOKEN", raw))

    assert alike(shown) == alike(received.raw)
    for form, kind in (("text", "plain"), ("html", "html")):
        printed = ready.run("render", HELLO, "--format", form, "--as", ZOE).out
        got = body(parsed(received.raw), kind)
        assert alike(printed.strip().encode()) == alike(got.strip().replace("\r\n", "\n").encode())


def test_links_in_what_is_printed_open_nothing(ready: Author) -> None:
    html = ready.run("render", HELLO, "--as", ZOE).out
    tokens = re.findall(r"/(?:unsubscribe|preferences)/([\w-]{36})", html)
    assert tokens
    with ready.database() as database:
        signer = Signer(load_keys(database))
    assert not any(signer.read(token, purpose) for token in tokens for purpose in Purpose)


def test_somebody_who_is_not_on_the_list_cannot_be_looked_over_the_shoulder(ready: Author) -> None:
    answer = ready.run("render", HELLO, "--as", "nobody@example.org")
    assert answer.code == 3
    assert "nobody@example.org is not on the list" in answer.err
    assert answer.out == ""


def test_a_subscriber_who_lacks_what_is_printed_is_refused_with_the_line(ready: Author) -> None:
    ready.reader("bo@example.org")
    answer = ready.run("render", HELLO, "--as", "bo@example.org")
    assert answer.code == 3
    assert "issues/2026-11-hello.md:14" in answer.err
    assert "bo@example.org has no city" in answer.err


def test_a_draft_may_be_looked_at_and_no_list_is_made_for_it(author: Author) -> None:
    author.issue("Soon.\n", head="title: Hello\ndraft: true")
    assert "Soon." in author.run("render", HELLO, "--format", "text").out
    assert author.run("render", HELLO, "--as", ZOE).code == 3
    assert not (author.folder / "newsletter.db").exists()


def test_the_file_has_what_would_have_been_printed(ready: Author) -> None:
    answer = ready.run("render", HELLO, "--format", "text", "-o", "hello.txt")
    assert answer.out == ""
    assert "Wrote hello.txt" in answer.err
    assert (ready.folder / "hello.txt").read_text("utf-8").rstrip() == ready.run(
        "render", HELLO, "--format", "text"
    ).out.rstrip()


def test_the_issue_itself_is_never_written_over(ready: Author) -> None:
    path = ready.folder / "issues" / f"{HELLO}.md"
    before = path.read_bytes()
    answer = ready.run("render", HELLO, "-o", f"issues/../issues/{HELLO}.md")
    assert answer.code == 2
    assert "is the issue itself" in answer.err
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_written_is_named(ready: Author) -> None:
    answer = ready.run("render", HELLO, "-o", "nowhere/hello.html")
    assert answer.code == 3
    assert "nowhere/hello.html: cannot be written: No such file or directory" in answer.err
    assert "make the folder nowhere first" in answer.err


def test_an_unknown_form_or_theme_is_told_the_right_ones(ready: Author) -> None:
    answer = ready.run("render", HELLO, "--format", "pdf")
    assert answer.code == 2
    assert all(form in answer.err for form in ("html", "text", "mjml", "eml"))
    answer = ready.run("render", HELLO, "--theme", "lettre")
    assert answer.code == 3
    assert "did you mean 'letter'?" in answer.err


# ── test ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_test_is_marked_goes_to_anybody_and_is_recorded_nowhere(ready: Author) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("test", HELLO, "--to", "me@example.com")
        [message] = inbox.messages()
        assert message.recipients == ("me@example.com",)
        assert message.parsed["Subject"] == "[Test] For you: spring"
        assert message.parsed["X-Newsletter-Test"] == "yes"
        assert answer.code == 0
        assert "me@example.com  sent" in answer.out
        assert ready.tallies() == []
        assert "Nothing was published yet" in ready.run("status").out
        assert ready.run("subscribers", "show", "me@example.com").code == 3
        # And the real one goes to everybody still.
        assert ready.run("publish", HELLO, "--yes", "--json").report["accepted"] == 1


def test_several_tests_are_several_messages(ready: Author) -> None:
    with ready.inbox() as inbox:
        arguments = ("test", HELLO, "--to", "me@example.com", "--to", "you@example.com", "--to", "me@example.com")
        assert ready.run(*arguments).code == 0
        assert readers_of(inbox) == ["me@example.com", "you@example.com"]
        ready.run("test", HELLO, "--to", "me@example.com")
        # A mailbox would hide a second message of the same Message-ID.
        assert len({message.parsed["Message-ID"] for message in inbox.messages()}) == 3


def test_a_test_to_a_subscriber_or_as_one_has_their_words(ready: Author) -> None:
    with ready.inbox() as inbox:
        ready.run("test", HELLO, "--to", ZOE)
        ready.run("test", HELLO, "--to", "me@example.com", "--as", ZOE)
        first, second = inbox.messages()
    assert (first.recipients, second.recipients) == ((ZOE,), ("me@example.com",))
    for message in (first, second):
        assert message.parsed["Subject"] == "[Test] For Zoé: spring"
        assert "Hello Zoé," in body(parsed(message.raw), "plain")


def test_the_unsubscribe_link_of_a_test_unsubscribes_nobody(ready: Author) -> None:
    with ready.inbox() as inbox:
        ready.run("test", HELLO, "--to", ZOE)
        [message] = inbox.messages()
    [token] = re.findall(r"/unsubscribe/([\w-]{36})>", message.parsed["List-Unsubscribe"])
    with ready.database() as database:
        ticket = Signer(load_keys(database)).read(token, Purpose.UNSUBSCRIBE)
    assert ticket
    assert (ticket.subscriber, ticket.mailing) == (0, 0)


def test_a_draft_may_be_tested(author: Author) -> None:
    author.issue("Soon.\n", head="title: Hello\nstatus: draft")
    with author.inbox() as inbox:
        assert author.run("test", HELLO, "--to", "me@example.com").code == 0
        assert readers_of(inbox) == ["me@example.com"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("me", "the address 'me' has no @"),
        ("me@", "the address 'me@' is not valid"),
        ("a@b@c", "an address looks like ana@example.org"),
        ("Me <me@example.org>", "is more than an address\n  → write the address alone: me@example.org"),
        ("mailto:me@example.org", "write the address alone: me@example.org"),
        ("me@example.org, you@example.org", "is more than one address\n  → write one at a time"),
        ("m e@example.org", "SPACE\n  → an address looks like ana@example.org"),
    ],
)
def test_a_broken_address_is_told_and_nothing_is_sent(ready: Author, address: str, told: str) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("test", HELLO, "--to", "you@example.com", "--to", address)
        assert inbox.messages() == []
    assert answer.code == 3
    assert told in answer.err


def test_no_address_is_wrong_usage(ready: Author) -> None:
    assert ready.run("test", HELLO).code == 2


def test_what_the_server_refuses_is_told_and_makes_the_exit_code_1(ready: Author) -> None:
    with ready.inbox(refuse={"bad@example.com": "550 5.1.1 no such user"}) as inbox:
        answer = ready.run("test", HELLO, "--to", "bad@example.com", "--to", "good@example.com")
        assert readers_of(inbox) == ["good@example.com"]
    assert answer.code == 1
    assert "bad@example.com  rejected: 550 5.1.1 no such user" in answer.out
    assert "good@example.com  sent" in answer.out


# ── inbox ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_the_mailbox_runs_until_ctrl_c_takes_mail_and_shows_it(ready: Author) -> None:
    with ready.start("inbox", "--smtp-port", "0", "--http-port", "0", "--maildir", "box") as mailbox:
        assert mailbox.stdout
        port = re.search(r"on 127\.0\.0\.1:(\d+), and kept in box", mailbox.stdout.readline())
        url = re.search(r"http://127\.0\.0\.1:\d+/", mailbox.stdout.readline())
        assert port
        assert url
        ready.send_to(int(port[1]))
        assert ready.run("publish", HELLO, "--yes").code == 0
        with urlopen(url[0]) as page:
            assert "For Zoé: spring" in page.read().decode()
        mailbox.send_signal(signal.SIGINT)
        _, err = mailbox.communicate()
    assert (mailbox.returncode, err) == (0, "")
    assert len(list((ready.folder / "box" / "new").iterdir())) == 1


def test_a_port_that_is_taken_is_refused_with_another_one(ready: Author) -> None:
    with ready.inbox() as inbox:
        answer = ready.run("inbox", "--smtp-port", str(inbox.smtp_port), "--http-port", "0")
    assert answer.code == 3
    assert f"port {inbox.smtp_port} on 127.0.0.1 is in use" in answer.err
    assert "--smtp-port 0" in answer.err
