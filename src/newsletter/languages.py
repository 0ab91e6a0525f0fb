"""Language tags (BCP 47, RFC 5646): `fr`, `en-GB`, `zh-Hant-TW`; and what authors write instead of them."""

from __future__ import annotations

import re

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_NAMES = {
    "anglais": "en", "english": "en", "français": "fr", "francais": "fr", "french": "fr", "deutsch": "de",
    "german": "de", "español": "es", "spanish": "es", "italian": "it", "italiano": "it", "dutch": "nl",
    "nederlands": "nl", "portuguese": "pt", "português": "pt", "arabic": "ar", "hebrew": "he",
}  # fmt: skip


def language_tag(text: str) -> str | None:
    """`text` as a language tag in its usual spelling, or None when it is none.

    The name of a locale is read, too: `fr_FR.UTF-8` is `fr-FR`. Whether there is such a language is not asked.
    """
    text = text.strip().partition(".")[0].replace("_", "-")
    if not _TAG.fullmatch(text):
        return None
    first, *others = text.split("-")
    return "-".join([first.lower(), *map(_usual_case, others)])


def tag_of_name(name: str) -> str | None:
    """The tag of a language given by its name, as far as known: `Français` is `fr`."""
    return _NAMES.get(name.strip().casefold())


def _usual_case(subtag: str) -> str:
    """RFC 5646 section 2.1.1: scripts as in Hant, countries as in TW, the rest in lower case."""
    if subtag.isalpha() and len(subtag) == 4:
        return subtag.title()
    return subtag.upper() if subtag.isalpha() and len(subtag) == 2 else subtag.lower()
