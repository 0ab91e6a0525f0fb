r"""Bounce: what it means that a message came back, and what follows from it.

One table, read from top to bottom; the first rule that fits decides. Its order is from the most particular to the
most general, because servers often send a general code with a particular word:

    1  a provider's own code     "552 5.1.1 … OFR_417" is a full mailbox at Orange, whatever 5.1.1 means elsewhere
    2  words stronger than any code     who quotes a block list speaks of us, and who says "full" means full
    3  an enhanced status code that says one thing     5.1.1, 5.2.2, 5.7.26 … (RFC 3463, RFC 5248)
    4  words, in English and French     where the code is missing or says little: 5.0.0, 5.5.0, 5.7.1
    5  the subject of the enhanced code, then the three digits (RFC 5321)

What no rule knows is soft: when in doubt, the reader stays. So is every "hard" that a 4xx says.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

if TYPE_CHECKING:
    from newsletter.outcome import Reply


class BounceClass(Enum):
    """Why a message came back: the word that is stored and printed, what it means, and what is done."""

    meaning: str
    action: str

    def __new__(cls, word: str, meaning: str = "", action: str = "") -> BounceClass:
        """A member is known by its word."""
        member = object.__new__(cls)
        member._value_ = word
        member.meaning = meaning
        member.action = action
        return member

    HARD = "hard", "there is no such address", "suppressed at once"
    SOFT = "soft", "not now: full, away, unreachable", "suppressed after five issues in a row over 21 days"
    BLOCK = "block", "they refuse us, not the reader", "counted; nobody is ever suppressed for it"
    CONTENT = "content", "they refuse this message: its size or what is in it", "counted"
    SENDER = "sender", "they refuse our sender address", "counted; the configuration needs a look"
    AUTO = "auto", "an automatic reply: on holiday, delayed", "ignored"
    COMPLAINT = "complaint", "the reader called it spam", "unsubscribed and suppressed, for ever"


class Rule(NamedTuple):
    """One row of the table. `pattern` is searched in `550 5.1.1 the text in lower case`; a code not given is `-`."""

    bounce: BounceClass
    pattern: str
    note: str = ""


HARD, SOFT, BLOCK = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCK
CONTENT, SENDER = BounceClass.CONTENT, BounceClass.SENDER

# Orange, Wanadoo, La Poste and their neighbours write OFR_416, OFR006_102, LPN416, LPN105_402, LPNAAA_101.
_FRENCH = r"\b(?:ofr|lpn|ouk|sfr)(?:\d{3}|aaa)?[_-]?"
_THEY = r"\b(?:user|recipient|(?:mail|in)[ -]?box|address|account|e-?mail|person|member|alias)"
_EUX = r"\b(?:destinataire|utilisateur|adresse|compte|bo.{1,2}te|usager)"

RULES: tuple[Rule, ...] = (
    # ── 1  A provider's own code ─────────────────────────────────────────────────────────────────────────────────────
    Rule(HARD, _FRENCH + r"(?:416|420|426)\b", "Orange, La Poste: invalid, archived or closed recipient"),
    Rule(SOFT, _FRENCH + r"417\b", "the same: full, though sent with 5.1.1"),
    Rule(SOFT, _FRENCH + r"505\b", "the same: their own trouble"),
    Rule(SENDER, _FRENCH + r"(?:403|405|415|421)\b", "the same: invalid sender"),
    Rule(CONTENT, _FRENCH + r"514\b", "the same: too large"),
    Rule(BLOCK, _FRENCH + r"(?:10[1-9]|201|510|630|999)\b", "the same: our IP address; 104: too many connections"),
    Rule(BLOCK, _FRENCH + r"(?:305|40[12]|42[34]|506|513|517)\b", "the same: SPF, DKIM, DMARC, spam"),
    Rule(BLOCK, r"\[tss?\d\d\]", "Yahoo, AOL: complaints, volume, reputation, as in [TSS04]"),
    Rule(BLOCK, r"\bvs\d+-(?:ip|mf)", "Yahoo: the older form of the same"),
    Rule(HARD, r"delivery error: dd (?!.*polic)", "Yahoo: no such account, with 554 and no enhanced code"),
    Rule(BLOCK, r"\((?:con|dyn|dns|hvu|rly|rtr|url):[a-z0-9]+\)", "AOL: (CON:B1), (DNS:NR) …"),
    Rule(BLOCK, r"\b(?:sc|dy|ou|rp)-00\d\b|\(s31[45]0\)", "Outlook.com: reputation, dynamic IP address, rate"),
    Rule(HARD, r" 5\.4\.1 .*recipient address rejected: access denied", "Microsoft 365: not in the directory"),
    Rule(HARD, r"as\(20180628[01]\)|resolver\.adr\.(?:ex)?recip\w*notfound", "Microsoft 365, Exchange: the same"),
    Rule(BLOCK, r"resolver\.rst\.", "Exchange: a group or mailbox that takes nothing from outside"),
    Rule(BLOCK, r" 5\.4\.5 .*quota", "Google's relay: our own daily quota"),
    Rule(BLOCK, r"\[(?:cs|hm|hme|hma|ps)\d+\]", "iCloud: local policy, as in [CS01]"),
    # ── 2  Words stronger than any code ──────────────────────────────────────────────────────────────────────────────
    Rule(BLOCK, r"(?:too many|excessive|exceed\w*|rate of) .{0,20}(?:invalid|unknown|bad)", "our list as a whole"),
    Rule(BLOCK, r"spamhaus|spamcop|sorbs|barracuda|senderscore|cloudmark|uceprotect|surbl|uribl", "block lists"),
    Rule(BLOCK, r"black[ -]?list|block[ -]?list|deny ?list|\bdnsbl|\brbl\b|liste (?:noire|de blocage)", "block lists"),
    Rule(
        BLOCK,
        r"relay(?:ing)? (?:access )?(?:is )?(?:denied|rejected|refused|prohibited|not (?:allowed|permitted))",
        "us",
    ),
    Rule(
        BLOCK,
        r"(?:unable|not|n.?t|allowed|permitted|cannot) (?:to )?relay\b|\brcpthosts\b",
        "we may not send through it",
    ),
    Rule(BLOCK, r"relais\b.{0,20}(?:refus|interdit|autoris)|(?:refus|interdi)\w* .{0,15}relais\b", "the same"),
    Rule(SOFT, r"over[ -]?quota|out of quota|quota .{0,15}(?:exceeded|full|reached)|exceed\w* .{0,30}quota", "full"),
    Rule(SOFT, r"box (?:is |was )?(?:almost |too )?full|full mail ?box|account is full|exceeded storage", "full"),
    Rule(SOFT, r"bo.{1,2}te.{0,40}pleine|quota.{0,30}(?:d.pass|atteint)|espace.{0,30}insuffisant|satur.", "full"),
    # ── 3  An enhanced status code that says one thing ───────────────────────────────────────────────────────────────
    Rule(HARD, r" 5\.1\.(?:1|3|6|10) ", "no such mailbox, bad syntax, moved away, null MX (RFC 7505)"),
    Rule(SENDER, r" 5\.1\.[78] ", "bad mailbox or domain of the sender"),
    Rule(SOFT, r" [45]\.2\.1 ", "disabled, often for a while; a second time after a week is believed"),
    Rule(SOFT, r" [45]\.2\.2 ", "full"),
    Rule(SOFT, r" [45]\.2\.4 ", "a list of theirs that they cannot expand"),
    Rule(CONTENT, r" [45]\.(?:2\.3|3\.4) ", "larger than the mailbox or the system takes"),
    Rule(SOFT, r" [45]\.3\.[1235] ", "their system: full, closed, not capable"),
    Rule(CONTENT, r" [45]\.6\.[1-9]\d* ", "cannot be converted; UTF-8 that they do not take"),
    Rule(BLOCK, r" [45]\.7\.(?:[2-9]|[1-9]\d+) ", "who we are, policy: Gmail 5.7.26 to 32, Microsoft 5.7.515"),
    # ── 4  Words, in English and French ──────────────────────────────────────────────────────────────────────────────
    Rule(SENDER, r"(?:invalid|bad|unknown) sender|sender (?:\w+ )?(?:rejected|invalid|denied|failed)"),
    Rule(SENDER, r"sender (?:domain|address) .{0,30}(?:not|resolve)|domain of sender|(?:emett|exp.dit)eur.{0,20}inval"),
    Rule(BLOCK, r"helo|client host|(?:your|client) (?:reverse |ip |host)|reverse dns|\b(?:rdns|ptr)\b", "our machine"),
    Rule(HARD, rf"(?:no such|unknown|invalid|undeliverable) (?:local )?{_THEY}\b", "no such user"),
    Rule(HARD, rf"{_THEY}\W{{1,5}}(?:\S+ ){{0,6}}?(?:unknown|not (?:found|known|listed)|invalid)\b", "user unknown"),
    Rule(HARD, rf"{_THEY}\b.{{0,60}}?(?:does not|doesn.?t|no longer|not) (?:exist|valid|in use)", "does not exist"),
    Rule(HARD, r"no (?:mailbox|recipient|user) (?:here )?(?:by|with) that|unrouteable address", "qmail, Exim"),
    Rule(HARD, r"doesn.?t have an? (?:\S+ )?account|not (?:our|a) (?:customer|user|subscriber)\b", "not theirs"),
    Rule(HARD, rf"{_THEY}\b.{{0,40}}(?:deleted|closed|terminated|removed|cancel+ed|left (?:the|our|us))\b", "gone"),
    Rule(HARD, r"null ?mx|(?:domain|host) .{0,40}does not accept (?:e-?)?mail", "the domain takes no mail"),
    Rule(HARD, r"nxdomain|(?:host|domain)\b.{0,50}(?:not found|unknown|does not exist)", "Postfix: 5.4.4"),
    Rule(HARD, rf"{_EUX}.{{0,60}}(?:inconnu|invalide|inexist|introuvable|n.existe|supprim|ferm|cl.tur|archiv)"),
    Rule(HARD, r"(?:inconnue?|inexistante?) (?:a|.) cette adresse|n.existe (?:pas|plus)"),
    Rule(SOFT, r"disabled|deactivated|inactive|suspended|not been active|d.sactiv|suspendu|inactif", "it may wake up"),
    Rule(CONTENT, r"too (?:big|large|long)|size (?:limit|exceed)|exceed\w* .{0,30}size|taille", "too large"),
    Rule(CONTENT, r"virus|malware|infected|trojan|attachment|pi.ce.{0,10}jointe|content presents", "what is in it"),
    Rule(CONTENT, r"smtputf8|8-?bit|rfc ?[25]?[38]22\b|header|bare (?:lf|cr)", "how it is written"),
    Rule(BLOCK, r"relay", "a server that does not know its domain, or does not know us"),
    Rule(BLOCK, r"spam|unsolicited|junk|bulk|reputation|phish|suspicious|abus|ind.sirable|pourriel", "called spam"),
    Rule(BLOCK, r"block|bloqu|polic|politique|prohibit|banned|access denied|forbidden", "a rule of theirs"),
    Rule(BLOCK, r"not (?:allowed|permitted|authori[sz]ed)|\bspf\b|\bdkim\b|\bdmarc\b|authenti|\btls\b", "who we are"),
    Rule(BLOCK, r"too (?:many|fast|quickly)|\brate|throttl|slow down|unusual|trop de|limit|deferred due|gr[ae]y ?list"),
    Rule(BLOCK, r"service refus|mail rej|message ref|refus. par|rejected (?:by|due|for|as)", "no reason given"),
    Rule(HARD, r"^55[03] .*mail ?box (?:unavailable|name not allowed)", "RFC 5321's words: Outlook.com, GMX"),
    # ── 5  What is left: the subject of the enhanced code, then the three digits ─────────────────────────────────────
    Rule(BLOCK, r" [45]\.7\.", "security or policy, and no more is said"),
    Rule(CONTENT, r" [45]\.6\.", "5.6.0"),
    Rule(HARD, r"^556 ", "the domain accepts no mail (RFC 7504)"),
    Rule(BLOCK, r"^(?:530|535|538|571) ", "wants a login; 571 is older than 5.7.1"),
)

# An address in the text would be read as words: <spam@example.org>.
_ADDRESS = re.compile(r"<[^<>\s]*@[^<>\s]*>|[^\s<>()\[\]:;,]+@[^\s<>()\[\]:;,]+")
_LONGEST = 500  # characters; a reply that is longer has said it by then
_MARKS = re.compile("[\u0300-\u036f]")


def classify(reply: Reply) -> BounceClass:
    """What a refusal means. Any reply may be handed in; one that says nothing is soft."""
    rule = rule_for(reply)
    if rule is None:
        return SOFT
    is_transient = reply.code // 100 == 4 or (not reply.code and reply.enhanced.startswith("4"))
    return SOFT if rule.bounce is HARD and is_transient else rule.bounce


def rule_for(reply: Reply) -> Rule | None:
    """The row of the table that decides, for who wants to know why; None when none fits."""
    words = _MARKS.sub("", normalize("NFKD", _ADDRESS.sub("<>", reply.text[:_LONGEST]))).lower()
    return _decide(f"{reply.code or '-'} {reply.enhanced or '-'} {words}")


# Without the addresses, thousands of replies are the same few.
@lru_cache(1000)
def _decide(line: str) -> Rule | None:
    return next((rule for pattern, rule in _compiled() if pattern.search(line)), None)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], Rule], ...]:
    return tuple((re.compile(rule.pattern), rule) for rule in RULES)
