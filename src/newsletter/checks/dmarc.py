"""DMARC: what a domain asks receivers to do with mail that is not proven to be its own (RFC 9989).

Since RFC 9989 a policy is looked for by walking up the tree of names, and `pct`, `rf` and `ri` are no more. What is
above the names of one owner, such as a registry, says `psd=y`; who wants names below to stand alone says `psd=n`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.checks.authentication import DOMAIN, EVERYBODY, tags
from newsletter.diagnosis import Diagnosis, Health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.checks.authentication import Texts

_LONGEST = 7  # labels of the names that are asked for above the domain itself (section 4.10)
_GONE = ("pct", "rf", "ri")


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a domain is for DMARC, and how exactly others must have the same name."""

    organisation: str
    strict_envelope: bool = False  # aspf=s
    strict_signature: bool = False  # adkim=s


def dmarc_names(domain: str) -> list[str]:
    """Where a policy may stand, the nearest first: the domain, and those above it. A long name's middle is left out."""
    labels = domain.split(".")
    above = [".".join(labels[at:]) for at in range(1, len(labels))]
    return [f"_dmarc.{name}" for name in (domain, *above[-_LONGEST:])]


def dmarc(domain: str, found: Mapping[str, Texts]) -> tuple[Diagnosis, Ownership]:
    """What DMARC says of a domain, and whose it is; `found` has the texts at `dmarc_names`."""

    def say(health: Health, message: str, fix: str = "", publish: str = "") -> Diagnosis:
        return Diagnosis(DOMAIN, "DMARC", health, message, fix, publish, EVERYBODY)

    records: dict[str, dict[str, str]] = {}  # by domain, the nearest first
    for name in dmarc_names(domain):
        texts = found.get(name)
        if texts is None and not records:
            return say(Health.UNKNOWN, f"nobody answers for {name}", "ask again later"), Ownership(domain)
        here = [tags(text) for text in texts or () if re.match(r"\s*v\s*=\s*DMARC1\s*(;|$)", text)]
        if len(here) > 1:
            message = f"{name} has {len(here)} records, and receivers take none"
            return say(Health.BAD, message, "keep one"), Ownership(domain)
        if here:
            records[name.removeprefix("_dmarc.")] = here[0]
    organisation = _organisation(domain, records)
    above = next((owner for owner, record in records.items() if record.get("psd") == "y" and owner != domain), "")
    owner = next((each for each in (domain, organisation, above) if each in records), "")
    if not owner:
        example = f'_dmarc.{domain}. TXT "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"'
        return say(Health.BAD, f"{domain} has no DMARC record", publish=example), Ownership(domain)
    record = records[owner]
    whose = Ownership(organisation, record.get("aspf") == "s", record.get("adkim") == "s")
    health, message, fix, publish = _judged(record, owner, is_below=owner != domain)
    return say(health, message, fix, publish), whose


def _organisation(domain: str, records: Mapping[str, Mapping[str, str]]) -> str:
    """The domain that is one owner's as a whole (section 4.10.2)."""
    for owner, record in records.items():
        if record.get("psd") == "n":
            return owner
        if record.get("psd") == "y" and owner != domain:
            return ".".join(domain.split(".")[-len(owner.split(".")) - 1 :])
    return min(records, key=lambda owner: owner.count("."), default=domain)


def _judged(record: Mapping[str, str], owner: str, *, is_below: bool) -> tuple[Health, str, str, str]:
    """A policy's health, what to say of it, how to mend it, and what to publish."""
    policy, name = record.get("sp" if is_below else "p", record.get("p", "")), f"_dmarc.{owner}"
    if policy not in {"none", "quarantine", "reject"}:
        publish = f'{name}. TXT "v=DMARC1; p=none; rua=mailto:dmarc@{owner}"'
        return Health.BAD, f"{name} says p={policy or '…'}", "write p=none, quarantine or reject", publish
    if gone := [each for each in _GONE if each in record]:
        kept = "; ".join(f"{tag}={value}" for tag, value in record.items() if tag not in _GONE)
        fix = f"take {' and '.join(gone)} out; t=y asks receivers to try the policy out"
        message = f"{name} has {' and '.join(gone)}, which RFC 9989 does not know any more"
        return Health.ADVICE, message, fix, f'{name}. TXT "{kept}"'
    if "rua" not in record:
        fix = "have reports sent to you: they say who sends in your name"
        publish = f'{name}. TXT "v=DMARC1; p={policy}; rua=mailto:dmarc@{owner}"'
        return Health.ADVICE, f"p={policy}, and nobody gets the reports", fix, publish
    tried = ", on trial (t=y)" if record.get("t") == "y" else ""
    return Health.GOOD, f"p={policy} at {name}{tried}", "", ""


def aligned(sender: str, other: str, organisation: str, *, strict: bool = False) -> bool:
    """Whether two domains belong together: both within what one owner has; strictly, whether they are the same."""
    if strict:
        return sender == other
    return all(name == organisation or name.endswith(f".{organisation}") for name in (sender, other))
