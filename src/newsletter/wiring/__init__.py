"""Wiring: from the settings to the parts. The only place that chooses.

issues.py     from the settings to what an issue is rendered with, and to what becomes of it on the web.
sending.py    from the settings to messages, and to the way on which they go out.
identity.py   from the settings to who the messages come from, and who signs them.
services.py   from the settings to a provider, both ways.
asking.py     from the settings to those who know whether mails arrive, and to what comes back.
"""

from __future__ import annotations

from newsletter.wiring.asking import bounces, dns, next_hop, posting, public_address, signing
from newsletter.wiring.identity import dkim_keys, frame, sender
from newsletter.wiring.issues import (
    addresses,
    archive,
    has_store,
    image_cache,
    journal,
    keys,
    link_cache,
    pictures,
    site,
    snippets,
    store,
    theme,
    web_pages,
)
from newsletter.wiring.sending import jobs_through, limits, mail_servers, post, transport
from newsletter.wiring.services import (
    account,
    fitting,
    hear_again,
    listener,
    provider_of,
    provider_quota,
    provider_told,
)

__all__ = [
    "account",
    "addresses",
    "archive",
    "bounces",
    "dkim_keys",
    "dns",
    "fitting",
    "frame",
    "has_store",
    "hear_again",
    "image_cache",
    "jobs_through",
    "journal",
    "keys",
    "limits",
    "link_cache",
    "listener",
    "mail_servers",
    "next_hop",
    "pictures",
    "post",
    "posting",
    "provider_of",
    "provider_quota",
    "provider_told",
    "public_address",
    "sender",
    "signing",
    "site",
    "snippets",
    "store",
    "theme",
    "transport",
    "web_pages",
]
