"""What a refusal means, and that no reply whatever can make the table stumble."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.bounce import RULES, BounceClass, classify, rule_for
from newsletter.outcome import Reply, parse_reply

CASES = [
    (BounceClass(word), text)
    for word, replies in tomllib.loads(Path(__file__).with_name("bounces.toml").read_text("utf-8")).items()
    for text in replies
]
ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3}) (.*)")


def reply_in(text: str) -> Reply:
    """The reply as it stands in a report, with its accents."""
    code, _, rest = text.partition(" ")
    found = ENHANCED.fullmatch(rest)
    return Reply(int(code), *(found.groups() if found else ("", rest)))


def on_the_wire(text: str) -> Reply:
    """The same reply as a sender hears it: accents arrive as question marks."""
    code, _, rest = text.partition(" ")
    return parse_reply(int(code), [rest.encode().decode("latin-1")])


@pytest.mark.parametrize(("expected", "text"), CASES, ids=[text[:70] for _, text in CASES])
def test_a_reply_is_put_into_its_class(expected: BounceClass, text: str) -> None:
    assert (classify(reply_in(text)), classify(on_the_wire(text))) == (expected, expected), rule_for(reply_in(text))


def test_every_rule_is_what_decides_for_some_reply() -> None:
    deciding = {rule_for(reply) for _, text in CASES for reply in (reply_in(text), on_the_wire(text))}
    assert [rule.pattern for rule in RULES if rule not in deciding] == []


@given(st.integers(400, 499), st.sampled_from([text for _, text in CASES]))
def test_no_temporary_refusal_is_hard(code: int, text: str) -> None:
    reply = reply_in(text)
    assert classify(Reply(code, reply.enhanced, reply.text)) is not BounceClass.HARD


@given(st.integers(), st.text(max_size=12), st.text())
def test_any_reply_has_a_class(code: int, enhanced: str, text: str) -> None:
    assert classify(Reply(code, enhanced, text)) in BounceClass


@given(st.from_regex(r"[a-z.]{1,20}@[a-z]{1,10}\.example\.(org|com)", fullmatch=True))
def test_the_words_in_an_address_say_nothing(address: str) -> None:
    assert classify(Reply(550, "5.5.0", f"<{address}> 5m3")) is BounceClass.SOFT
    assert classify(Reply(550, "5.5.0", f"to {address}: 5m3")) is BounceClass.SOFT


def test_a_class_says_what_it_means_and_what_is_done() -> None:
    assert BounceClass("hard") is BounceClass.HARD
    assert BounceClass.HARD.value == "hard"
    assert BounceClass.HARD.meaning == "there is no such address"
    assert BounceClass.HARD.action == "suppressed at once"
    assert all(each.meaning and each.action for each in BounceClass)
