"""What a provider makes of an edition, told before anybody gets it; and what a webhook's call refers to, fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from newsletter.letter import Letters, with_header
from newsletter.message import Compiled, Mailbox
from newsletter.picture import enclose
from newsletter.providers import Capabilities, Forged
from newsletter.providers.fitting import fit
from newsletter.transports.fetching import fetch
from tests.contracts.test_providers import EDITION, FRAME
from tests.support.api import Api, Reply

ALL = Capabilities(form="letter", envelope=True, signs=False)
PICTURE = enclose(b"x" * 3_000_000, "cat.png", "image/png")
FILE = enclose(b"BEGIN", "walk.ics", "text/calendar")

REFUSED: list[tuple[Capabilities, Any, Any, str]] = [
    (replace(ALL, inline_images=False), replace(EDITION, pictures=(PICTURE,)), FRAME, "takes no images inside"),
    (replace(ALL, attachments=False), replace(EDITION, files=(FILE,)), FRAME, "takes no attachments: walk.ics"),
    (replace(ALL, largest_message=2_000_000), replace(EDITION, pictures=(PICTURE,)), FRAME, "4.0 MB of images"),
    (replace(ALL, headers=3), EDITION, FRAME, "takes 3 headers a message"),
    (replace(ALL, header_octets=60), EDITION, replace(FRAME, list_title="é" * 40), "List-Id would have"),
    (ALL, EDITION, replace(FRAME, sender=Mailbox("élodie@example.org")), "no sender's address beyond ASCII"),
]


@pytest.mark.parametrize(("can", "edition", "frame", "why"), REFUSED, ids=[row[3] for row in REFUSED])
def test_what_cannot_go_that_way_is_refused_with_a_way_out(
    can: Capabilities, edition: Any, frame: Any, why: str
) -> None:
    (problem,) = fit("Example Post", can, edition, frame, signs=False, tags=False).refusals
    assert problem.message.startswith(("Example Post", "each message", "List-Id"))
    assert why in problem.message
    assert fit("Example Post", ALL, EDITION, FRAME, signs=False, tags=False) == ((), ())


NOTED: list[tuple[Capabilities, str]] = [
    (replace(ALL, custom_headers=False), "takes no headers of ours"),
    (replace(ALL, utf8_headers=False), "ASCII alone in headers"),
    (replace(ALL, references=False), "does not give our reference back"),
    (replace(ALL, tracking="account"), "counts opens and clicks unless"),
    (replace(ALL, signs=True), "the keys below [dkim] are not used"),
    (replace(ALL, envelope=False), "a return path of its own"),
    (replace(ALL, notes=("It may take a day.",)), "It may take a day."),
]


@pytest.mark.parametrize(("can", "note"), NOTED, ids=[note for _, note in NOTED])
def test_what_arrives_otherwise_than_by_smtp_is_told(can: Capabilities, note: str) -> None:
    found = fit("Example Post", can, EDITION, FRAME, signs=True, tags=True)
    assert found.refusals == ()
    assert any(note in each for each in found.notes)


def test_a_notice_says_in_either_form_that_nobody_wrote_it() -> None:
    composers: list[Any] = [Letters(EDITION, FRAME, "confirm"), Compiled(EDITION, FRAME)]
    letter, whole = (
        with_header(
            each.compose(
                1,
                Mailbox("zoe@example.org"),
                (),
                message_id="<notice.1@example.org>",
                date=datetime(2026, 11, 21, tzinfo=UTC),
                unsubscribe_url="https://example.org/unsubscribe/token",
            ),
            "Auto-Submitted",
            "auto-generated",
        )
        for each in composers
    )
    assert letter.letter is not None
    assert ("Auto-Submitted", "auto-generated") in letter.letter.headers
    assert whole.data.startswith(b"Auto-Submitted: auto-generated\r\n")


def test_what_cannot_be_fetched_is_no_proof() -> None:
    with Api(lambda call: Reply(200, b"PEM") if call.path == "/good.pem" else Reply(404, b"")) as api:
        assert fetch(f"{api.url}/good.pem") == b"PEM"
        with pytest.raises(Forged, match="answers 404"):
            fetch(f"{api.url}/bad.pem")
    with pytest.raises(Forged, match="cannot be had"):
        fetch(f"{api.url}/good.pem")
