"""What the archive's pages say, in English, French, Arabic and Hebrew.

Another language gets English words, which the pages mark as such, and its own dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.render.words import base

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "archive": "Archive",
        "title": "{newsletter}: all issues",
        "about": "All issues of {newsletter}, the newest first.",
        "empty": "There is nothing here yet. The first issue appears as soon as it is sent.",
        "subscribe": "Subscribe",
        "all": "All issues",
        "older": "Older",
        "newer": "Newer",
        "around": "Other issues",
        "years": "Years",
        "number": "No. {number}",
        "feeds": "To follow without mail:",
        "missing": "There is no such issue",
        "missing_text": "The address may be cut off, or the issue was never shown here.",
        "skip": "To the text",
    },
    "fr": {
        "archive": "Archives",
        "title": "{newsletter} : tous les numéros",
        "about": "Tous les numéros de {newsletter}, le plus récent d’abord.",
        "empty": "Il n’y a encore rien ici. Le premier numéro paraît dès son envoi.",
        "subscribe": "S’abonner",
        "all": "Tous les numéros",
        "older": "Précédent",
        "newer": "Suivant",
        "around": "Autres numéros",
        "years": "Années",
        "number": "Nº {number}",
        "feeds": "Pour suivre sans courriel :",
        "missing": "Ce numéro n’existe pas",
        "missing_text": "L’adresse est peut-être coupée, ou ce numéro n’a jamais été montré ici.",
        "skip": "Aller au texte",
    },
    "ar": {
        "archive": "الأرشيف",
        "title": "{newsletter}: جميع الأعداد",
        "about": "جميع أعداد {newsletter}، الأحدث أولًا.",
        "empty": "لا شيء هنا بعد. يظهر العدد الأول حالما يُرسَل.",
        "subscribe": "الاشتراك",
        "all": "جميع الأعداد",
        "older": "السابق",
        "newer": "التالي",
        "around": "أعداد أخرى",
        "years": "السنوات",
        "number": "العدد {number}",
        "feeds": "للمتابعة دون بريد:",
        "missing": "لا يوجد عدد كهذا",
        "missing_text": "ربما اقتُطع العنوان، أو لم يُعرض هذا العدد هنا قط.",
        "skip": "إلى النص",
    },
    "he": {
        "archive": "ארכיון",
        "title": "{newsletter}: כל הגיליונות",
        "about": "כל הגיליונות של {newsletter}, החדש ביותר ראשון.",
        "empty": "אין כאן עדיין דבר. הגיליון הראשון יופיע ברגע שיישלח.",
        "subscribe": "הרשמה",
        "all": "כל הגיליונות",
        "older": "הקודם",
        "newer": "הבא",
        "around": "גיליונות נוספים",
        "years": "שנים",
        "number": "גיליון {number}",
        "feeds": "למעקב בלי דואר:",
        "missing": "אין גיליון כזה",
        "missing_text": "ייתכן שהכתובת נחתכה, או שהגיליון מעולם לא הוצג כאן.",
        "skip": "אל הטקסט",
    },
}


def web_words(language: str) -> Mapping[str, str]:
    """The words of the pages in a language."""
    return _WORDS.get(base(language), _WORDS["en"])


def words_language(language: str) -> str:
    """The language that these words are in."""
    return language if base(language) in _WORDS else "en"
