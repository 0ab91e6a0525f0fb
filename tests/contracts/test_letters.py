"""What providers that take letters are asked: files, templates, keys, and what only one of them has."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.edition import Choice, Edition, Slot, Where, fill
from newsletter.letter import Letter, Letters, Part
from newsletter.message import Envelope, Mailbox, Message
from newsletter.outcome import Accepted
from newsletter.picture import enclose
from newsletter.providers import Account, provider
from newsletter.providers.asking import literal_html, literal_text, to_json
from newsletter.providers.fitting import fit
from newsletter.transports.http import HttpTransport
from tests.contracts.test_providers import EDITION, FRAME
from tests.support.api import Api, Call, Reply
from tests.support.published import mistakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.edition import Pattern
    from newsletter.outcome import Outcome

PICTURE = enclose(b"\x89PNG a picture", "hills.png", "image/png")
CALENDAR = enclose(b"BEGIN:VCALENDAR", "tea.ics", "text/calendar")
LETTERS = ("sendgrid", "postmark", "brevo", "mailjet", "resend", "mailersend")
SETTINGS = {"mailersend": {"plan": "enterprise"}}


def letter(number: int = 1, **changed: Any) -> Letter:
    made = Letter(
        sender=Mailbox("letter@example.org", "Élodie, la lettre"),
        to=Mailbox(f"reader{number}@example.org", "Zoé Durand"),
        reply_to="",
        subject="Hello",
        html_part=Part.of(f'<p>Hello</p><img src="cid:{PICTURE.content_id}">'),
        text_part=Part.of("Hello"),
        headers=(
            ("List-Id", "=?utf-8?q?La_lettre_d=27=C3=A9t=C3=A9?= <letter.example.org>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("List-Unsubscribe", "<https://example.org/unsubscribe/token>, <mailto:bonjour@example.org?subject=x>"),
        ),
        reference=f"7.{number}.0123456789abcdef",
        tag="2026-11-hello",
    )
    return replace(made, **changed)


def message(number: int = 1, **changed: Any) -> Message:
    made = letter(number, **changed)
    return Message(
        number, Envelope("letter@example.org", made.to.email), f"<{made.reference}@example.org>", (), letter=made
    )


def asked(name: str, *messages: Message, key: str = "a-key-of-the-batch") -> Any:
    request = provider(name).request(Account("a-key", settings=SETTINGS.get(name, {})), messages, key)
    if name in ("sendgrid", "resend"):
        assert mistakes(name, request) == []
    return json.loads(request.body)


def through(name: str, api: Api, messages: Iterator[Message], **more: Any) -> list[Outcome | None]:
    account = Account("a-key", settings=SETTINGS.get(name, {}), endpoint=api.url)
    transport = HttpTransport(provider(name), account, connections=1, **more)
    try:
        return [outcome for part in transport.deliver(messages, lambda _: None) for _, outcome in part]
    finally:
        transport.close()


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def enclosed(told: Any) -> set[tuple[str, bytes]]:
    """Every file in a request, wherever it is: how the HTML calls it, or else its name; and what is in it."""
    if isinstance(told, list):
        return {each for one in told for each in enclosed(one)}
    if not isinstance(told, dict):
        return set()
    small = {key.lower(): value for key, value in told.items()}
    content = small.get("base64content") or small.get("content")
    if isinstance(content, str):
        inside = (small.get("contentid") or small.get("content_id") or small.get("id") or "").removeprefix("cid:")
        if called := inside or small.get("filename") or small.get("name"):
            return {(called, b64decode(content))}
    return {each for value in told.values() for each in enclosed(value)}


@pytest.mark.parametrize("name", [each for each in LETTERS if provider(each).CAPABILITIES.inline_images])
def test_an_image_has_the_name_by_which_the_html_calls_it_and_a_file_its_own(name: str) -> None:
    told = asked(name, message(pictures=(PICTURE,), files=(CALENDAR,)))
    assert enclosed(told) == {(PICTURE.content_id, PICTURE.content), ("tea.ics", CALENDAR.content)}


def test_brevo_takes_files_and_says_before_the_first_send_that_it_takes_no_image_inside() -> None:
    assert enclosed(asked("brevo", message(files=(CALENDAR,)))) == {("tea.ics", CALENDAR.content)}
    edition = replace(EDITION, pictures=(PICTURE,))
    found = fit("Brevo", provider("brevo").CAPABILITIES, edition, FRAME, signs=False, tags=False)
    assert "takes no images inside a message" in found.refusals[0].message
    assert any("ASCII" in note for note in found.notes)


@pytest.mark.parametrize(
    ("changed", "paths"), [({}, ["/emails/batch"]), ({"pictures": (PICTURE,)}, ["/emails"] * 3)], ids=["bare", "images"]
)
def test_resend_gets_a_batch_or_with_images_one_message_after_another(changed: Any, paths: list[str]) -> None:
    def answer(call: Call) -> Reply:
        told = call.json()
        return Reply(200, {"data": [{"id": "x"} for _ in told]} if isinstance(told, list) else {"id": "x"})

    with Api(answer) as api:
        found = through("resend", api, (message(number, **changed) for number in range(1, 4)))
    assert [type(each) for each in found] == [Accepted] * 3
    assert [call.path for call in api.calls] == paths


def test_letters_with_other_files_are_another_request() -> None:
    def answer(call: Call) -> Reply:
        return Reply(201, {"messageIds": ["x" for _ in call.json()["messageVersions"]]})

    files: list[Any] = [(), (), (CALENDAR,), (CALENDAR,), ()]
    with Api(answer) as api:
        found = through("brevo", api, (message(number, files=each) for number, each in enumerate(files, 1)))
    assert [type(each) for each in found] == [Accepted] * 5
    assert [(len(call.json()["messageVersions"]), "attachment" in call.json()) for call in api.calls] == [
        (2, False),
        (2, True),
        (1, False),
    ]


# ── Templates ────────────────────────────────────────────────────────────────────────────────────────────────────────

BEGINS = re.compile(r"\{[{%#$]")
TEXTS = st.text(st.sampled_from("{}%#$7*x <>&;\u2060é"), max_size=30)


@given(TEXTS)
def test_no_text_of_a_readers_means_anything_to_a_template_language(text: str) -> None:
    assert not BEGINS.search(literal_text(text))
    assert literal_text(text).replace("\u2060", "") == text.replace("\u2060", "")


@given(st.text(st.sampled_from("{}%#$7*x é"), max_size=30))
def test_html_looks_the_same_and_means_nothing_to_a_template_language(text: str) -> None:
    made = literal_html(Part.of(f"<p title='{text}'>{text}</p>")).text
    assert not BEGINS.search(made)
    assert unescape(made) == f"<p title='{text}'>{text}</p>"


def test_style_sheets_keep_their_braces_and_only_get_a_blank_between() -> None:
    html = "<style>@media(min-width:9px){#a{color:red}}</style><p>{{7*7}}</p>"
    assert literal_html(Part.of(html)).text == "<style>@media(min-width:9px){ #a{color:red}}</style><p>&#123;{7*7}}</p>"


# ── Splices ──────────────────────────────────────────────────────────────────────────────────────────────────────────

# What could be taken for a mark, a quote or an escape, and what needs two of them.
SPLICED = st.text(st.sampled_from('\0\\"u0é🌱{%\n\u2028') | st.characters(exclude_categories=["Cs"]), max_size=12)
DATA: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | SPLICED | SPLICED.map(Part.of),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SPLICED, inner, max_size=4),
    max_leaves=12,
)


@given(DATA)
def test_what_is_spliced_is_what_the_standard_library_would_write(data: Any) -> None:
    plain = json.dumps(data, separators=(",", ":"), default=lambda part: part.text).encode()
    assert to_json(data) == plain


@given(values=st.lists(SPLICED, min_size=3, max_size=3), branch=st.integers(-1, 2), texts=st.tuples(SPLICED, SPLICED))
def test_a_spliced_letter_says_what_the_edition_says(values: list[str], branch: int, texts: tuple[str, str]) -> None:
    first, second = texts
    slots = tuple(Slot(index, where) for index in range(2) for where in Where)
    pattern: Pattern = (first, *slots, second, Choice(2, ((first, slots[1]), (slots[7],))), Slot(0, Where.PLAIN))
    edition = Edition(("Hello",), ("",), pattern, (*slots, first), (), "en", "Hello")
    given = (*values[:2], f"{branch}")
    for _ in range(2):  # what was encoded for the last one may be used again
        made = composed(Letters(edition, FRAME, "hello"), given)
        assert (made.html, made.text) == (fill(edition.html, given), fill(edition.text, given))


def test_half_of_a_character_is_in_no_letter() -> None:
    edition = Edition(("Hello",), ("",), (Slot(0, Where.HTML),), ("",), (), "en", "Hello")
    with pytest.raises(ValueError, match="surrogates"):
        composed(Letters(edition, FRAME, "hello"), ("\ud83c",))


def composed(letters: Letters, values: tuple[str, ...]) -> Letter:
    made = letters.compose(
        1,
        Mailbox("reader@example.org"),
        values,
        message_id="<7.1.0123456789abcdef@example.org>",
        date=datetime(2026, 11, 21, tzinfo=UTC),
        unsubscribe_url="https://example.org/unsubscribe/token",
    )
    assert made.letter is not None
    return made.letter


# ── Keys for repeats ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("resend", {"data": [{"id": "1"}, {"id": "2"}]}),
        ("brevo", {"messageIds": ["1", "2"]}),
        ("mailjet", {"Messages": [{"Status": "success", "To": []}] * 2}),
    ],
)
def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(name: str, answer: Any) -> None:
    with Api(lambda _: Reply(200, answer) if len(api.calls) > 1 else Reply(silent=True)) as api:
        found = through(name, api, iter([message(1), message(2)]), timeout=2)
    assert [type(each) for each in found] == [Accepted, Accepted]
    first, second = api.calls
    assert first.body == second.body
    assert first.headers.get("idempotency-key") == second.headers.get("idempotency-key")


@pytest.mark.parametrize("name", ["sendgrid", "mailersend", "postmark"])
def test_who_knows_no_keys_is_not_asked_twice(name: str) -> None:
    from newsletter.errors import TransportError

    with Api(lambda _: Reply(silent=True)) as api:
        account = Account("a-key", settings=SETTINGS.get(name, {}), endpoint=api.url)
        transport = HttpTransport(provider(name), account, connections=1, timeout=0.2)
        outcomes: list[Outcome | None] = []
        with pytest.raises(TransportError):
            outcomes.extend(
                outcome for part in transport.deliver(iter([message()]), lambda _: None) for _, outcome in part
            )
        transport.close()
    assert len(api.calls) == 1


def test_brevos_key_is_a_uuid_and_another_batch_has_another_one() -> None:
    keys = [asked("brevo", message(), key=key)["headers"]["idempotencyKey"] for key in ("a", "a", "b")]
    assert keys[0] == keys[1] != keys[2]
    assert UUID(keys[0]).version == 4


def test_mailjet_keeps_nobody_from_a_second_copy_for_a_test() -> None:
    (sent,) = asked("mailjet", message())["Messages"]
    assert (sent["CustomCampaign"], sent["DeduplicateCampaign"]) == ("2026-11-hello 7", True)
    (copy,) = asked("mailjet", message(reference="0.1.0123456789abcdef"))["Messages"]
    assert not {"CustomCampaign", "DeduplicateCampaign"} & copy.keys()


# ── What only one of them has ────────────────────────────────────────────────────────────────────────────────────────


def test_brevo_gets_headers_in_ascii_and_names_that_it_does_not_lose() -> None:
    told = asked("brevo", message())
    (version,) = told["messageVersions"]
    assert version["headers"]["List-Id"] == "<letter.example.org>"
    assert told["sender"]["name"].startswith("=?utf-8?")
    assert version["to"] == [{"email": "reader1@example.org", "name": "Zoé Durand"}]


def test_mailersend_gets_the_one_click_address_where_headers_are_not_paid_for() -> None:
    account = Account("a-key", settings={"plan": "professional"})
    told = json.loads(provider("mailersend").request(account, [message()], "").body)
    assert told["list_unsubscribe"] == "https://example.org/unsubscribe/token"
    assert "headers" not in told
    assert "list_unsubscribe" not in asked("mailersend", message())


def test_an_address_beyond_ascii_that_is_refused_is_not_called_one_that_does_not_exist() -> None:
    from newsletter.bounce import BounceClass, classify
    from newsletter.providers import Response

    body = b'{"errors": [{"message": "Does not contain a valid address.", "field": "personalizations.0.to.0.email"}]}'
    found = {}
    for email in ("zoe@example.org", "zoé@example.org"):
        outcomes = provider("sendgrid").outcomes(Account(""), [message(to=Mailbox(email))], Response(400, {}, body))
        assert isinstance(outcomes, list)
        found[email] = classify(outcomes[0].reply)
    assert found == {"zoe@example.org": BounceClass.HARD, "zoé@example.org": BounceClass.CONTENT}
