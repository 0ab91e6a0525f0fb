"""What a provider makes of an edition.

What cannot be sent through it is refused before anybody gets a message, and what arrives otherwise than by SMTP is
told: nothing is dropped in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from newsletter.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.edition import Edition
    from newsletter.message import Frame
    from newsletter.providers import Capabilities

# List-Id, List-Post, List-Unsubscribe, List-Unsubscribe-Post; those of a test and of a notice come on top of it.
_OUR_HEADERS = 5


class Fit(NamedTuple):
    """What stands against a send, and what an author should know before it."""

    refusals: tuple[Problem, ...]
    notes: tuple[str, ...]


def fit(name: str, can: Capabilities, edition: Edition, frame: Frame, *, signs: bool, tags: bool) -> Fit:
    """How an edition in a frame fits a provider.

    `signs` says that the settings have a key for DKIM, `tags` that each message has a return path of its own.
    """
    return Fit(tuple(_refusals(name, can, edition, frame)), tuple(notes(name, can, frame, signs=signs, tags=tags)))


def _refusals(name: str, can: Capabilities, edition: Edition, frame: Frame) -> Iterator[Problem]:
    if edition.pictures and not can.inline_images:
        fix = 'write place = "folder" or "link" below [images], or send through another transport'
        yield Problem(f"{name} takes no images inside a message, and this one has {len(edition.pictures)}", fix=fix)
    if edition.files and not can.attachments:
        files = ", ".join(each.name for each in edition.files)
        fix = "take the attachments out, or send through another transport"
        yield Problem(f"{name} takes no attachments: {files}", fix=fix)
    weight = sum(len(each.content) for each in (*edition.pictures, *edition.files)) * 4 // 3
    if weight > can.largest_message:
        told = f"{weight / 1e6:.1f} MB of images and attachments, and {name} takes {can.largest_message / 1e6:.0f}"
        yield Problem(
            f"each message would carry {told}", fix='write place = "folder" below [images], or make them smaller'
        )
    if can.headers is not None and can.headers < _OUR_HEADERS:
        yield Problem(f"{name} takes {can.headers} headers a message, and a newsletter needs {_OUR_HEADERS}")
    if can.header_octets is not None and (longest := _longest_header(frame)) > can.header_octets:
        told = f"List-Id would have {longest} octets, and {name} takes {can.header_octets}"
        yield Problem(told, fix="choose a shorter title below [newsletter]")
    if not frame.sender.email.isascii() and not can.international:
        yield Problem(f"{name} takes no sender's address beyond ASCII: {frame.sender.email}")


def _longest_header(frame: Frame) -> int:
    # As an encoded word has it (RFC 2047): a third more, and its frame.
    title = frame.list_title
    return len(frame.list_id) + 4 + (len(title) if title.isascii() else len(title.encode()) * 4 // 3 + 20)


def notes(name: str, can: Capabilities, frame: Frame, *, signs: bool, tags: bool) -> Iterator[str]:
    """What holds for every message through a provider; see `fit`."""
    yield from can.notes
    if not can.custom_headers:
        yield f"{name} takes no headers of ours: no List-Id, and no List-Unsubscribe but its own."
    elif not can.list_id:
        yield f"{name} lets nobody write List-Id: readers cannot sort your letter by it."
    if not can.utf8_headers and not (frame.sender.name + frame.list_title).isascii():
        yield f"{name} takes ASCII alone in headers: the sender's name may arrive without its accents."
    if not can.tags:
        yield f"{name} takes no tag: its own figures are not told apart by issue."
    if not can.references:
        yield f"{name} does not give our reference back: what becomes of a message is known by its address alone."
    if can.tracking == "account":
        yield f"{name} counts opens and clicks unless you switch that off in your account there."
    if can.signs and signs:
        yield f"{name} signs by itself: the keys below [dkim] are not used."
    if tags and not can.envelope:
        yield f"{name} has a return path of its own: no bounce comes to the address that [sender] bounces names."
