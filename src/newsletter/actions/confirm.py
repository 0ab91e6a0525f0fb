"""Confirm: the person says from the mailbox that it was they who asked. With a token that works once, for three days.

The token is itsdangerous' timed signature over the person's number and the notice's, bound to its deed by the salt:
that of a confirmation opens nobody's data (newsletter.actions.own_data). The newest key signs, all are accepted.
Forged, damaged and expired ones take the same way to the same answer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from newsletter.consent import Consent, How
from newsletter.store import changes, consents
from newsletter.store.joining import left_since, standing_of_number, use_up
from newsletter.store.notices import Kind, put

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from newsletter.store.database import Connection, Database

SECONDS = 72 * 3600  # for which a token of a confirmation works


class Claim(NamedTuple):
    """What a token says, once its signature was found good."""

    subscriber: int
    notice: int


class Confirmed(Enum):
    """What came of a confirmation."""

    DONE = "done"  # a reader from now on
    BEFORE = "before"  # this link did it already, and the person is a reader
    OLD = "old"  # this link was used, and more has happened since; or the person is gone, or blocked


class Deed(Enum):
    """What a token lets its holder do: the salt of its signature, and for how many seconds."""

    CONFIRM = (b"newsletter: confirm a subscription", SECONDS)
    OWN_DATA = (b"newsletter: see and delete what is kept about me", 24 * 3600)


class Tokens:
    """Makes and reads the tokens that are mailed to a person, for one deed."""

    def __init__(self, keys: Mapping[int, bytes], clock: Callable[[], datetime], deed: Deed = Deed.CONFIRM) -> None:
        """`keys` are number → secret, as for links; the highest number signs."""
        from itsdangerous import TimestampSigner, URLSafeTimedSerializer

        class Signer(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(clock().timestamp())

        salt, self._seconds = deed.value
        secrets = [keys[number] for number in sorted(keys)]
        self._serializer = URLSafeTimedSerializer(
            secrets, salt=salt, signer=Signer, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256}
        )

    def token(self, claim: Claim) -> str:
        """The token for a claim: letters, digits, `-`, `_` and `.`."""
        return str(self._serializer.dumps([claim.subscriber, claim.notice]))

    def read(self, token: str) -> Claim | None:
        """What a token says; None when it is forged, damaged, for something else, or too old."""
        from itsdangerous import BadData

        try:
            said = self._serializer.loads(token, max_age=self._seconds)
            subscriber, notice = said
            return Claim(int(subscriber), int(notice))
        except (BadData, TypeError, ValueError):
            return None


def confirm(
    connection: Connection, database: Database, claim: Claim, token: str, *, welcome: bool, now: int
) -> Confirmed:  # fmt: skip
    """Let the person be a reader, and keep the proof of it, inside a transaction."""
    before = standing_of_number(connection, claim.subscriber)
    if not use_up(connection, token, now + SECONDS):
        return Confirmed.BEFORE if before.is_reader else Confirmed.OLD
    # Who asks twice has two links; the one that was not used must not undo a later departure.
    if left_since(connection, claim.notice):
        return Confirmed.OLD
    if not changes.confirm(connection, claim.subscriber, now=now, source="form"):
        return Confirmed.OLD
    moment = datetime.fromtimestamp(now, UTC)
    wishes = [each for each in consents.of(database, claim.subscriber) if each.how is How.DOUBLE_OPT_IN]
    wish = wishes[-1] if wishes else Consent(claim.subscriber, moment, How.DOUBLE_OPT_IN, "form")
    consents.record(connection, replace(wish, confirmed_at=moment, id=0))
    if welcome and not before.is_reader:
        put(connection, Kind.WELCOME, claim.subscriber, now)
    return Confirmed.DONE
