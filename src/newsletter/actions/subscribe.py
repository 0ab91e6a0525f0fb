"""Subscribe: a visitor's wish to join is put into a queue, unread; then it is dealt with, out of the visitor's sight.

    ask      the visitor's request: one row, whoever the address belongs to
    admit    the wish, looked at: who is it, what is sent there                   somebody      gets
                                                                                  ────────────  ─────────────────────
                                                                                  new           entry, confirmation
                                                                                  waiting       confirmation
                                                                                  left, bounced,
                                                                                  complained    confirmation
                                                                                  reader        "you are one already"
                                                                                  blocked       nothing

Since the list is not looked at before the answer, neither the answer nor the time that it takes can tell who is on it.

Consent is the person's to give (GDPR, articles 4(11) and 7): who left, complained or bounced may come back by
confirming from the mailbox, and nobody else can bring them back. Only a block by the author's own hand stays. An
address gets one such message a day and three a week at most, whoever asks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter.consent import Consent, How
from newsletter.store.consents import record
from newsletter.store.joining import insert, standing_of
from newsletter.store.notices import Kind, put, remove, written_since
from newsletter.subscriber import Status, Subscriber
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.store.database import Connection
    from newsletter.store.notices import Notice

_DAY = 86_400
# So many messages that a form sets off may go to one address in so many seconds.
LIMITS = ((_DAY, 1), (7 * _DAY, 3))
_NAMES = ("first_name", "last_name", "name")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a visitor asked for. The address is valid (newsletter.sources.addresses); nothing else is believed."""

    email: str
    language: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)  # also first_name, last_name and name
    words: str = ""  # what stood beside the button
    page: str = ""  # the address of the form
    network: str = ""


def ask(connection: Connection, wish: Wish, now: int) -> None:
    """Put a wish into the queue, inside a transaction. All that a visitor waits for."""
    put(connection, Kind.ASKED, 0, now, asdict(wish))


def admit(connection: Connection, notice: Notice, *, confirm: bool, welcome: bool, now: int) -> str:
    """Deal with a wish from the queue, inside a transaction; the wish itself is not kept.

    `confirm` asks for a confirmation (double opt-in); without it, who is new is a reader at once, and who left still
    has to confirm. Returns what became of it: "new", "again", "already", "blocked", or "rested" (written to enough).
    """
    wish = Wish(**notice.content)
    remove(connection, notice.id)
    standing = standing_of(connection, wish.email)
    person = standing.person
    if standing.suppressed is Reason.MANUAL:
        return "blocked"
    if person is not None and any(
        written_since(connection, person.id, now - seconds, (Kind.CONFIRM, Kind.ALREADY)) >= most
        for seconds, most in LIMITS
    ):
        return "rested"
    if person is not None and standing.is_reader:
        put(connection, Kind.ALREADY, person.id, now)
        return "already"
    at_once = not confirm and person is None and standing.suppressed is None
    number = person.id if person else insert(connection, _entry(wish, at_once=at_once), now)
    record(
        connection,
        Consent(
            subscriber=number,
            at=datetime.fromtimestamp(notice.created_at, UTC),
            how=How.SINGLE if at_once else How.DOUBLE_OPT_IN,
            source="form",
            page=wish.page,
            words=wish.words,
            language=wish.language,
            network=wish.network,
        ),
    )
    if not at_once:
        put(connection, Kind.CONFIRM, number, now)
    elif welcome:
        put(connection, Kind.WELCOME, number, now)
    return "again" if person else "new"


def _entry(wish: Wish, *, at_once: bool) -> Subscriber:
    return Subscriber(
        wish.email,
        first_name=wish.fields.get("first_name", ""),
        last_name=wish.fields.get("last_name", ""),
        name=wish.fields.get("name", ""),
        language=wish.language,
        status=Status.ACTIVE if at_once else Status.PENDING,
        fields={name: text for name, text in wish.fields.items() if name not in _NAMES},
        source="form",
    )
