"""The newsletter as every issue speaks of it: its title, its sender, its address."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """What templates show of the newsletter itself; it comes from newsletter.toml."""

    title: str
    language: str = "en"  # BCP 47; of issues that do not say theirs
    base_url: str = ""  # where the pages are served, without a slash at its end
    postal_address: str = ""
    sender_name: str = ""
    sender_email: str = ""
    timezone: str = ""  # IANA; of events that do not say theirs. "": hours are those of wherever the reader is
