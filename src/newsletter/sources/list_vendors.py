"""What other tools write when they export a list: one row a tool, recognised by its columns.

Where a row is doubtful, it chooses what writes to nobody who may have left:

Mailchimp    an audience is a zip of subscribed, unsubscribed and cleaned members, of unlike columns. What stands in
             MEMBER_RATING, LATITUDE and the like comes from tracking, and is left behind
Brevo        keeps one blocklist for who left, complained or bounced: all of them count as having left
Kit          says "inactive" of who has not confirmed, "cancelled" of who left
beehiiv      says "inactive" of who left
Buttondown   "churned" and "paused" are not known here: whether such a person reads on, the author decides
Ghost        members who do not subscribe to emails count as having left
Substack     has had three forms; addresses at deletion-request.substack.com asked to be forgotten
Keila        "unreachable" is a bounce
listmonk     "disabled" and "blocklisted" are the author's decision
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsletter.sources.list_words import plain
from newsletter.subscriber import Status
from newsletter.suppression import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Vendor:
    """One tool's export. Names of columns are plain: without case and signs."""

    name: str
    marks: tuple[frozenset[str], ...]  # it is this tool's when all of one of these are there
    columns: Mapping[str, str]  # what is not clear from the name alone
    statuses: Mapping[str, Status | Reason]
    rows: tuple[tuple[str, ...], ...] = ()  # and all of one of these side by side: any list may have such columns
    files: Mapping[str, Reason] = field(default_factory=dict)  # who stands in a file with this column has left
    undecided: frozenset[str] = frozenset()  # statuses of whose people the author decides
    forgotten: str = ""  # the end of addresses that stand for who asked to be deleted

    def leaves(self, header: Sequence[str]) -> Reason | None:
        """Why everybody in a file with this header has left; None when they have not."""
        return next((reason for title, reason in self.files.items() if title in map(plain, header)), None)


def _all(*names: str) -> frozenset[str]:
    return frozenset(names)


def _nothing(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "-")


# What `subscribers export` writes: a field of such a list may be called like another tool's column.
OURS = _all("email", "first name", "last name", "name", "language", "status", "tags", "joined")

VENDORS = (
    Vendor(
        "Mailchimp",
        (_all("member rating", "optin time"), _all("leid", "euid")),
        {
            "optin time": "joined",
            "optin ip": "consent.network",
            "confirm time": "consent.confirmed",
            "confirm ip": "consent.network",
            "unsub time": "unsubscribed",
            "clean time": "bounced",
            "unsub reason": "fields.unsub_reason",
            "cc": "fields.country",
            "region": "fields.region",
            **_nothing("member rating", "latitude", "longitude", "gmtoff", "dstoff", "last changed", "leid", "euid"),
            **_nothing("unsub campaign title", "unsub campaign id", "unsub reason other", "clean campaign title"),
            **_nothing("clean campaign id"),
        },
        {},
        files={"unsub time": Reason.UNSUBSCRIBED, "clean time": Reason.BOUNCED},
    ),
    Vendor(
        "Substack",
        (
            _all("email", "active subscription", "email disabled"),
            _all("email", "email disabled", "digest enabled"),
            _all("email", "expiry", "email disabled"),
            _all("email", "stripe plan", "activity"),
        ),
        {
            "email disabled": "unsubscribed",
            "created at": "joined",
            "start date": "joined",
            "type": "fields.plan",
            "stripe plan": "-",
            **_nothing("stripe connected customer id", "expiry", "prefer digests", "digest enabled", "activity"),
            **_nothing("cancel date", "paid upgrade date"),
        },
        {},
        forgotten="@deletion-request.substack.com",
    ),
    Vendor(
        "Buttondown",
        (_all("email", "subscriber type", "creation date"), _all("email", "secondary id", "subscription date")),
        {
            "subscriber type": "status",
            "creation date": "joined",
            "subscription date": "consent.at",
            "unsubscription date": "unsubscribed",
            "ip address": "consent.network",
            "metadata": "data",
            "notes": "fields.notes",
            **_nothing("id", "secondary id", "utm source", "utm medium", "utm campaign", "referrer url"),
        },
        {
            **dict.fromkeys(("regular", "premium", "gifted", "trialed", "churning", "past due"), Status.ACTIVE),
            "unactivated": Status.PENDING,
            **dict.fromkeys(("removed", "unsubscribed"), Reason.UNSUBSCRIBED),
            **dict.fromkeys(("undeliverable", "malformed"), Reason.BOUNCED),
            "complained": Reason.COMPLAINED,
            **dict.fromkeys(("blocked", "spammy", "disabled"), Reason.MANUAL),
        },
        undecided=_all("churned", "paused"),
    ),
    Vendor(
        "Ghost",
        (_all("email", "subscribed to emails"),),
        {
            "subscribed to emails": "subscribed",
            "deleted at": "unsubscribed",
            "created at": "joined",
            "labels": "tags",
            "note": "fields.note",
            "tiers": "fields.tiers",
            "products": "fields.tiers",
            **_nothing("id", "stripe customer id", "gift id", "import tier"),
        },
        {},
    ),
    Vendor(
        "Brevo",
        (
            _all("contact id", "email", "double opt in"),
            _all("contact id", "email", "added time"),
            _all("email", "email blacklisted"),
            _all("email", "added time", "modified time"),
        ),
        {
            "email blacklisted": "unsubscribed",
            "added time": "joined",
            "double opt in": "consent.note",
            "firstname": "first_name",
            "lastname": "last_name",
            **_nothing("contact id", "modified time", "sms blacklisted"),
        },
        {},
    ),
    Vendor(
        "listmonk",
        (_all("uuid", "email", "attributes", "status"),),
        {"attributes": "data", "created at": "joined", **_nothing("uuid", "updated at")},
        {"enabled": Status.ACTIVE, "disabled": Reason.MANUAL, "blocklisted": Reason.MANUAL},
    ),
    Vendor(
        "Keila",
        (_all("email", "first name", "last name", "data"),),
        {"data": "data", "external id": "fields.external_id"},
        {"unreachable": Reason.BOUNCED},
    ),
    Vendor(
        "beehiiv",
        (
            _all("email", "status", "tier", "created at", "stripe customer id"),
            _all("email", "status", "tier", "created at", "unsubscribed at"),
        ),
        {
            "created at": "joined",
            "unsubscribed at": "unsubscribed",
            "tier": "fields.tier",
            **_nothing("id", "stripe customer id"),
        },
        {"inactive": Reason.UNSUBSCRIBED, "validating": Status.PENDING, "invalid": Reason.BOUNCED},
    ),
    # The last, since its columns are the least its own.
    Vendor(
        "Kit",
        (_all("first name", "email", "created at"),),
        {"created at": "joined", "tags": "tags", **_nothing("subscriber id")},
        {
            "confirmed": Status.ACTIVE,
            "inactive": Status.PENDING,
            "unconfirmed": Status.PENDING,
            "cancelled": Reason.UNSUBSCRIBED,
        },
        rows=(("first name", "email", "created at", "status"), ("first name", "email", "created at", "state")),
    ),
)


def vendor_of(header: Sequence[str]) -> Vendor | None:
    """Whose export has these columns, by their plain names; None when it is nobody's that is known."""
    there = set(header)
    if there >= OURS:
        return None
    # Some leave "address" out of it, some translate it.
    if any("mail" in name for name in there):
        there.add("email")
    for vendor in VENDORS:
        if any(marks <= there for marks in vendor.marks) and _side_by_side(vendor.rows, header):
            return vendor
    return None


def _side_by_side(rows: Sequence[tuple[str, ...]], header: Sequence[str]) -> bool:
    named = ["email" if "mail" in name else name for name in header]
    return not rows or any(
        tuple(named[at : at + len(row)]) == row for row in rows for at in range(len(named) - len(row) + 1)
    )
