"""An edition as it is for nobody: every slot by its default, every condition as for a person who is not known.

What has no default shows nothing. The sentence around it is mended where a blank would show: "Hello {{ name }}!" is
"Hello!", and "{{ name }}, here is the letter" is "Here is the letter".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from newsletter.edition import ESCAPES, Slot
from newsletter.render.slots import UNFIT, compiled
from newsletter.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from newsletter.edition import Edition, Pattern
    from newsletter.links import Links

_BLANK = "\x00"  # stands for a value that nobody has; no HTML document and no value can hold one
_WINDOW = 400  # characters on each side of a blank that are looked at
_SPACE = "[ \t\n\u00a0\u202f]"
_TAGS = "(?>(?:<[^<>]*+>)*)"
_OPENS = "(?:<(?:p|li|td|th|dd|dt|div|h[1-6]|blockquote|br|figcaption|caption)\\b[^<>]*+>)"
# Brackets around nothing go with it; so does the space before, if what follows is a space or closes the sentence.
_BRACKET_BEFORE = re.compile(rf"{_SPACE}*[(\[]{_SPACE}*$")
_BRACKET_AFTER = re.compile(rf"^{_SPACE}*[)\]]")
_SPACE_BEFORE = re.compile(rf"{_SPACE}+((?>(?:<(?!/|br\b)[^<>]*+>)*))$")
_CLOSES_AFTER = re.compile(rf"^((?>(?:</[^<>]*+>)*))(?={_SPACE}|[.,;:!?…)\]]|$)")
_BEGINS_BEFORE = re.compile(rf"(?:^|{_OPENS}){_SPACE}*((?>(?:<(?!/)[^<>]*+>)*))$")
_ENDS_AFTER = re.compile(rf"^((?>(?:</[^<>]*+>)*)){_SPACE}*[,;:]?{_SPACE}*({_TAGS})(\w)")


class _NoLinks:
    """What stands for the signed addresses: nobody has any but the page that is the same for everybody."""

    unsubscribe = ""
    preferences = ""

    def __init__(self, archive: str) -> None:
        self.archive = archive


def values_for_nobody(edition: Edition, archive_url: str) -> tuple[str | None, ...]:
    """The values of the edition's expressions, None for one that nobody has. Raises IssueError for a wrong one."""
    nobody, links = Subscriber(""), cast("Links", _NoLinks(archive_url))
    out: list[str | None] = []
    for expression in edition.expressions:
        value = compiled(expression, edition)
        try:
            out.append(value(nobody, links) or None)
        except UNFIT:
            # A condition that cannot be asked of nobody is as one that does not hold: what is left is `else`.
            last = str(len(expression.sources) - 1) if expression.sources[-1] == "" else "-1"
            out.append(last if expression.is_choice else None)
    return tuple(out)


def filled_for_nobody(pattern: Pattern, values: Sequence[str | None]) -> str:
    """The pattern's text as it is for nobody."""
    return _mended("".join(_parts(pattern, values)))


def _parts(pattern: Pattern, values: Sequence[str | None]) -> Iterator[str]:
    for part in pattern:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Slot):
            value = values[part.index]
            yield _BLANK if value is None else ESCAPES[part.where](value)
        else:
            branch = int(values[part.index] or "-1")
            if 0 <= branch < len(part.branches):
                yield from _parts(part.branches[branch], values)


def _mended(text: str) -> str:
    """The text without blanks, and without what would show that they were there."""
    if _BLANK not in text:
        return text
    first, *rest = text.split(_BLANK)
    out = first
    done: list[str] = []
    for after in rest:
        # Only the end of what stands before is looked at: the rest is put aside, or this would take its square.
        done.append(out[:-_WINDOW])
        before, near, far = out[-_WINDOW:], after[:_WINDOW], after[_WINDOW:]
        before, near = _closed(before, near, is_start=not any(done))
        out = f"{before}{near}{far}"
    return "".join((*done, out))


def _closed(before: str, after: str, *, is_start: bool) -> tuple[str, str]:
    """The texts around a blank, brought together."""
    if (opened := _BRACKET_BEFORE.search(before)) and (closed := _BRACKET_AFTER.search(after)):
        return before[: opened.start()], after[closed.end() :]
    begins = _BEGINS_BEFORE.search(before)
    if begins and (begins[0].startswith("<") or (is_start and begins.start() == 0)):
        if found := _ENDS_AFTER.search(after):
            return before, f"{found[1]}{found[2]}{found[3].upper()}{after[found.end() :]}"
        return before, after
    if (space := _SPACE_BEFORE.search(before)) and _CLOSES_AFTER.search(after):
        return f"{before[: space.start()]}{space[1]}", after
    return before, after
