"""Requests beside the documents that providers publish: what these do not know is found.

The suite over all providers holds every request to SendGrid and Resend against them (tests/support/provider_requests).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.providers import Account, provider
from tests.contracts.test_providers import messages
from tests.support.published import HERE, document, mistakes

if TYPE_CHECKING:
    from newsletter.providers import Request


def request(name: str, number: int = 1) -> Request:
    module = provider(name)
    return module.request(Account("a-key"), messages(module, number), "a-batch")


@pytest.mark.parametrize("name", sorted(each.stem for each in HERE.glob("*.json")))
def test_a_document_names_where_it_is_from_its_version_and_its_licence(name: str) -> None:
    told = document(name)["info"]
    assert told["x-source"].startswith("https://github.com/")
    assert told["version"]
    assert told["license"]["name"] == "MIT"
    assert mistakes(name, request(name)) == []


@pytest.mark.parametrize(
    ("name", "was", "becomes", "said"),
    [
        (
            "sendgrid",
            '"reply_to":',
            '"replyTo":',
            "$: Additional properties are not allowed ('replyTo",
        ),
        ("sendgrid", '"categories":["2026', '"categories":["x","x","2026', "$.categories: ['x', 'x',"),
        ("sendgrid", '"custom_args":{', '"custom_args":{},"metadata":{', "$.personalizations[0]: Additional"),
        ("sendgrid", '"from":', '"sender":', "$: 'from' is a required property"),
        (
            "resend",
            '"reply_to":',
            '"replyTo":',
            "$[0]: Additional properties are not allowed ('replyTo",
        ),
        ("resend", '"tags":[{"name"', '"tags":[{"key"', "$[0].tags[0]: Additional"),
        ("resend", '"subject":', '"Subject":', "$[0]: 'subject' is a required property"),
    ],
)
def test_a_request_that_says_something_else_is_a_mistake(name: str, was: str, becomes: str, said: str) -> None:
    asked = request(name)
    text = asked.body.decode()
    assert was in text
    found = mistakes(name, replace(asked, body=text.replace(was, becomes).encode()))
    assert any(each.startswith(said) for each in found), found


def test_a_key_that_is_too_long_is_a_mistake() -> None:
    asked: Any = request("resend", 2)
    assert len(json.loads(asked.body)) == 2
    for length, wrong in ((256, 0), (257, 1)):
        headers = {**asked.headers, "Idempotency-Key": "x" * length}
        assert len(mistakes("resend", replace(asked, headers=headers))) == wrong
