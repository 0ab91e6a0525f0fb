"""Receivers: what the large ones ask of who sends to many, and which of it is met.

By their own pages, as read in 2026. A rule is the `about` of a diagnosis; what doctor cannot look at (how many readers
press “spam”, whether the way out stands in the text) is no row here: `newsletter check` and the reports speak of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.diagnosis import Diagnosis, Health

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RECEIVERS_SECTION = "Receivers"
_PROVEN = ("SPF", "DKIM", "DMARC", "Alignment")
# Who, from how many messages a day, and what they want of each sender.
RECEIVERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Gmail": ("from 5,000 a day", ("Sender", *_PROVEN, "PTR", "TLS", "One click")),
    "Yahoo": ("of bulk senders", ("Sender", *_PROVEN, "PTR", "One click")),
    "Microsoft": ("from 5,000 a day", ("Sender", *_PROVEN, "MX")),
    "Orange": ("of everybody", ("Sender", *_PROVEN, "PTR", "MX")),
    "La Poste": ("of everybody", ("Sender", "SPF", "DKIM", "DMARC", "PTR")),
}
# A receiver of which nothing speaks elsewhere wants it none the less.
_WORST = (Health.BAD, Health.UNKNOWN, Health.ADVICE, Health.GOOD)


def receivers(found: Sequence[Diagnosis]) -> Iterator[Diagnosis]:
    """One summary a receiver: which of its rules are met, which are not, and what to do about each of those."""
    worst: dict[str, Diagnosis] = {}
    for each in found:
        if each.about not in worst or _WORST.index(each.health) < _WORST.index(worst[each.about].health):
            worst[each.about] = each
    for name, (whom, rules) in RECEIVERS.items():
        missed = [worst[rule] for rule in rules if rule in worst and worst[rule].health is Health.BAD]
        unseen = [rule for rule in rules if rule not in worst or worst[rule].health is Health.UNKNOWN]
        met = [rule for rule in rules if rule not in unseen and worst[rule] not in missed]
        parts = [f"{', '.join(met)} met" if met else "", f"not {', '.join(each.about for each in missed)}",
                 f"not seen from here: {', '.join(unseen)}"]  # fmt: skip
        shown = [part for part, is_there in zip(parts, (met, missed, unseen), strict=True) if is_there]
        health = Health.BAD if missed else Health.UNKNOWN if unseen else Health.GOOD
        fix = "\n".join(f"{each.about}: {f'publish {each.publish}' if each.publish else each.fix}" for each in missed)
        yield Diagnosis(RECEIVERS_SECTION, name, health, f"asks {whom}: {'; '.join(shown)}", fix)
