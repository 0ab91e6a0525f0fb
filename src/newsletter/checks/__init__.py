"""Checks: what a careful editor would notice before an issue goes out. One file a rule; no I/O, no clock.

A rule is a module: its docstring is what `newsletter check --explain` prints (a title, an empty line, why it matters,
and a bad and a good example), `SEVERITY` says how bad it is, and `find(manuscript)` yields a Remark for each place.
Its id is its file's name with hyphens. One row in RULES makes it known; fixtures in tests/checks/ prove it.

An author waives a rule for one issue in its front matter, and says why:

    waive:
      link-insecure: the museum's page has no https
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from newsletter.finding import Finding, Severity, Spot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from newsletter.errors import Problem
    from newsletter.manuscript import Manuscript


class Remark(NamedTuple):
    """What a rule says of one place."""

    spot: Spot
    message: str
    fix: str = ""
    severity: Severity | None = None  # None: the rule's


class Rule(NamedTuple):
    """A rule, loaded."""

    id: str
    subject: str  # what it is about: a row of RULES
    severity: Severity
    title: str
    explanation: str
    find: Callable[[Manuscript], Iterator[Remark]]


# What rules are about, in the order of a reader's eye, and the rules, in the order in which they are told.
RULES: dict[str, tuple[str, ...]] = {
    "Subject and preheader": (
        "subject_long",
        "subject_caps",
        "subject_wordless",
        "subject_repeated",
        "preheader_missing",
        "preheader_repeats",
        "year_stale",
    ),
    "Text": ("placeholder", "markup_shown"),
    "Links": (
        "link_empty",
        "link_malformed",
        "link_relative",
        "link_insecure",
        "link_dead",
        "link_moved",
        "link_shortened",
        "link_tracking",
        "link_seen",
        "link_vague",
        "link_untold",
        "link_bare",
        "link_deceptive",
    ),
    "Images": (
        "image_untold",
        "image_named",
        "image_heavy",
        "image_wide",
        "image_format",
        "image_data",
        "image_balance",
    ),
    "Accessibility": (
        "heading_skipped",
        "heading_top",
        "heading_empty",
        "heading_alone",
        "table_headless",
        "link_ambiguous",
        "language_untold",
        "language_unknown",
        "reading_order",
        "contrast_low",
    ),
    "Mail programs": ("client_support", "mail_clipped", "style_large", "line_long"),
    "Deliverability": (
        "sender_free",
        "reply_unread",
        "unsubscribe_missing",
        "address_missing",
        "spam_points",
    ),
    "Language": ("spelling", "typography_french", "quotes_in_code", "paragraph_long", "sentence_long"),
    "Personalisation": ("field_missing", "field_longest", "tag_unknown", "branch_unread"),
}


@cache
def rules() -> tuple[Rule, ...]:
    """All rules."""
    return tuple(_load(subject, name) for subject, names in RULES.items() for name in names)


def _load(subject: str, name: str) -> Rule:
    module = import_module(f"newsletter.checks.{name}")
    title, _, explanation = (module.__doc__ or "").partition("\n\n")
    return Rule(
        name.replace("_", "-"), subject, module.SEVERITY, title.strip().rstrip("."), explanation.strip(), module.find
    )


def check(manuscript: Manuscript) -> tuple[Finding, ...]:
    """What all rules have to say, by line. A finding of a rule that the issue waives carries the author's reason."""
    waivers = _waivers(manuscript)
    found = [
        Finding(rule.id, severity or rule.severity, spot, message, fix, waivers.get(rule.id, ""))
        for rule in rules()
        for spot, message, fix, severity in rule.find(manuscript)
    ]
    found += _about_waivers(manuscript, waivers, found)
    return tuple(sorted(found, key=lambda each: (each.spot.path, each.spot.line, each.spot.column)))


def unreadable(problems: Sequence[Problem], name: str) -> list[Finding]:
    """What keeps an issue from being rendered, or parts of it, as findings of the rule `readable`."""
    return [
        Finding("readable", Severity.ERROR, Spot(p.path or name, p.line or 0, p.column or 0), p.message, p.fix or "")
        for p in problems
    ]


def words_in(table: str) -> frozenset[str]:
    """The words of a table: parted by blanks, or by commas where they hold blanks."""
    return frozenset(word.strip() for word in (table.split(",") if "," in table else table.split()))


def _waivers(manuscript: Manuscript) -> dict[str, str]:
    said = manuscript.issue.extra.get("waive")
    return {rule: str(reason or "").strip() for rule, reason in said.items()} if isinstance(said, dict) else {}


def _about_waivers(manuscript: Manuscript, waivers: dict[str, str], found: Sequence[Finding]) -> Iterator[Finding]:
    """A waiver that waives nothing, or says no reason, is a mistake itself."""
    from newsletter.errors import did_you_mean

    if not manuscript.issue.extra.get("waive"):
        return
    spot, known = manuscript.at("waive"), {rule.id for rule in rules()}
    if not waivers:
        fix = "write the rule and the reason below it: waive:, then `  link-insecure: the museum has no https`"
        yield Finding("waiver", Severity.WARNING, spot, "waive: names no rule", fix)
    for rule, reason in waivers.items():
        if rule not in known:
            yield Finding("waiver", Severity.WARNING, spot, f"there is no rule {rule!r}", did_you_mean(rule, known))
        elif not reason:
            fix = f"write why: `{rule}: the reason`; without one it does not count"
            yield Finding("waiver", Severity.WARNING, spot, f"{rule} is waived without a reason", fix)
        elif all(each.rule != rule for each in found):
            message = f"{rule} is waived, and has nothing to say"
            yield Finding("waiver", Severity.NOTE, spot, message, "take the waiver away")
