"""Calendars: each event of an issue as a file that calendar programs open (RFC 5545, published as in RFC 5546).

    ::event[A walk]{date=2026-12-06 time=10:30}  ──▶  a-walk.ics

The file goes where the images of the issue go: into a folder, and the event links to it there; or else it is attached
to the message, and linked in the archive. What is attached goes to everybody, so an event within a condition is linked
alone, and one whose title differs between recipients has no file. Nothing is asked of a clock: the same event is the
same file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.picture import enclose
from newsletter.render import inline
from newsletter.render.holes import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from icalendar import Component, Event

    from newsletter.issue import Issue
    from newsletter.picture import Enclosed
    from newsletter.render.block import Block
    from newsletter.render.holes import Holes
    from newsletter.render.site import Site

TYPE = "text/calendar; charset=utf-8; method=PUBLISH"
_PRODUCER = "-//newsletter//newsletter//EN"
_ONE_DAY = timedelta(days=1)


def has_events(blocks: Sequence[Block]) -> bool:
    """Whether there is an event among the blocks."""
    return any(block.name == "event" or has_events(block.children) for block in blocks)


def files(blocks: Sequence[Block]) -> Iterator[Enclosed]:
    """The calendar files of the events among blocks that `with_files` has been through."""
    for block in blocks:
        if file := block.data.get("file"):
            yield file
        yield from files(block.children)


def placed(
    blocks: Sequence[Block], addresses: Mapping[str, str], online: Mapping[str, str], *, attach: bool
) -> tuple[Block, ...]:
    """The blocks with each event's file in its place: at its address, or attached to the message and perhaps online.

    Both are known by the file's digest. What is attached and online is shown as a link.
    """
    out: list[Block] = []
    for block in blocks:
        children = placed(block.children, addresses, online, attach=attach) if block.children else ()
        data: Mapping[str, Any] = block.data
        if file := data.get("file"):
            if address := addresses.get(file.digest):
                data = {**data, "ics": address, "file": None}
            else:
                is_attached = attach and data["for_all"]
                said = {"ics": online.get(file.digest, ""), "attached": file.name if is_attached else ""}
                data = {**data, **said, "file": file if is_attached else None}
        out.append(replace(block, data=data, children=children))
    return tuple(out)


def with_files(
    blocks: Sequence[Block], issue: Issue, site: Site, holes: Holes, resolve: Callable[[str], str]
) -> tuple[Block, ...]:
    """The blocks, each event that has no calendar file of its author's with one of ours."""
    names: dict[str, str] = {}

    def through(blocks: Sequence[Block], *, for_all: bool) -> tuple[Block, ...]:
        depth, out = 0, []
        for block in blocks:
            data = block.data
            if block.name == "control":
                kinds = [holes[int(mark[1])].kind for mark in holes.mark.finditer(data["marks"])]
                depth += kinds.count(Kind.IF) - kinds.count(Kind.ENDIF)
            elif block.name == "event" and not data["ics"] and data["has_file"]:
                title = inline.text(block.inline).strip()
                if holes.nonce not in title:
                    content = _calendar(block, title, issue, site, holes, resolve)
                    file = enclose(content, _name(title, content, names), TYPE)
                    data = {**data, "file": file, "for_all": for_all and not depth}
            children = through(block.children, for_all=for_all and not depth) if block.children else ()
            out.append(replace(block, data=data, children=children))
        return tuple(out)

    return through(blocks, for_all=True)


def _name(title: str, content: bytes, names: dict[str, str]) -> str:
    """A name for the file, of letters that every program takes, and of its own; the same file has the same name."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", plain.lower())[:40].strip("-") or "event"
    digest = sha256(content).hexdigest()
    for number in range(1, len(names) + 2):
        name = f"{stem}{f'-{number}' if number > 1 else ''}.ics"
        if names.setdefault(name, digest) == digest:
            break
    return name


def _calendar(block: Block, title: str, issue: Issue, site: Site, holes: Holes, resolve: Callable[[str], str]) -> bytes:
    from icalendar import Calendar, Event

    data = block.data
    begin, end = _times(data["date"], data["time"], data["until"], data["end"])
    zone = data["zone"] or site.timezone
    if isinstance(begin, datetime) and zone:
        from zoneinfo import ZoneInfo

        begin = begin.replace(tzinfo=ZoneInfo(zone))
        end = end.replace(tzinfo=ZoneInfo(zone)) if isinstance(end, datetime) else None
    event = Event()
    event.add("uid", _uid(issue, site, title, data["date"]))
    event.add("dtstamp", datetime.combine(issue.date or data["date"], time(), UTC))
    event.add("dtstart", begin)
    if end is not None:
        event.add("dtend", end)
    event.add("summary", title)
    _describe(event, block, holes, resolve)
    if site.sender_email:
        event.add("organizer", f"mailto:{site.sender_email}", parameters={"CN": site.sender_name or site.title})
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODUCER)
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    # Whole years, so that what a program remembers of a zone serves it for others of that time, too.
    calendar.add_missing_timezones(date(begin.year, 1, 1), date((end or begin).year + 1, 1, 1))
    for onset in (each for zone in calendar.timezones for each in zone.subcomponents):
        _tell_by_the_old_clock(onset)
    return bytes(calendar.to_ical())


def _tell_by_the_old_clock(onset: Component) -> None:
    """Let summer time begin at the hour of the clock that it ends (RFC 5545 3.6.5): icalendar writes the new one's."""
    told: Mapping[str, Any] = onset
    jump = told["TZOFFSETTO"].td - told["TZOFFSETFROM"].td
    if jump > timedelta():
        for moment in (told["DTSTART"], *(told["RDATE"].dts if "RDATE" in told else ())):
            moment.dt -= jump


def _describe(event: Event, block: Block, holes: Holes, resolve: Callable[[str], str]) -> None:
    """Add what is said of an event beside its title and its time, unless it differs between recipients."""
    is_for_all = all(child.name != "control" for child in block.children)
    paragraphs = (inline.text(child.inline) for child in block.children if is_for_all)
    said = {
        "location": block.data["place"],
        "description": "\n\n".join(filter(None, paragraphs)),
        "url": resolve(block.data["href"]),
    }
    for name, text in said.items():
        if text and holes.nonce not in text:
            event.add(name, text)


def _times(
    first: date, hour: time | None, last: date | None, end: time | None
) -> tuple[date, date | None] | tuple[datetime, datetime | None]:
    """When an event begins, and when it is over: whole days, or hours, which are local unless they get a zone."""
    last = last or first
    if hour is None:
        return first, last + _ONE_DAY
    begin = datetime.combine(first, hour)
    if end is not None:
        return begin, datetime.combine(last, end)
    # Nobody said at what hour its last day is over.
    return begin, datetime.combine(last + _ONE_DAY, time()) if last != first else None


def _uid(issue: Issue, site: Site, title: str, day: date) -> str:
    """The same name for the same event of an issue, so that a file that is opened twice makes one entry."""
    digest = sha256(f"{issue.key}\0{title}\0{day}".encode()).hexdigest()
    host = urlsplit(site.base_url).hostname or site.sender_email.rpartition("@")[2] or "newsletter.invalid"
    return f"{digest[:32]}@{host}"
