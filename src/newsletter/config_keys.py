"""Every section of newsletter.toml with the keys that it may hold, and what reads each. A key is added here."""

from __future__ import annotations

from newsletter.config_addresses import (
    database_url,
    email_address,
    mail_host,
    name_servers,
    return_address,
    web_address,
)
from newsletter.config_bounces import MAILBOXES
from newsletter.config_images import PLACES
from newsletter.config_limits import MOST, day, domains, mail_servers, numbers, rate
from newsletter.config_values import (
    Keys,
    choice,
    file_path,
    folder_name,
    language,
    line,
    text_lines,
    variable_name,
    whole_number,
    yes_or_no,
    zone_name,
)
from newsletter.config_web import field_names, networks, topics

SECTIONS: dict[str, Keys] = {
    "newsletter": {
        "title": line,
        "language": language,
        "timezone": zone_name,
        "base_url": web_address,
        "postal_address": text_lines,
        "issues": file_path,
        "templates": file_path,
        "theme": folder_name,
    },
    "sender": {"name": line, "email": email_address, "reply_to": email_address, "bounces": return_address},
    "store": {"url": database_url},
    "transport": {"use": line},
    "dkim": {
        "domain": line,
        "rsa_selector": line,
        "rsa_key_file": file_path,
        "ed25519_selector": line,
        "ed25519_key_file": file_path,
    },
    "bounces": {
        "kind": choice(*MAILBOXES),
        "host": mail_host,
        "port": whole_number(1, 65535, 993),
        "security": choice("tls", "starttls", "none"),
        "ca_file": file_path,
        "username": line,
        "password_env": variable_name,
        "password_file": file_path,
        "folder": line,
        "processed": line,
        "path": file_path,
    },
    "images": {"place": choice(*PLACES), "folder": file_path, "base_url": web_address},
    "archive": {"feeds": choice("full", "summary")},
    "web": {
        "fields": field_names,
        "topics": topics,
        "confirm": yes_or_no,
        "welcome": line,
        "goodbye": yes_or_no,
        "consent": line,
        "privacy": web_address,
        "keep_network": yes_or_no,
        "proxies": networks,
        "per_network": whole_number(1, 1_000_000),
        "per_hour": whole_number(1, 1_000_000),
        "metrics_token_env": variable_name,
    },
    "limits": {"rate": rate, "daily": whole_number(1, MOST), "warmup": numbers(MOST), "warmup_from": day},
    "dns": {"servers": name_servers},
    "retry": {"minutes": numbers(10_080), "give_up_after_hours": whole_number(1, 168)},
}
# Below [limits], a section for each group of recipients.
GROUP_LIMITS: Keys = {
    "rate": rate,
    "in_flight": whole_number(1, 1000),
    "daily": whole_number(1, MOST),
    "domains": domains,
    "mx": mail_servers,
}
