"""Plan: whom an issue would go to, who is left out and why, and what stands in the way. Nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.audience import tags_in
from newsletter.errors import IssueError, LedgerError, Problem, did_you_mean, meant
from newsletter.links import Links, Signer
from newsletter.mailing import MailingState
from newsletter.render.needs import needs
from newsletter.render.slots import evaluator
from newsletter.segment import parse
from newsletter.store.known_tags import known_tags
from newsletter.store.mailings import mailings_of, next_retry, tally_of
from newsletter.store.plans import count_new
from newsletter.store.segments import recipients
from newsletter.store.subscribers import Subscribers
from newsletter.subscriber import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from newsletter.audience import Rule
    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.limits import Limits
    from newsletter.mailing import Mailing
    from newsletter.report import Tally
    from newsletter.segment_values import Vocabulary
    from newsletter.store.database import Database
    from newsletter.store.segments import Condition
    from newsletter.transports import Capabilities

_EXAMPLES = 3

# How fast a mailing will go, while nothing better is known: most servers answer a message within a tenth of a second.
_PER_SECOND_AND_CONNECTION = 10.0
_ENOUGH_TO_JUDGE = 100  # accepted messages of an earlier mailing; fewer measure the start more than the way
_LOOKED_BACK = 3  # mailings


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing would do."""

    issue: Issue
    edition: Edition
    segment: str  # the rule as written; "" for everybody
    audience: Condition
    recipients: int
    left_out: Mapping[str, int]  # why → how many, of everybody on the list
    earlier: int  # mailings of this issue, when this was planned


def make_plan(
    database: Database,
    issue: Issue,
    edition: Edition,
    segment: str = "",
    *,
    language: str = "",
    new_only: bool = False,
    vocabulary: Vocabulary | None = None,
    now: int,
) -> Plan:
    """Look at the list and at the issue's earlier mailings, and say what publishing would do.

    `language` is the newsletter's, for those who named none; `vocabulary` is what the rule of the segment can speak
    of; `now` is in UTC seconds. Raises ListError for a wrong segment rule; LedgerError when the issue was sent already,
    when its sending is under way, and when nobody would get it; IssueError when a recipient lacks something that the
    issue prints without a default.
    """
    subscribers = Subscribers(database)
    rule = parse(segment, vocabulary or subscribers.vocabulary(now=now))
    audience = recipients(rule, language=language, now=now, dialect=database.dialect)
    earlier = mailings_of(database, issue.key)
    unfinished = [mailing for mailing in earlier if not mailing.is_over]
    if unfinished:
        raise _under_way(database, unfinished[-1])
    sent = [mailing for mailing in earlier if _reached_somebody(database, mailing)]
    if sent and not new_only:
        raise _sent_already(database, issue, sent, count_new(database, issue.key, audience))
    number = count_new(database, issue.key, audience)
    people = subscribers.audience(rule, language=language, now=now)
    left_out = {
        "not confirmed yet": people.pending,
        "unsubscribed": people.unsubscribed,
        "suppressed": people.suppressed,
        "paused": people.paused,
        "outside of the segment": people.outside,
        "already in a mailing of this issue": people.recipients - number,
    }
    left_out = {why: how_many for why, how_many in left_out.items() if how_many}
    if not number:
        raise _nobody(database, rule, left_out, segment)
    _check_values(subscribers, issue, edition, rule, language, have_it=issue.key if earlier else None)
    return Plan(issue, edition, segment, audience, number, left_out, len(earlier))


def left_today(database: Database, limits: Limits, day: date) -> int | None:
    """How many messages may still be sent on this day, the first of a mailing; None: as many as there are."""
    from newsletter.limits import ALL
    from newsletter.store.tokens import used_today

    cap = limits.cap(day)
    return None if cap is None else max(0, cap - used_today(database, ALL, day.toordinal()))


def seconds_expected(database: Database, transport: str, capabilities: Capabilities, recipients: int) -> float:
    """How long a mailing will take: as the last ones through this transport did, else as the transport says of itself.

    Of the last ones the fastest counts: the others were stopped, or waited for those who were deferred.
    """
    finished = [each for each in mailings_of(database) if each.transport == transport and each.finished_at]
    rates = []
    for mailing in finished[-_LOOKED_BACK:]:
        number = tally_of(database, mailing.id).accepted
        if number >= _ENOUGH_TO_JUDGE and mailing.finished_at:
            rates.append(number / max(1.0, (mailing.finished_at - mailing.planned_at).total_seconds()))
    guess = capabilities.messages_per_second or capabilities.in_flight * _PER_SECOND_AND_CONNECTION
    return recipients / max(rates, default=guess)


def _reached_somebody(database: Database, mailing: Mailing) -> bool:
    """Whether anybody may have it: what was cancelled before it began is as if it had never been."""
    if mailing.state is not MailingState.CANCELLED:
        return True
    counts = tally_of(database, mailing.id)
    return counts.planned > counts.skipped


def _sent_already(database: Database, issue: Issue, sent: Sequence[Mailing], new: int) -> LedgerError:
    counts = [tally_of(database, mailing.id) for mailing in sent]
    last = f"on {sent[-1].planned_at:%Y-%m-%d}"
    when = last if len(sent) == 1 else f"{len(sent)} times, last {last}"
    command = f"newsletter publish {issue.key} --new-only"
    known = (
        "everybody has it"
        if all(each.all_well for each in counts)
        else f"who did not get it: newsletter status {issue.key}"
    )
    fix = (
        f"to reach only those who do not have it ({new:,} now): {command}"
        if new
        else f"{known}; once others have joined, reach only them with: {command}"
    )
    accepted = sum(each.accepted for each in counts)
    readers = "1 reader" if accepted == 1 else f"{accepted:,} readers"
    return LedgerError(Problem(f"this issue was sent {when}, to {readers}", issue.path, fix=fix))


def _under_way(database: Database, mailing: Mailing) -> LedgerError:
    counts = tally_of(database, mailing.id)
    if mailing.is_scheduled and mailing.starts_at:
        return LedgerError(
            Problem(
                f"this issue is scheduled for {mailing.starts_at:%Y-%m-%d %H:%M} UTC, as it was when it was planned",
                fix=f"to change the time: newsletter schedule move {mailing.issue}; the text: newsletter schedule "
                f"cancel {mailing.issue}, and publish it again",
            )
        )
    left = counts.pending + counts.deferred
    when = next_retry(database, mailing.id)
    later = f" ({counts.deferred:,} of them deferred, the next at {when:%H:%M} UTC)" if when else ""
    return LedgerError(
        Problem(
            f"the sending of this issue is not at its end: {left:,} of {counts.planned:,} "
            f"{'is' if left == 1 else 'are'} left{later}",
            fix=f"newsletter resume {mailing.issue}",
        )
    )


def _nobody(database: Database, rule: Rule, left_out: Mapping[str, int], segment: str) -> LedgerError:
    if not left_out:
        return LedgerError(
            Problem("there is nobody on the list yet", fix="newsletter subscribers import FILE.csv, or add EMAIL")
        )
    why = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
    fix = "check the rule of --segment" if segment else "see newsletter subscribers list"
    known = {tag.casefold(): tag for tag in known_tags(database)} if any(tags_in(rule)) else {}
    if missing := next((tag for tag in tags_in(rule) if tag.casefold() not in known), ""):
        fix = f"nobody has the tag {missing!r}; {did_you_mean(missing, known.values()) if known else 'nor any other'}"
    return LedgerError(Problem(f"nobody would get this issue: {why}", fix=fix))


def _check_values(
    subscribers: Subscribers, issue: Issue, edition: Edition, rule: Rule, language: str, have_it: str | None
) -> None:
    """Before the first message leaves: everybody has what the issue prints without a default.

    `have_it` is the issue's key when some may have it already, who then lack nothing.
    """
    needed = needs(edition)
    needed.pop("email", None)
    if not needed:
        return
    values = evaluator(edition)
    links = Links(Signer({1: b""}), "https://example.org", issue.key, 0, 0)  # nobody follows these
    wanting: list[str] = []
    number = 0
    problem: Problem | None = None
    for subscriber, suppressed in subscribers.iterate(rule, status=Status.ACTIVE, language=language):
        if suppressed:
            continue
        try:
            values(subscriber, links)
        except IssueError as error:
            if have_it and any(receipt.issue == have_it for receipt in subscribers.history(subscriber)):
                continue
            number += 1
            problem = problem or error.problems[0]
            if len(wanting) < _EXAMPLES:
                wanting.append(subscriber.email)
    if problem is not None:
        names = ", ".join(wanting) + (f", and {number - len(wanting):,} more" if number > len(wanting) else "")
        raise IssueError(
            Problem(
                f"{number:,} recipient{'s lack' if number != 1 else ' lacks'} a value that is printed here "
                f"without a default: {names}",
                problem.path or issue.path,
                problem.line,
                problem.column,
                problem.fix,
            )
        )


def what_is_left(database: Database, issue: str) -> tuple[Mailing, Tally]:
    """The issue's mailing that is not at its end, else its last one, and where it stands.

    Raises LedgerError when it has none.
    """
    mailings = mailings_of(database, issue)
    if not mailings:
        raise not_published(issue, {mailing.issue for mailing in mailings_of(database)})
    open_ones = [mailing for mailing in mailings if not mailing.is_over]
    mailing = (open_ones or mailings)[-1]
    return mailing, tally_of(database, mailing.id)


def not_published(issue: str, published: Collection[str] = ()) -> LedgerError:
    """The error for an issue that has no mailing, where `published` have one."""
    if near := meant(issue, published):
        fix = f"did you mean {near!r}? Or send it: newsletter publish {issue}"
    elif published:
        fix = f"see which ones were: newsletter status; or send it: newsletter publish {issue}"
    else:
        fix = f"newsletter publish {issue}"
    return LedgerError(Problem(f"the issue {issue!r} has not been published", fix=fix))
