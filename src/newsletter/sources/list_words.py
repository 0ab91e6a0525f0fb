"""The words that lists use, in one table each: what a column can mean and is called, and what a status means.

Headers are compared without case, accents and signs: "Prénom", "prenom" and "PRENOM*" are one. From the exports of
Mailchimp, Brevo, Ghost, Kit, beehiiv, Buttondown, Substack, Keila, listmonk, and from Excel in French.
"""

from __future__ import annotations

import re
import unicodedata

from newsletter.subscriber import Status
from newsletter.suppression import Reason

# What a column may mean, besides a field. Of the first ones a list has one column each.
KNOWN = ("email", "first_name", "last_name", "name", "language", "time_zone", "status", "tags", "joined")
# Says with yes, no or a date whether the person may be written to.
FLAGS = {
    "subscribed": Reason.UNSUBSCRIBED,  # by a no
    "unsubscribed": Reason.UNSUBSCRIBED,  # these by a yes, or by a date
    "bounced": Reason.BOUNCED,
    "complained": Reason.COMPLAINED,
    "suppressed": Reason.MANUAL,
}
# Says how the person agreed: when, when that was confirmed, from which network, and whatever else is worth keeping.
CONSENT = ("consent.at", "consent.confirmed", "consent.network", "consent.note")
DATA = "data"  # an object in JSON, whose keys become fields
NOTHING = "-"
MEANINGS = (*KNOWN, *FLAGS, *CONSENT, DATA, NOTHING)
SEVERAL = frozenset({"tags", "joined", *FLAGS, *CONSENT, DATA})  # of these a list may have several columns

COLUMNS = {
    "email": (
        "email", "e mail", "mail", "email address", "e mail address", "mail address", "subscriber email",
        "adresse email", "adresse e mail", "adresse mail", "adresse de courriel", "adresse courriel", "courriel",
        "adresse electronique", "courrier electronique", "votre adresse e mail", "deine e mail adresse",
        "e mail adresse", "correo electronico", "indirizzo email", "endereco de email", "e mailadres", "emailadres",
        "e mail 1 value", "email 1 value", "email 1", "primary email",
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
    "time_zone": ("time zone", "timezone", "tz", "fuseau horaire", "zeitzone", "zona horaria"),
    "tags": ("tags", "tag", "labels", "etiquettes", "etiquette", "mots cles"),
    "status": ("status", "state", "statut", "etat", "subscription status", "subscriber status", "statut d abonnement"),
    "joined": (
        "joined", "joined at", "joined on", "created at", "creation date", "date created", "subscribed at",
        "subscription date", "subscribed on", "signup date", "sign up date", "date added", "added time", "added at",
        "confirm time", "optin time", "opt in time", "date d inscription", "date inscription", "inscrit le",
        "inscription", "date d ajout", "ajoute le", "date d abonnement",
    ),
}  # fmt: skip
_FLAG_COLUMNS = {
    "subscribed": ("subscribed", "is subscribed", "opted in", "abonne newsletter", "subscribed to emails"),
    "unsubscribed": (
        "unsubscribed", "unsubscribed at", "unsubscribe date", "unsubscription date", "unsub time", "opted out",
        "opt out", "date de desinscription", "desinscrit le", "desabonne le", "desabonne", "desinscrit",
    ),
    "bounced": ("bounced", "bounced at", "clean time", "cleaned at", "hard bounced"),
    "complained": ("complained", "complained at", "marked as spam"),
    "suppressed": ("suppressed", "blocklisted", "blacklisted", "email blacklisted", "do not email", "do not contact"),
}  # fmt: skip
REJECTED = "rejected_because"  # what a file of rejected rows begins with
MEANT = {word: column for column, words in (COLUMNS | _FLAG_COLUMNS).items() for word in words} | {
    "rejected because": NOTHING
}

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


_NO = {"", "0", "no", "n", "false", "f", "off", "none", "null", "nan", "na", "n a", "never", "non", "faux", "nein"}


def says_yes(cell: str) -> bool:
    """Whether a cell says yes, or names the day on which it came to be so."""
    return plain(cell) not in _NO


def word_for_status(status: Status, reason: Reason | None) -> str:
    """What an export writes, so that an import restores it."""
    if reason is None:
        return status.value
    word = "suppressed" if reason is Reason.MANUAL else reason.value
    return f"pending {word}" if status is Status.PENDING and reason in (Reason.BOUNCED, Reason.MANUAL) else word
