"""Examine a domain: what the DNS says of the sender: SPF, DKIM, DMARC, whether they belong together, MX, PTR, BIMI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from newsletter.checks import authentication as auth
from newsletter.checks.dmarc import aligned, dmarc, dmarc_names
from newsletter.diagnosis import Diagnosis, Health

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from newsletter.checks.dmarc import Ownership
    from newsletter.config import Config

_DEEPEST = 10  # policies in policies


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
    policy, whose = dmarc(sender, {name: dns.texts(name) for name in dmarc_names(sender)})
    yield policy
    yield _alignment(sender, envelope, [key.domain for key in keys], whose)
    yield _exchanger(sender, dns)
    if address:
        yield _pointer(address, dns)
    yield _logo(sender, whose.organisation, policy, dns)


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


def _alignment(sender: str, envelope: str, signing: Sequence[str], whose: Ownership) -> Diagnosis:
    """Whether SPF's or DKIM's domain belongs to the one that readers see."""
    organisation = whose.organisation
    by_spf = aligned(sender, envelope, organisation, strict=whose.strict_envelope)
    by_dkim = any(aligned(sender, each, organisation, strict=whose.strict_signature) for each in signing)
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


def _logo(sender: str, organisation: str, policy: Diagnosis, dns: Names) -> Diagnosis:
    """BIMI: a logo beside the sender, for those who want one; looked for at the sender's domain, then its owner's."""
    for domain in dict.fromkeys((sender, organisation)):
        texts = dns.texts(f"default._bimi.{domain}")
        if texts is None:
            return Diagnosis(auth.DOMAIN, "BIMI", Health.UNKNOWN, f"nobody answers for {domain}", "ask again later")
        record = next((auth.tags(text) for text in texts if text.strip().lower().startswith("v=bimi1")), None)
        if record is not None:
            return _shown(domain, record, policy)
    message = "no logo is published; some programs show one beside the sender, with a certificate for it"
    return Diagnosis(auth.DOMAIN, "BIMI", Health.GOOD, message)


def _shown(domain: str, record: Mapping[str, str], policy: Diagnosis) -> Diagnosis:
    """Whether a published logo can be seen."""

    def say(health: Health, message: str, fix: str = "", publish: str = "") -> Diagnosis:
        return Diagnosis(auth.DOMAIN, "BIMI", health, message, fix, publish)

    logo = record.get("l", "")
    if not logo.startswith("https://"):
        example = f'default._bimi.{domain}. TXT "v=BIMI1; l=https://{domain}/logo.svg"'
        return say(Health.ADVICE, f"default._bimi.{domain} names no logo over https", "name one", example)
    if policy.health is Health.BAD or "p=none" in policy.message:
        message = "the logo is published, and shown by nobody: DMARC asks for nothing"
        return say(Health.ADVICE, message, "once the reports show that all is yours, write p=quarantine or p=reject")
    without = "" if record.get("a") else "; Gmail and Apple show it only with a certificate (a=…)"
    return say(Health.GOOD, f"the logo is {logo}{without}")


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()
