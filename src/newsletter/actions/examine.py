"""Examine: whether everything around a newsletter is such that its mails arrive, asked of those who know.

    settings    what the file says, and what it does not; the list, whether it opens
    way out     the mail server: reached, encrypted, logged in, the sender taken, how much it takes
    domain      in examine_domain.py: what the DNS says of the sender
    pages       the address in List-Unsubscribe: over https, and answering a POST with 200
    receivers   in checks/receivers.py: which of each one's rules are met

Nothing is sent and nothing changed; a POST for nobody's subscription is answered and does nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from newsletter.checks import authentication as auth
from newsletter.checks.sender_free import FREE
from newsletter.diagnosis import Diagnosis, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    from newsletter.config import Config
    from newsletter.limits import Limits
    from newsletter.providers import Quota
    from newsletter.sources.next_hop import Trial

_SOON = timedelta(days=14)
SETTINGS, WAY_OUT, PAGES = "Settings", "Way out", "Pages"


def examine_settings(config: Config) -> Iterator[Diagnosis]:
    """What can be told from the file alone."""
    missing = config.problems_before_sending()
    for problem in missing:
        yield Diagnosis(SETTINGS, "newsletter.toml", Health.BAD, problem.message, problem.fix or "")
    domain = _domain(config.sender.email)
    if domain in FREE:
        message = f"the sender's address is at {domain}, in whose name no other server may send"
        yield Diagnosis(SETTINGS, "Sender", Health.BAD, message, "send from a domain of your own", "", auth.EVERYBODY)
    elif domain:
        yield Diagnosis(SETTINGS, "Sender", Health.GOOD, f"{config.sender.email} is at no free mail provider")
    if not config.sender.bounces:
        message = "bounces come back to the sender's own mailbox, where nobody counts them"
        yield Diagnosis(SETTINGS, "Bounces", Health.ADVICE, message, "write [sender] bounces, and a section [bounces]")
    if config.base_url and not config.base_url.startswith("https:"):
        message = "base_url has no https: one-click unsubscribing is not offered (RFC 8058)"
        yield Diagnosis(
            SETTINGS, "One click", Health.BAD, message, "serve the pages over https", "", ("Gmail", "Yahoo")
        )
    if not missing:
        yield Diagnosis(SETTINGS, "newsletter.toml", Health.GOOD, "everything that a real send needs is there")


def examine_list(people: int | None, failure: str = "") -> Diagnosis:
    """Whether the list opens, and how many are on it; None: there is none yet."""
    if failure:
        return Diagnosis(SETTINGS, "List", Health.BAD, f"it cannot be opened: {failure}", "see [store] url")
    if people is None:
        fix = "newsletter subscribers import makes it, and so does the first who signs up"
        return Diagnosis(SETTINGS, "List", Health.ADVICE, "there is none yet", fix)
    return Diagnosis(SETTINGS, "List", Health.GOOD, f"it opens, and has {people:,} active reader{'s' * (people != 1)}")


def examine_quota(name: str, trial: Trial | None, quota: Quota | None, limits: Limits | None, day: date) -> Diagnosis:
    """How much may be sent: by what the server announces, what a provider says, and what the settings allow.

    A server announces SIZE (RFC 1870) and LIMITS (RFC 9422); most tell nothing of their quota before it is used up.
    """
    parts = []
    if trial and trial.largest:
        parts.append(f"{name} takes messages of up to {trial.largest / 1e6:.1f} MB")
    if trial and trial.limits:
        parts.append(f"announces {', '.join(f'{key} {value}' for key, value in trial.limits.items())}")
    if quota:
        left = "" if quota.left is None else f", {quota.left:,} more today"
        parts.append(f"{name} lets this account send {quota.per_second:g} a second{left}")
    told = "; ".join(parts)
    if quota and quota.left == 0:
        return Diagnosis(WAY_OUT, "Quota", Health.BAD, told, "wait until tomorrow, or ask for more")
    if limits:
        return Diagnosis(WAY_OUT, "Quota", Health.GOOD, "; ".join((*parts, f"the settings allow {limits.told(day)}")))
    if quota:
        return Diagnosis(WAY_OUT, "Quota", Health.GOOD, told)
    known = f"{told}; " if told else ""
    fix = "if whoever runs it allows so much an hour or a day, write that below [limits], as rate and daily"
    return Diagnosis(WAY_OUT, "Quota", Health.ADVICE, f"{known}the settings allow any number of messages", fix)


def examine_provider(name: str, provider: str, missing: str, notes: Sequence[str]) -> Iterator[Diagnosis]:
    """What is known of a provider without asking it: whether all is there that it needs, and what it does otherwise."""
    if missing:
        why, _, fix = missing.partition("\n  → ")
        yield Diagnosis(WAY_OUT, name, Health.BAD, why, fix)
    else:
        yield Diagnosis(WAY_OUT, name, Health.GOOD, f"{provider} has its key and its settings")
    for note in notes:
        yield Diagnosis(WAY_OUT, name, Health.ADVICE, note)


def examine_way_out(name: str, trial: Trial, now: datetime) -> Iterator[Diagnosis]:
    """What came of trying the mail server out."""
    if trial.failure:
        advice = {
            "connect": "check host and port, and whether this network may reach it",
            "encrypt": "check security, and the name that the certificate is for",
            "log in": "check username, and the variable or file with the password",
            "send": "ask whoever runs it whether it may send for this address",
        }
        message = f"{name} cannot be used ({trial.stage}): {trial.failure}"
        yield Diagnosis(WAY_OUT, "Server", Health.BAD, message, advice.get(trial.stage, ""))
        return
    known = ", ".join(sorted(trial.extensions & {"PIPELINING", "CHUNKING", "SMTPUTF8", "DSN", "8BITMIME", "SIZE"}))
    yield Diagnosis(WAY_OUT, "Server", Health.GOOD, f"{name} lets us in, and knows {known or 'no extension'}")
    if trial.extensions and "PIPELINING" not in trial.extensions:
        message = "the server does not know PIPELINING: each message costs several round trips"
        yield Diagnosis(WAY_OUT, "Speed", Health.ADVICE, message)
    if trial.encrypted:
        if trial.expires is not None and trial.expires - now < _SOON:
            message = f"its certificate expires on {trial.expires:%Y-%m-%d}"
            yield Diagnosis(WAY_OUT, "TLS", Health.ADVICE, message, "whoever runs it has to renew it")
        else:
            yield Diagnosis(WAY_OUT, "TLS", Health.GOOD, f"{trial.encrypted}, with a certificate that is good")
    elif trial.address and not _is_here(trial.address):
        message = "what is sent can be read on the way to the server"
        yield Diagnosis(WAY_OUT, "TLS", Health.BAD, message, 'write security = "starttls" or "tls"', "", ("Gmail",))


def examine_pages(url: str, post: Callable[[str], tuple[int, str]]) -> Iterator[Diagnosis]:
    """Whether the address that List-Unsubscribe gives answers as RFC 8058 wants; `post` gives status and reason.

    Without an address there is no list yet, and so nothing that signs one.
    """
    wanted = ("Gmail", "Yahoo")
    if not url:
        message = "without a list there is no address that could be tried"
        yield Diagnosis(PAGES, "One click", Health.UNKNOWN, message, "ask again once there is one")
        return
    status, reason = post(url)
    if status == 200:
        yield Diagnosis(
            PAGES, "One click", Health.GOOD, "a POST to the address in List-Unsubscribe is answered with 200"
        )
    elif status:
        message = f"a POST to the address in List-Unsubscribe is answered with {status}"
        fix = "see that base_url leads to newsletter serve, without a redirect or a login in between"
        yield Diagnosis(PAGES, "One click", Health.BAD, message, fix, "", wanted)
    else:
        message = f"nobody answers where List-Unsubscribe leads: {reason}"
        fix = "start newsletter serve behind base_url, before the first mail leaves"
        yield Diagnosis(PAGES, "One click", Health.BAD, message, fix, "", wanted)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()


def _is_here(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
