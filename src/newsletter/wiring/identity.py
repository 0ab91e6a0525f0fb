"""Identity: from the settings to who the messages come from, and who signs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, Problem
from newsletter.message import Frame, Mailbox, list_id

if TYPE_CHECKING:
    from newsletter.config import Config
    from newsletter.signing.dkim import DkimKey


def sender(config: Config) -> Mailbox:
    """Who the messages come from."""
    return Mailbox(config.sender.email or "nobody@example.org", config.sender.name or config.title)


def frame(config: Config, *, test: bool = False) -> Frame:
    """What every message says of its sender and its list."""
    who = sender(config)
    return Frame(
        sender=who,
        reply_to=config.sender.reply_to,
        list_title=config.title,
        list_id=list_id(who.email),
        unsubscribe_email=config.sender.reply_to or who.email,
        return_path=config.sender.bounces or who.email,
        subject_prefix="[Test] " if test else "",
        is_test=test,
        one_click=config.base_url.startswith("https:"),
    )


def dkim_keys(config: Config) -> tuple[DkimKey, ...]:
    """The keys to sign with, read from their files. Raises ConfigError."""
    if not config.dkim_keys:
        return ()
    from newsletter.sources.settings import text_of

    try:
        from newsletter.signing.dkim import read_key
    except ImportError:
        raise ConfigError(
            Problem("[dkim] needs the package cryptography", str(config.path), fix="pip install 'newsletter[dkim]'")
        ) from None
    domain = config.dkim_domain or sender(config).email.rpartition("@")[2]
    return tuple(
        read_key(text_of(each.path).encode(), domain, each.selector, str(each.path)) for each in config.dkim_keys
    )
