"""A person's whole story: in order for the author, and as JSON for the person who asks (GDPR, articles 15 and 20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from newsletter.actions.export_subscribers import written
from newsletter.consent import How
from newsletter.delivery import State
from newsletter.store import changes, consents
from newsletter.store.story import heard_of, sent_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.consent import Consent
    from newsletter.field import Field
    from newsletter.store.story import Heard, Sent
    from newsletter.store.subscribers import Subscribers
    from newsletter.subscriber import Subscriber
    from newsletter.suppression import Suppression


@dataclass(frozen=True, slots=True)
class Step:
    """One thing in a person's story."""

    at: datetime  # UTC
    what: str  # "joined", "agreed", "left", "accepted", "bounced"
    about: str = ""  # an issue, a source, the words agreed to


@dataclass(frozen=True, slots=True)
class Person:
    """All that is kept about a person."""

    subscriber: Subscriber | None  # None: only the suppression of the address is left
    suppression: Suppression | None
    consents: tuple[Consent, ...] = ()
    changes: tuple[changes.Change, ...] = ()
    sent: tuple[Sent, ...] = ()
    heard: tuple[Heard, ...] = ()

    @property
    def story(self) -> list[Step]:
        """What happened, in order."""
        steps: list[Step] = []
        person = self.subscriber
        if person and person.joined:
            steps.append(Step(person.joined, "joined", person.source))
        for consent in self.consents:
            steps += _consented(consent)
        steps += [
            Step(each.at, each.what if each.what in _DEEDS else "changed",
                 each.source if each.what in _DEEDS else f"{each.what} ({each.source})")
            for each in self.changes
        ]  # fmt: skip
        steps += [Step(each.at, each.state.name.lower(), _told(each)) for each in self.sent]
        steps += [Step(each.at, each.kind, _reported(each)) for each in self.heard]
        blocked = self.suppression
        if blocked and not any(step.what == "left" and abs(step.at - blocked.since) < _SAME for step in steps):
            steps.append(Step(blocked.since, "suppressed", f"{blocked.reason.value} ({blocked.source or 'not known'})"))
        return sorted(steps, key=lambda step: step.at)


_DEEDS = ("left", "came back")
_SAME = datetime(2000, 1, 1, 0, 0, 2, tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)


def _consented(consent: Consent) -> list[Step]:
    where = " ".join(filter(None, (consent.source, consent.page)))
    about = f"“{consent.words}” ({where})" if consent.words else where
    if consent.how is not How.DOUBLE_OPT_IN:
        agreed = [Step(consent.at, "agreed", about)]
        return agreed if consent.confirmed_at is None else [*agreed, Step(consent.confirmed_at, "confirmed", about)]
    if consent.confirmed_at is None:
        return [Step(consent.at, "asked to join", about)]
    return [Step(consent.confirmed_at, "confirmed", about)]


def _told(sent: Sent) -> str:
    reply = f": {sent.code or ''} {sent.reply}".rstrip() if sent.state is not State.ACCEPTED and sent.reply else ""
    return f"{sent.issue}{reply}"


def _reported(heard: Heard) -> str:
    return " ".join(filter(None, (heard.issue, heard.bounce, heard.enhanced or str(heard.code or ""), heard.reply)))


def person_of(subscribers: Subscribers, email: str) -> Person | None:
    """All that is kept about whoever has this address; None when nothing is."""
    person, suppression = subscribers.get(email), subscribers.suppression(email)
    if person is None:
        return Person(None, suppression) if suppression else None
    database = subscribers.database
    return Person(
        person,
        suppression,
        tuple(consents.of(database, person.id)),
        tuple(changes.of(database, person.id)),
        tuple(sent_to(database, person.id)),
        tuple(heard_of(database, person.id)),
    )


# What the words of an export mean, for somebody who has never seen this program.
MEANINGS = {
    "entry": "What the newsletter knows of you. `joined` is when you came onto the list, `source` how; "
             "`last_active` when you last confirmed or changed something; `paused_until` until when you get nothing.",
    "entry.status": "pending: you have asked to join and not confirmed yet; active: you get every issue; "
                    "unsubscribed: you have left.",
    "suppression": "Your address gets nothing, since then and for this reason. unsubscribed: you left; complained: you "
                   "called a message spam; bounced: messages to it came back; manual: the sender decided so.",
    "consents": "What you agreed to: in which words, when, where, and how that is known. A double opt-in without "
                "`confirmed_at` was asked for and not confirmed. `network` is kept only if the sender has chosen so.",
    "changes": "What you changed, by its name, and when you left or came back.",
    "sent": "The issues that were meant for you, and what became of each. accepted: the next mail server took it; "
            "deferred: it will be tried again; rejected: it was refused; skipped: you had left or paused before; "
            "uncertain: no answer came; pending, claimed, offered: it is on its way.",
    "heard": "What mail servers or you reported of a message later. It is not known whether you open or click.",
}  # fmt: skip


def as_export(person: Person, now: datetime, fields: Mapping[str, Field], language: str = "en") -> dict[str, Any]:
    """Everything about a person, as an object of JSON, with the meaning of its words. Times are in UTC."""
    entry = person.subscriber
    return {
        "exported_at": written(now),
        "meanings": MEANINGS,
        "entry": entry and {
            "number": entry.id,
            "email": entry.email,
            "first_name": entry.first_name,
            "last_name": entry.last_name,
            "name": entry.name,
            "language": entry.language,
            "time_zone": entry.time_zone,
            "status": entry.status.value,
            "tags": list(entry.tags),
            "fields": dict(entry.fields),
            "labels": {name: fields[name].label(language) for name in entry.fields if name in fields},
            "joined": written(entry.joined),
            "source": entry.source,
            "paused_until": _moment(entry.paused_until),
            "last_active": _moment(entry.last_active),
        },
        "suppression": person.suppression and {
            "reason": person.suppression.reason.value,
            "since": written(person.suppression.since),
            "source": person.suppression.source,
        },
        **history(person),
    }  # fmt: skip


def history(person: Person) -> dict[str, list[dict[str, Any]]]:
    """What is kept besides the entry, as lists of objects of JSON."""
    return {
        "consents": [
            {
                "at": written(each.at),
                "how": each.how.value,
                "source": each.source,
                "page": each.page,
                "words": each.words,
                "language": each.language,
                "confirmed_at": written(each.confirmed_at),
                "network": each.network,
            }
            for each in person.consents
        ],
        "changes": [{"at": written(each.at), "what": each.what, "source": each.source} for each in person.changes],
        "sent": [
            {
                "issue": each.issue,
                "title": each.title,
                "planned_at": written(each.planned_at),
                "state": each.state.name.lower(),
                "at": written(each.at),
                "attempts": each.attempts,
                "code": each.code,
                "reply": each.reply,
            }
            for each in person.sent
        ],
        "heard": [
            {
                "at": written(each.at),
                "kind": each.kind,
                "bounce": each.bounce,
                "issue": each.issue,
                "code": each.code,
                "enhanced": each.enhanced,
                "reply": each.reply,
                "source": each.source,
            }
            for each in person.heard
        ],
    }


def _moment(seconds: int) -> str:
    return written(datetime.fromtimestamp(seconds, UTC)) if seconds else ""
