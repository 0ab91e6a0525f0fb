"""Authentication: what a domain's DNS says of who may send in its name, and what bulk receivers think of that.

    SPF     which servers may use the domain in the envelope        RFC 7208
    DKIM    the other half of the key that signs                    RFC 6376, 8301, 8463

What receivers are to do when neither of them fits, DMARC, is in dmarc.py.
Texts are a stranger's until parsed. None instead of texts says that nobody answered.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from newsletter.diagnosis import Diagnosis, Health

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Texts = tuple[str, ...] | None

DOMAIN = "Domain"
# Who refuses bulk mail, or files it as spam, when this is missing. Pages of the receivers, read in 2026.
EVERYBODY = ("Gmail", "Yahoo", "Microsoft", "Orange", "La Poste")
_MOST_LOOKUPS = 10  # RFC 7208 section 4.6.4
_PUBLIC_RSA = {162: 1024, 294: 2048, 422: 3072, 550: 4096}  # octets of a SubjectPublicKeyInfo → bits


# ── SPF ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Policy:
    """An SPF record, taken apart."""

    terms: tuple[str, ...]
    text: str

    @property
    def lookups(self) -> list[str]:
        """The names that receivers have to look up for it, includes and redirects among them."""
        return [name for kind, name in map(_term, self.terms) if kind in {"include", "redirect", "a", "mx", "exists"}]

    @property
    def includes(self) -> list[str]:
        """The policies that it builds on."""
        return [name for kind, name in map(_term, self.terms) if kind in {"include", "redirect"} and name]


def _term(term: str) -> tuple[str, str]:
    found = re.fullmatch(r"[+?~-]?([a-z0-9]+)(?:[:=]([^/]+))?(?:/.*)?", term, re.IGNORECASE)
    return (found[1].lower(), (found[2] or "").lower().rstrip(".")) if found else ("", "")


def spf_policies(texts: Sequence[str]) -> list[Policy]:
    """The SPF records among a name's texts; more than one is an error of the domain."""
    found = [text.strip() for text in texts if re.match(r"v=spf1(\s|$)", text.strip(), re.IGNORECASE)]
    return [Policy(tuple(text.split()[1:]), text) for text in found]


def spf(domain: str, texts: Texts, policies: Mapping[str, Policy | None], address: str = "") -> Diagnosis:
    """What a domain's SPF record is worth.

    `policies` are those of the names that it includes, None for one that has none; `address` is the IP address that
    we send from, when that is known.
    """
    example = f'{domain}. TXT "v=spf1 {f"ip4:{address} " if _is_v4(address) else "include:YOUR-PROVIDER "}~all"'

    def say(health: Health, message: str, fix: str = "", publish: str = "") -> Diagnosis:
        return Diagnosis(DOMAIN, "SPF", health, message, fix, publish, EVERYBODY)

    if texts is None:
        return say(Health.UNKNOWN, f"nobody answers for {domain}", "ask again later")
    found = spf_policies(texts)
    if not found:
        return say(Health.BAD, f"{domain} says of no server that it may send", publish=example)
    if len(found) > 1:
        joined = " ".join(dict.fromkeys(term for policy in found for term in policy.terms))
        return say(Health.BAD, f"{domain} has {len(found)} SPF records, and receivers take none of them",
                   "join them to one", f'{domain}. TXT "v=spf1 {joined}"')  # fmt: skip
    (policy,) = found
    end = next((term for term in policy.terms if term.lower().endswith("all")), "")
    if end.lower() in {"+all", "all"}:
        return say(Health.BAD, "SPF lets every server of the world send in this name", "write ~all instead of +all",
                   f'{domain}. TXT "{policy.text.replace(end, "~all")}"')  # fmt: skip
    missing = [name for name in policy.includes if policies.get(name, policy) is None]
    if missing:
        return say(Health.BAD, f"SPF includes {missing[0]}, which has no SPF record: the whole record fails",
                   "take it out, or write its right name")  # fmt: skip
    lookups = _lookups(policy, policies)
    if lookups > _MOST_LOOKUPS:
        return say(Health.BAD, f"SPF needs {lookups} lookups; after {_MOST_LOOKUPS} receivers give up",
                   "take out what no longer sends for you")  # fmt: skip
    if address and not _names_address(policy, policies, address):
        return say(Health.ADVICE, f"SPF does not name {address}, from which this newsletter's server sends",
                   "if mail leaves from that address, add it", example)  # fmt: skip
    if not end and not any(term.lower().startswith("redirect=") for term in policy.terms):
        return say(Health.ADVICE, "SPF says nothing of all other servers", "write ~all at its end")
    return say(Health.GOOD, f"{policy.text} ({lookups} lookup{'' if lookups == 1 else 's'})")


def _lookups(policy: Policy, policies: Mapping[str, Policy | None], depth: int = 0) -> int:
    inner = (policies.get(name) for name in policy.includes) if depth < _MOST_LOOKUPS else ()
    return len(policy.lookups) + sum(_lookups(each, policies, depth + 1) for each in inner if each)


def _names_address(policy: Policy, policies: Mapping[str, Policy | None], address: str, depth: int = 0) -> bool:
    """Whether an address is named, as far as can be told without more lookups: `a`, `mx` and macros may mean it."""
    for term in policy.terms:
        bare = term.lstrip("+?~-").lower()
        if bare.startswith(("ip4:", "ip6:")):
            try:
                if ip_address(address) in ip_network(bare[4:], strict=False):
                    return True
            except ValueError:
                continue
        elif bare.split(":")[0].split("/")[0] in {"a", "mx", "exists", "ptr"} or "%{" in bare:
            return True
    inner = (policies.get(name) for name in policy.includes) if depth < _MOST_LOOKUPS else ()
    return any(_names_address(each, policies, address, depth + 1) for each in inner if each)


def _is_v4(address: str) -> bool:
    try:
        return ip_address(address).version == 4
    except ValueError:
        return False


# ── DKIM ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tags(text: str) -> dict[str, str]:
    """A tag list, `v=DKIM1; k=rsa; p=…`, by its names (RFC 6376 section 3.2)."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): re.sub(r"\s+", "", value) for name, found, value in pairs if found}


def dkim(name: str, texts: Texts, ours: str = "") -> Diagnosis:
    """What the key at `selector._domainkey.domain` is worth; `ours` is the record that our own key wants there."""
    publish = f'{name}. TXT "{ours}"' if ours else ""

    def say(health: Health, message: str, fix: str = "", publish: str = "") -> Diagnosis:
        return Diagnosis(DOMAIN, "DKIM", health, message, fix, publish, EVERYBODY)

    if texts is None:
        return say(Health.UNKNOWN, f"nobody answers for {name}", "ask again later")
    records = [found for text in texts if "p" in (found := tags(text))]
    if not records:
        return say(Health.BAD, f"there is no key at {name}: signatures with it are worth nothing", publish=publish)
    record = records[0]
    if not record["p"]:
        return say(Health.BAD, f"the key at {name} was revoked", "sign with another selector", publish)
    if ours and tags(ours)["p"] != record["p"]:
        return say(Health.BAD, f"the key at {name} is not the one that signs here", "publish this one", publish)
    try:
        bits = _PUBLIC_RSA.get(len(b64decode(record["p"], validate=True)), 0)
    except (BadBase64, ValueError):
        return say(Health.BAD, f"the key at {name} cannot be read", "publish it anew, in one piece", publish)
    if record.get("k", "rsa") == "ed25519":
        return say(Health.GOOD, f"{name}: Ed25519")
    if bits and bits < 2048:
        return say(Health.ADVICE, f"the key at {name} has {bits} bits", "make one of 2048, under a new selector")
    if record.get("t", "").startswith("y"):
        return say(Health.ADVICE, f"the key at {name} is marked as a test (t=y)", "take t=y out")
    return say(Health.GOOD, f"{name}: RSA{f', {bits} bits' if bits else ''}")
