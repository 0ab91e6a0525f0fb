"""The main job, end to end: from an empty folder to every subscriber's mailbox, and nobody's twice."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from tests.support.author import HELLO, Author, readers_of

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from newsletter.inbox import ReceivedMessage

LIST = """\
Email,First name,Last name,Language,City,Tags
elodie@example.org,Élodie,"Durand, (Éditions)",fr,Nantes,volunteer
zoe@example.org,Zoé,,fr,Angers,
ana@example.com,Ana,Pérez,,London,"volunteer;press"
bo at example.com,Bo,,,,
ana@example.com,Ana,again,,,
gone@example.org,Gaëtan,,fr,Brest,
"""
TEXT = """\
Hello {{ subscriber.first_name | default("there") }},

the harbour of {{ subscriber.fields.city }} is *quiet* tonight. [Read on](https://example.org/harbour).

{% if "volunteer" in subscriber.tags %}
Thank you for helping.
{% endif %}
"""


def parsed(message: ReceivedMessage) -> EmailMessage:
    """The message, of which the standard parser has nothing to complain."""
    found = message_from_bytes(message.raw, policy=policy.default)
    assert not found.defects
    assert not any(part.defects for part in found.walk())
    assert not any(header.defects for header in found.values())
    return found


def words(message: ReceivedMessage, kind: str) -> str:
    part = parsed(message).get_body((kind,))
    assert part
    text: str = part.get_content()
    return text


def test_from_an_empty_folder_to_every_mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    author = Author(tmp_path / "elsewhere", monkeypatch)

    def does(*arguments: str, code: int = 0) -> str:
        answer = author.run(*arguments)
        assert answer.code == code, answer
        return answer.out

    # A folder becomes a newsletter, and the newsletter gets an issue.
    monkeypatch.chdir(tmp_path)
    does("init", "harbour", "--title", "Harbour letters", "--sender-email", "camille@harbour.example.org")
    author.folder = tmp_path / "harbour"
    author.config = author.folder / "newsletter.toml"
    monkeypatch.chdir(author.folder)
    path = author.folder / does("new", "Evenings, and other « quiet » things").strip()
    assert "this issue is a draft" in author.run("publish", path.stem, "--yes").err
    head = path.read_text("utf-8").partition("\n---\n")[0].replace("\ndraft: true", "")
    path.write_text(f"{head}\n---\n\n{TEXT}", encoding="utf-8")
    author.git("init", "-q")
    author.git("add", "issues")
    author.git("commit", "-q", "-m", "Write about evenings")

    # The readers come from a spreadsheet; one of them has left since.
    (author.folder / "readers.csv").write_text(LIST, encoding="utf-8")
    assert "4  added" in does("subscribers", "import", "readers.csv")
    does("subscribers", "unsubscribe", "gone@example.org")

    with author.inbox() as inbox:
        # The author looks first.
        assert "the harbour of Angers is quiet tonight" in re.sub(
            r"[*_]", "", does("render", path.stem, "--as", "zoe@example.org", "--format", "text")
        )
        does("test", path.stem, "--to", "camille@harbour.example.org", "--as", "zoe@example.org")
        assert [message.parsed["Subject"] for message in inbox.messages()] == [
            "[Test] Evenings, and other « quiet » things"
        ]
        inbox.empty()

        # Then everybody reads.
        plan = does("publish", path.stem, "--dry-run")
        assert "3 recipients" in plan
        assert "left out: 1 unsubscribed" in plan
        assert "3  accepted" in author.run_process("publish", path.stem, "--yes").out
        received = {message.recipients[0]: message for message in inbox.wait(3)}
        assert readers_of(inbox) == ["ana@example.com", "elodie@example.org", "zoe@example.org"]

        # Once is once; who comes later can have it, too.
        does("publish", path.stem, "--yes", code=3)
        does("resume", path.stem, code=3)
        does("subscribers", "add", "late@example.org", "--field", "city=Lyon")
        does("publish", path.stem, "--yes", "--new-only")
        assert len(inbox.wait(4)) == 4

    elodie = received["elodie@example.org"]
    assert str(parsed(elodie)["To"].addresses[0]) == '"Élodie Durand, (Éditions)" <elodie@example.org>'
    assert "Hello Élodie," in words(elodie, "plain")
    assert "Thank you for helping." in words(elodie, "plain")
    assert "Thank you for helping." in words(elodie, "html")
    assert "Thank you for helping." not in words(received["zoe@example.org"], "plain")
    assert "Thank you for helping." not in words(received["zoe@example.org"], "html")
    for message in received.values():
        assert parsed(message)["Subject"] == "Evenings, and other « quiet » things"
        assert parsed(message)["From"] == "Harbour letters <camille@harbour.example.org>"
        assert "12 Lilac Street, Springfield" in words(message, "plain")
        assert "12 Lilac Street, Springfield" in words(message, "html")
        assert "https://example.org/harbour" in words(message, "plain")
        [link] = set(re.findall(r"https://\S+?/unsubscribe/[\w-]+", words(message, "plain")))
        assert link in words(message, "html")
        assert f"<{link}>" in parsed(message)["List-Unsubscribe"]
    for name in ("Message-ID", "List-Unsubscribe"):
        assert len({parsed(message)[name] for message in received.values()}) == 3

    # And it is on record.
    told = author.run("status", path.stem, "--json").report
    assert (told["state"], told["accepted"], told["undelivered"]) == ("finished", 1, [])
    assert told["commit"] == author.git("rev-parse", "HEAD")
    assert author.run("status").out.count("finished") == 2
    shown = does("subscribers", "show", "ana@example.com")
    assert re.search(rf"accepted +{path.stem}", shown)


def squeezed(text: str) -> str:
    """The text without its white space."""
    return "".join(text.split())


# ── Names that could do harm ─────────────────────────────────────────────────────────────────────────────────────────

NAMES = {
    "accents, a comma, brackets": "Élodie Durand, (Éditions)",
    "quotes and a backslash": 'Bo "the \\ Slash" O\'Neill',
    "a line end": "Cy\r\nBcc: evil@example.org\r\n\r\n<b>body</b>",
    "other line ends": "Di\u2028Bcc: evil@example.org\u0085X-Evil: yes\x0b\x0c",
    "an address": "Ed <evil@example.org>, Flo <evil@example.com>;",
    "an encoded word": "=?utf-8?q?Evil=0D=0ABcc:_evil=40example.org?=",
    "a template": "{{ 7 * 7 }}{% for x in y %}{# #}",
    "markup": "<script>alert(1)</script>&amp;",
    "other writing": "מרים 山田 🌊",
    "no end": "Ñandú " * 60,
}
OURS = {
    "From", "List-Id", "List-Unsubscribe-Post", "List-Post", "Reply-To", "MIME-Version", "Content-Type", "Date",
    "Message-ID", "To", "Subject", "List-Unsubscribe",
}  # fmt: skip


@pytest.mark.parametrize("kind", list(NAMES))
def test_no_name_becomes_a_header_a_recipient_or_markup(author: Author, kind: str) -> None:
    author.settings('title = "The letter"', "title = 'L’été, « déjà »: \"encore\" (et \\ toujours)'")
    author.settings('name = "Camille"', "name = 'Éditions \"Dupont\", & fils'")
    author.settings(
        'email = "camille@letter.example.org"',
        'email = "camille@letter.example.org"\nreply_to = "bonjour@letter.example.org"',
    )
    author.issue(
        "Dear {{ subscriber.first_name }},\n\n[you](https://example.org/?name={{ subscriber.first_name }})\n",
        head='title: "Évènements: \\"deux\\", (et plus)"\n'
        "subject: 'Évènements: \"deux\", (et plus) pour {{ subscriber.first_name }}'\n"
        "author: 'Zoé \"Z\", née X'",
    )
    author.reader("reader@example.org", first_name=NAMES[kind])
    with author.inbox() as inbox:
        assert author.run("publish", HELLO, "--yes").code == 0
        [received] = inbox.messages()
    assert received.recipients == ("reader@example.org",)
    message = parsed(received)
    assert set(message.keys()) == OURS
    assert len(message.keys()) == len(OURS)
    name = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", NAMES[kind])
    [to] = message["To"].addresses
    assert to.addr_spec == "reader@example.org"
    # The standard parser keeps the white space between two encoded words (RFC 2047 section 6.2 drops it).
    assert squeezed(to.display_name) == squeezed(name)
    assert message["From"].addresses[0].display_name == 'Éditions "Dupont", & fils'
    assert message["From"].addresses[0].addr_spec == "camille@letter.example.org"
    assert message["Subject"] == f"Évènements: “deux”, (et plus) pour {name}".rstrip()
    assert message["List-Id"].endswith("<camille.letter.example.org>")
    assert "<script>" not in words(received, "html")
    assert squeezed(f"Dear {name},") in squeezed(words(received, "plain"))
    assert "Dear 49" not in words(received, "plain")
    [href] = re.findall(r'href="(https://example\.org/\?name=[^"]*)"', words(received, "html"))
    assert not set(href) & set("<> \r\n'{}")


@pytest.mark.parametrize(
    "line", ['title = "A\\r\\nBcc: evil@example.org"', 'title = "A\\u2028B"', 'title = "A\\u0000"']
)
def test_a_setting_that_would_be_two_lines_of_a_header_is_refused(author: Author, line: str) -> None:
    author.issue()
    author.reader("reader@example.org")
    author.settings('title = "The letter"', line)
    answer = author.run("publish", HELLO, "--yes")
    assert answer.code == 3
    assert "newsletter.toml:2:9: title" in answer.err


@pytest.mark.parametrize("key", ["title", "subject", "description", "author"])
def test_front_matter_that_would_be_two_lines_of_a_header_is_none(author: Author, key: str) -> None:
    others = "" if key == "title" else "title: Hello\n"
    author.issue(head=f'{others}{key}: "A\\r\\nBcc: evil@example.org\\r\\n\\r\\nBody"')
    author.reader("reader@example.org")
    with author.inbox() as inbox:
        answer = author.run("publish", HELLO, "--yes")
        received = inbox.messages()
    if answer.code:  # it may be refused, with its line
        assert (answer.code, received) == (3, [])
        assert f"issues/{HELLO}.md:{2 + bool(others)}" in answer.err
    else:
        [message] = received
        assert set(parsed(message).keys()) == OURS - {"Reply-To"}
        assert message.recipients == ("reader@example.org",)
