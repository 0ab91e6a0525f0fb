"""The words that lists use, in one table each: what a column is called, and what a status means.

Headers are compared without case, accents and signs: "Prénom", "prenom" and "PRENOM*" are one. From the exports of
Mailchimp, Brevo, Ghost, Kit, beehiiv, Buttondown, Substack, Keila, listmonk, and from Excel in French.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from newsletter.errors import ListError, Problem, nearest
from newsletter.subscriber import Status
from newsletter.suppression import Reason

KNOWN = ("email", "first_name", "last_name", "name", "language", "tags", "status", "joined")

COLUMNS = {
    "email": (
        "email", "e mail", "mail", "email address", "e mail address", "mail address", "subscriber email",
        "adresse email", "adresse e mail", "adresse mail", "adresse de courriel", "adresse courriel", "courriel",
        "adresse electronique", "courrier electronique", "votre adresse e mail", "deine e mail adresse",
        "e mail adresse", "correo electronico", "indirizzo email", "endereco de email", "e mailadres", "emailadres",
    ),
    "first_name": (
        "first name", "firstname", "given name", "fname", "prenom", "prenoms", "votre prenom", "vorname",
        "nombre de pila",
    ),
    "last_name": (
        "last name", "lastname", "surname", "family name", "lname", "nom de famille", "nachname", "apellido",
        "apellidos", "cognome",
    ),
    "name": ("name", "full name", "fullname", "display name", "nom complet", "nom et prenom", "prenom et nom"),
    "language": ("language", "lang", "locale", "langue", "sprache", "idioma"),
    "tags": ("tags", "tag", "labels", "etiquettes", "etiquette", "mots cles"),
    "status": ("status", "state", "statut", "etat", "subscription status", "subscriber status", "statut d abonnement"),
    "joined": (
        "joined", "joined at", "joined on", "created at", "creation date", "date created", "subscribed at",
        "subscription date", "subscribed on", "signup date", "sign up date", "date added", "added time", "added at",
        "confirm time", "optin time", "opt in time", "date d inscription", "date inscription", "inscrit le",
        "inscription", "date d ajout", "ajoute le", "date d abonnement",
    ),
}  # fmt: skip
_MEANT = {word: column for column, words in COLUMNS.items() for word in words}

# What may get issues, and what must not. A word that stands nowhere here refuses its row: writing to somebody who has
# left is worse than asking.
_STATUS_WORDS: dict[Status | Reason, tuple[str, ...]] = {
    Status.ACTIVE: (
        "active", "subscribed", "confirmed", "enabled", "actif", "abonne", "abonnee", "inscrit", "inscrite", "confirme",
    ),
    Status.PENDING: ("pending", "unconfirmed", "unactivated", "opt in pending", "en attente", "non confirme"),
    Reason.UNSUBSCRIBED: (
        "unsubscribed", "unsubscribe", "inactive", "opted out", "opt out", "removed", "left", "inactif", "desabonne",
        "desabonnee", "desinscrit", "desinscrite",
    ),
    Reason.BOUNCED: ("bounced", "cleaned", "bounce", "hard bounced", "undeliverable", "unreachable"),
    Reason.COMPLAINED: ("complained", "complaint", "spam", "marked as spam", "plainte"),
    Reason.MANUAL: ("suppressed", "blocklisted", "blacklisted", "blocked", "disabled", "archived", "bloque"),
}  # fmt: skip
STATUSES: dict[str, tuple[Status | None, Reason | None]] = {
    word: (meaning, None) if isinstance(meaning, Status) else (None, meaning)
    for meaning, words in _STATUS_WORDS.items()
    for word in words
}
# What an export writes when both have to be said.
STATUSES["pending bounced"] = (Status.PENDING, Reason.BOUNCED)
STATUSES["pending suppressed"] = (Status.PENDING, Reason.MANUAL)
WORDS_FOR_STATUS = ("active", "pending", "unsubscribed", "bounced", "complained", "suppressed")


def plain(text: str) -> str:
    """Without case, accents and signs, for comparing: "Adresse e-mail *" is "adresse e mail"."""
    without_accents = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", without_accents.casefold()))


def field_name(header: str) -> str:
    """The name under which an issue speaks of a column: "Ville de départ" is `ville_de_départ`."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", header).casefold())
    return "_".join(re.findall(r"[^\W_]+", folded))


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row what stands: known columns, and the others, which become fields."""

    known: dict[str, int]
    fields: dict[str, int]
    width: int


def columns(header: list[str], path: str) -> Columns:
    """What each column of a header means.

    Raises ListError when none of them holds addresses, naming what was found and the likeliest one.
    """
    known: dict[str, int] = {}
    # The exact name of the documentation goes before any synonym further left.
    for exact in (True, False):
        for position, title in enumerate(header):
            name = title if exact and title in KNOWN else None if exact else _MEANT.get(plain(title))
            if name and position not in known.values():
                known.setdefault(name, position)
    for position, title in enumerate(header):
        # "Nom" beside "Prénom" is the family name; alone it is the whole one.
        if plain(title) in ("nom", "apellido y nombre", "nombre", "nome", "naam") and position not in known.values():
            known.setdefault("last_name" if "first_name" in known else "name", position)
    if "email" not in known:
        raise _no_addresses(header, path)
    fields: dict[str, int] = {}
    for position, title in enumerate(header):
        if position not in known.values():
            bare = title.removeprefix("fields.") if title.startswith("fields.") else title
            name = base = field_name(bare) or f"column_{position + 1}"
            number = 2
            while name in fields:
                name, number = f"{base}_{number}", number + 1
            fields[name] = position
    return Columns(known, fields, len(header))


def header_of(field: str) -> str:
    """The header under which a field comes back as itself."""
    return field if columns(["email", field], "").fields == {field: 1} else f"fields.{field}"


def _no_addresses(header: list[str], path: str) -> ListError:
    shown = ", ".join(title[:40] for title in header[:12] if title) or "nothing"
    if any("@" in title for title in header):
        return ListError(
            Problem("the first line holds an address, and should name the columns", path, 1,
                    fix="put a line above it: email, or email,first_name,… as the columns are")
        )  # fmt: skip
    near = {plain(title): title for title in header if title}
    found = next((near[n] for word in ("email", "mail", *COLUMNS["email"]) if (n := nearest(word, near))), None)
    return ListError(
        Problem(f"no column is called email; the header names: {shown}", path, 1,
                fix=f"did you mean {found!r}? Then call it email" if found
                else "call the column that holds the addresses email")
    )  # fmt: skip


def word_for_status(status: Status, reason: Reason | None) -> str:
    """What an export writes, so that an import restores it."""
    if reason is None:
        return status.value
    word = "suppressed" if reason is Reason.MANUAL else reason.value
    return f"pending {word}" if status is Status.PENDING and reason in (Reason.BOUNCED, Reason.MANUAL) else word
