"""The newsletter as every issue speaks of it: its title, its sender, its address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Site:
    """What templates show of the newsletter itself; it comes from newsletter.toml."""

    title: str
    language: str = "en"  # BCP 47; of issues that do not say theirs
    base_url: str = ""  # where the pages are served, without a slash at its end
    postal_address: str = ""
    sender_name: str = ""
    sender_email: str = ""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)  # the author's, by language
    timezone: str = ""  # IANA; of events that do not say theirs. "": hours are those of wherever the reader is
