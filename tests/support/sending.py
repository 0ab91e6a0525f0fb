"""What tests of sending share: an edition, a list of so many people, a mailing planned for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from newsletter.actions.send import Post
from newsletter.edition import Edition, Expression, Slot, Where
from newsletter.links import Signer
from newsletter.message import Compiled, Frame, Mailbox, list_id
from newsletter.render.slots import evaluator
from newsletter.store.keys import load_keys
from newsletter.store.plans import write_plan
from newsletter.store.segments import Condition

if TYPE_CHECKING:
    from newsletter.mailing import Mailing
    from newsletter.store.database import Database

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
EVERYBODY = Condition("s.status = 'active'")

EDITION = Edition(
    subject=("Hello ", Slot(0, Where.PLAIN)),
    preheader=(),
    html=("<p>Hello ", Slot(0, Where.HTML), '</p><a href="', Slot(1, Where.URL), '">leave</a>' + "\n<p>text</p>" * 50),
    text=("Hello ", Slot(0, Where.PLAIN), "\n", Slot(1, Where.PLAIN), "\n"),
    expressions=(Expression(('subscriber.first_name | default("you")',)), Expression(("unsubscribe_url",))),
    language="en",
    title="Hello",
)
FRAME = Frame(
    sender=Mailbox("letter@example.org", "The letter"),
    reply_to="",
    list_title="The letter",
    list_id=list_id("letter@example.org"),
    unsubscribe_email="letter@example.org",
    return_path="letter@example.org",
)


def clock() -> datetime:
    """A clock that stands still."""
    return NOW


def fill_list(database: Database, number: int) -> None:
    """Put reader0@example.org … onto the list."""
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO subscribers (email, canonical, first_name) VALUES (?, ?, ?)",
            ((f"reader{n}@example.org", f"reader{n}@example.org", f"Reader {n}") for n in range(number)),
        )


def plan(
    database: Database, *, issue: str = "2026-11-hello", edition: Edition = EDITION, **differently: Any
) -> Mailing:
    """Plan a mailing to everybody on the list, with what `write_plan` takes where it is to differ."""
    usual: dict[str, Any] = {
        "audience": EVERYBODY,
        "segment": "",
        "sender": "The letter <letter@example.org>",
        "transport": "relay",
        "commit": "",
        "modified": False,
        "now": int(NOW.timestamp()),
    }
    return write_plan(database, issue=issue, edition=edition, **usual | differently)


def post_for(database: Database, mailing: Mailing, edition: Edition = EDITION) -> Post:
    """All that turns a recipient of the mailing into a message."""
    return Post(
        compiled=Compiled(edition, FRAME),
        evaluate=evaluator(edition),
        signer=Signer(load_keys(database)),
        base_url="https://letter.example.org",
        issue=mailing.issue,
        domain="example.org",
        mailing=mailing.id,
    )
