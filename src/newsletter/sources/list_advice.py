"""What is worth a look in an address that is valid: a slip in its domain, an office instead of a person, an address for
an hour. Nothing is changed, and nobody is refused: whoever knows the person decides.

A slip is a domain that is one letter away from a well-known one: a letter too many, too few, another one, or two that
changed places. One that is itself well known never is one: mail.com is not gmail.com.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from newsletter.entry import Advice, RowProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from newsletter.entry import Entry

_WELL_KNOWN = "mailbox_domains.txt"
_SHORTEST = 8  # below, one letter away is often another provider: gmx.de, sky.be
_ENDINGS = {".con": ".com", ".cmo": ".com", ".ocm": ".com", ".vom": ".com", ".comm": ".com", ".frr": ".fr"}
_FAR_SLIPS = {"gmail.fr": "gmail.com", "gmail.de": "gmail.com", "gmal.fr": "gmail.com", "orange.com.fr": "orange.fr"}

# RFC 2142, and what small organisations use.
ROLES = frozenset((
    "abuse", "accueil", "admin", "administration", "administrator", "all", "bonjour", "buero", "bureau", "compta",
    "comptabilite", "contact", "contacto", "direction", "feedback", "ftp", "hello", "hola", "hostmaster", "hr",
    "info", "informacion", "information", "infos", "invoice", "jobs", "kontakt", "mail", "mailer-daemon",
    "mairie", "marketing", "news", "newsletter", "no-reply", "nobody", "noreply", "office", "ordering",
    "postmaster", "press", "presse", "privacy", "recrutement", "redaction", "reply", "root", "sales", "sav",
    "secretariat", "security", "service", "staff", "support", "sysadmin", "team", "undisclosed-recipients",
    "unsubscribe", "usenet", "vente", "ventes", "webmaster", "www",
))  # fmt: skip


def _one_less(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


@cache
def _lines(name: str) -> frozenset[str]:
    text = files("newsletter.sources").joinpath(name).read_text("utf-8")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))


@cache
def _near() -> dict[str, list[str]]:
    """The well-known domains, each under itself and under all that is left of it without one letter."""
    found: dict[str, list[str]] = {}
    for domain in sorted(_lines(_WELL_KNOWN)):
        if len(domain) >= _SHORTEST:
            for less in (domain, *_one_less(domain)):
                found.setdefault(less, []).append(domain)
    return found


def meant_domain(domain: str) -> str:
    """The well-known domain that was most likely meant; "" when there is nothing to say."""
    if domain in _lines(_WELL_KNOWN):
        return ""
    if domain in _FAR_SLIPS:
        return _FAR_SLIPS[domain]
    near = {big for less in (domain, *_one_less(domain)) for big in _near().get(less, ()) if _one_slip(domain, big)}
    if near:
        return min(near, key=lambda big: (big.rpartition(".")[2] != domain.rpartition(".")[2], big))
    ending = domain[domain.rfind(".") :]
    return domain.removesuffix(ending) + _ENDINGS[ending] if ending in _ENDINGS else ""


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter too many, too few, another one, or two that changed places, make the difference."""
    if len(one) == len(other):
        wrong = [at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
        if len(wrong) == 2:
            first, second = wrong
            return second == first + 1 and one[first] == other[second] and one[second] == other[first]
        return len(wrong) == 1
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return shorter in _one_less(longer)


def is_disposable(domain: str) -> bool:
    """Whether a domain, or the one it belongs to, gives away addresses for an hour."""
    known = _lines("disposable_domains.txt")
    return domain in known or (domain.count(".") > 1 and domain.split(".", domain.count(".") - 1)[-1] in known)


@lru_cache(50_000)
def _of_domain(domain: str) -> tuple[bool, str]:
    return is_disposable(domain), meant_domain(domain)


def look(entries: Iterable[Entry], advice: Advice, warn: Callable[[RowProblem], None], part: str = "") -> None:
    """Count what is worth a look among the entries that are to be written to, and tell of slips."""
    nothing = (False, "")
    for entry in entries:
        if entry.leaves:
            continue
        local, _, domain = entry.canonical.rpartition("@")
        if local in ROLES:
            advice.role += 1
        about = _of_domain(domain)
        if about != nothing:
            disposable, meant = about
            advice.disposable += disposable
            if meant:
                advice.typos += 1
                suggestion = f"{entry.email.rpartition('@')[0]}@{meant}"
                warn(RowProblem(entry.line, entry.email, f"did you mean {suggestion}?", part))
