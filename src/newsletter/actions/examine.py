"""Examine: whether everything around a newsletter is such that its mails arrive, asked of those who know.

    settings    what the file says, and what it does not
    way out     the mail server: reached, encrypted, logged in, the sender taken
    domain      SPF, DKIM, DMARC, whether they belong together, MX, the server's own name, BIMI
    pages       the address in List-Unsubscribe: over https, and answering a POST with 200

Nothing is sent and nothing changed; a POST for nobody's subscription is answered and does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from newsletter.checks import authentication as auth
from newsletter.checks.sender_free import FREE
from newsletter.diagnosis import Diagnosis, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from newsletter.config import Config
    from newsletter.sources.next_hop import Trial

_SOON = timedelta(days=14)
_DEEPEST = 10  # policies in policies
SETTINGS, WAY_OUT, PAGES = "Settings", "Way out", "Pages"


class Names(Protocol):
    """The DNS. None: nobody answered."""

    def texts(self, name: str) -> tuple[str, ...] | None: ...
    def exchangers(self, name: str) -> tuple[str, ...] | None: ...
    def addresses(self, name: str) -> tuple[str, ...] | None: ...
    def names_of(self, address: str) -> tuple[str, ...] | None: ...


@dataclass(frozen=True, slots=True)
class Signing:
    """A key that signs our messages: where its other half belongs, and what it is."""

    name: str  # selector._domainkey.domain
    domain: str
    record: str


def examine_settings(config: Config) -> Iterator[Diagnosis]:
    """What can be told from the file alone."""
    missing = config.problems_before_sending()
    for problem in missing:
        yield Diagnosis(SETTINGS, "newsletter.toml", Health.BAD, problem.message, problem.fix or "")
    domain = _domain(config.sender.email)
    if domain in FREE:
        message = f"the sender's address is at {domain}, in whose name no other server may send"
        yield Diagnosis(SETTINGS, "Sender", Health.BAD, message, "send from a domain of your own", "", auth.EVERYBODY)
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


def examine_domain(config: Config, dns: Names, keys: Sequence[Signing], address: str) -> Iterator[Diagnosis]:
    """What the DNS says of the sender. `address` is the mail server's, when it is a public one, else ""."""
    sender = _domain(config.sender.email)
    if not sender:
        return
    envelope = _domain(config.sender.bounces) or sender
    texts = dns.texts(envelope)
    yield auth.spf(envelope, texts, _policies(dns, texts), address)
    for key in keys:
        yield auth.dkim(key.name, dns.texts(key.name), key.record)
    if not keys:
        message = "no key of ours signs; whoever delivers has to sign, as this domain or one of its own"
        fix = "ask your provider for DKIM with your domain, or write a section [dkim]"
        yield Diagnosis(auth.DOMAIN, "DKIM", Health.UNKNOWN, message, fix, "", auth.EVERYBODY)
    diagnosis, organisation = auth.dmarc(sender, {name: dns.texts(name) for name in auth.dmarc_names(sender)})
    yield diagnosis
    yield _alignment(sender, envelope, [key.domain for key in keys], organisation)
    yield _exchanger(sender, dns)
    if address:
        yield _pointer(address, dns)
    yield _logo(organisation, dns)


def _policies(dns: Names, texts: tuple[str, ...] | None) -> Mapping[str, auth.Policy | None]:
    """The SPF policies of all names that the texts build on."""
    found: dict[str, auth.Policy | None] = {}
    waiting = [name for policy in auth.spf_policies(texts or ()) for name in policy.includes]
    while waiting and len(found) < 4 * _DEEPEST:
        name = waiting.pop()
        if name in found or "%{" in name:
            continue
        theirs = dns.texts(name)
        policies = auth.spf_policies(theirs or ())
        found[name] = policies[0] if policies else (auth.Policy((), "") if theirs is None else None)
        waiting += [inner for policy in policies for inner in policy.includes]
    return found


def _alignment(sender: str, envelope: str, signing: Sequence[str], organisation: str) -> Diagnosis:
    """Whether SPF's or DKIM's domain belongs to the one that readers see."""
    by_spf = auth.aligned(sender, envelope, organisation)
    by_dkim = any(auth.aligned(sender, each, organisation) for each in signing)
    if by_spf or by_dkim:
        ways = " and ".join(way for way, good in (("the envelope", by_spf), ("the signature", by_dkim)) if good)
        verb = "belong" if by_spf and by_dkim else "belongs"
        message = f"{ways} {verb} to {organisation}"
        return Diagnosis(auth.DOMAIN, "Alignment", Health.GOOD, message, "", "", auth.EVERYBODY)
    message = f"the sender is {sender}, the envelope {envelope}{f', the signature {signing[0]}' if signing else ''}"
    fix = "use one domain for all of them, or names within it"
    return Diagnosis(auth.DOMAIN, "Alignment", Health.BAD, message, fix, "", auth.EVERYBODY)


def _exchanger(domain: str, dns: Names) -> Diagnosis:
    """Answers have to arrive somewhere."""
    servers = dns.exchangers(domain)
    if servers is None:
        return Diagnosis(auth.DOMAIN, "MX", Health.UNKNOWN, f"nobody answers for {domain}", "ask again later")
    if servers and servers[0].strip("."):
        return Diagnosis(auth.DOMAIN, "MX", Health.GOOD, f"answers go to {servers[0]}")
    if not servers and dns.addresses(domain):
        return Diagnosis(auth.DOMAIN, "MX", Health.GOOD, f"answers go to {domain} itself")
    message = f"{domain} takes no mail: readers' answers come back to them, and receivers distrust such senders"
    publish = f"{domain}. MX 10 mail.{domain}."
    return Diagnosis(
        auth.DOMAIN, "MX", Health.BAD, message, "name the server that takes its mail", publish, ("Orange",)
    )


def _pointer(address: str, dns: Names) -> Diagnosis:
    """The server's address has a name, and the name that address."""
    names = dns.names_of(address)
    wanted = ("Gmail", "Orange", "La Poste")
    if names is None:
        return Diagnosis(auth.DOMAIN, "PTR", Health.UNKNOWN, f"nobody answers for {address}", "ask again later")
    for name in names:
        if address in (dns.addresses(name) or ()):
            return Diagnosis(auth.DOMAIN, "PTR", Health.GOOD, f"{address} is {name}, both ways")
    known = f"calls itself {names[0]}, which leads elsewhere" if names else "has no name"
    fix = "whoever rents you the server sets it, in the same place as its address"
    return Diagnosis(auth.DOMAIN, "PTR", Health.BAD, f"{address} {known}", fix, "", wanted)


def _logo(domain: str, dns: Names) -> Diagnosis:
    """BIMI: a logo beside the sender, for those who want one."""
    texts = dns.texts(f"default._bimi.{domain}")
    record = next((auth.tags(text) for text in texts or () if text.strip().lower().startswith("v=bimi1")), None)
    if record is None:
        message = "no logo is published; some programs show one beside the sender, with a certificate for it"
        return Diagnosis(auth.DOMAIN, "BIMI", Health.GOOD if texts is not None else Health.UNKNOWN, message)
    if not record.get("l", "").startswith("https://"):
        message = f"default._bimi.{domain} names no logo over https"
        return Diagnosis(auth.DOMAIN, "BIMI", Health.ADVICE, message, "write l=https://…/logo.svg")
    return Diagnosis(auth.DOMAIN, "BIMI", Health.GOOD, f"the logo is {record['l']}")


def examine_pages(url: str, post: Callable[[str], tuple[int, str]]) -> Iterator[Diagnosis]:
    """Whether the address that List-Unsubscribe gives answers as RFC 8058 wants; `post` gives status and reason."""
    wanted = ("Gmail", "Yahoo")
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
