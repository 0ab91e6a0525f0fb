"""What may be written in newsletter.toml: at the end a table of all keys, before it the functions that read a value.

Each of them takes what TOML gave and returns the value to keep, or raises ConfigError with one Problem, without a
place, whose message goes on after the key's name ("… must be text"). An empty text always passes: it is how a setting
is written that is not filled in yet.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from newsletter.config_bounces import MAILBOXES
from newsletter.config_images import PLACES
from newsletter.config_limits import MOST, day, domains, numbers, rate
from newsletter.config_web import field_names, networks, texts
from newsletter.errors import ConfigError, Problem, did_you_mean
from newsletter.languages import language_tag, tag_of_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LOCAL_PART = re.compile(r"[^\s\x00-\x20\x7f<>,;:()\[\]\"\\@.]+(?:\.[^\s\x00-\x20\x7f<>,;:()\[\]\"\\@.]+)*")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_LONGEST_LOCAL_PART, _TAG = 64, 41  # octets: RFC 5321 section 4.5.3.1.1; a + and 40 hexadecimal digits
_URL_SAFE = "/%:@!$&'()*+,;=~"


def _wrong(message: str, fix: str) -> ConfigError:
    return ConfigError(Problem(message, fix=fix))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        fix = f'write "{value}"' if type(value) in (int, float) else "write one text in quotes"
        raise _wrong(f"must be text, not {_name_of(value)}", fix)
    return value


def _name_of(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a section", str: "text"}
    return names.get(type(value), "a date or time")


def line(value: Any) -> str:
    """A text without line breaks or other control characters, so that it can stand in a mail's header."""
    text = _text(value)
    if _CONTROL.search(text):
        raise _wrong("must be one line without control characters", "take the line break or tab out")
    return text.strip()


def text_lines(value: Any) -> str:
    """A text of one or more lines."""
    text = _text(value).replace("\r\n", "\n")
    if _CONTROL_IN_LINES.search(text):
        raise _wrong("holds a control character", "take it out; line breaks are welcome")
    return text.strip()


def language(value: Any) -> str:
    """A language as in `fr` or `pt-BR` (BCP 47)."""
    text = line(value)
    tag = language_tag(text) if text else ""
    if tag is None:
        meant = tag_of_name(text)
        raise _wrong(
            f"is no language code: {text!r}", f'write "{meant}"' if meant else 'write two letters, such as "en" or "fr"'
        )
    return tag


def web_address(value: Any) -> str:
    """An http or https address to which paths can be added, in ASCII (RFC 3986) and without a slash at its end."""
    text = line(value)
    if not text:
        return text
    example = 'write it in full, such as "https://letter.example.org"'
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong("is no web address", example) from None
    if parts.username is not None:
        raise _wrong("must not hold a user name or password: every reader will see it", example)
    if parts.scheme not in ("http", "https"):
        bare = _HOST.fullmatch(re.split("[:/]", text, maxsplit=1)[0]) and "://" not in text
        raise _wrong(f"must begin with https:// or http://: {text!r}", f'write "https://{text}"' if bare else example)
    if ":" not in host and not _HOST.fullmatch(_ascii_host(host)):
        raise _wrong(f"names no host: {text!r}", example)
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise _wrong("must end before ? and #: paths are added to it", f'write "{re.split("[?#]", text)[0]}"')
    server = parts.netloc if parts.netloc.isascii() else _ascii_host(host) + (f":{port}" if port else "")
    return f"{parts.scheme}://{server}{quote(parts.path, safe=_URL_SAFE)}".rstrip("/")


def email_address(value: Any) -> str:
    """An address without a name; its domain comes back in ASCII (A-labels)."""
    text = line(value)
    if not text:
        return text
    if text.endswith(">") and "<" in text:
        inner = text[text.rindex("<") + 1 : -1]
        raise _wrong("takes the address alone", f'write "{inner}"; the name has a key of its own')
    local, at, domain = text.rpartition("@")
    ascii_domain = _ascii_host(domain)
    sound = _LOCAL_PART.fullmatch(local) and len(local.encode()) <= 64 and _HOST.fullmatch(ascii_domain)
    if not at or not sound or ("." not in ascii_domain and ascii_domain.casefold() != "localhost"):
        raise _wrong(f"is no email address: {text!r}", 'an address looks like "letter@example.org"')
    return f"{local}@{ascii_domain}"


def return_address(value: Any) -> str:
    """An address to whose local part a tag of 41 characters can be added (newsletter.links)."""
    text = email_address(value)
    local = text.rpartition("@")[0]
    if len(local.encode()) > _LONGEST_LOCAL_PART - _TAG:
        raise _wrong(
            f"must have at most {_LONGEST_LOCAL_PART - _TAG} characters before the @: a tag for each message is added",
            'write "bounces@example.org"',
        )
    return text


def mail_host(value: Any) -> str:
    """A mail server: a name, which comes back in ASCII, an IP address, or `unix:` and the path of a socket."""
    text = line(value)
    if not text:
        return text
    if is_unix_socket(text):
        if text.startswith("unix:/"):
            return text
        raise _wrong(f"must name a socket by its whole path: {text!r}", 'write "unix:/run/dovecot/lmtp"')
    bare = text.strip("[]")
    if _is_ip_address(bare):
        return bare
    if _HOST.fullmatch(_ascii_host(text)):
        return _ascii_host(text)
    host = text.rpartition("://")[2].partition("/")[0]
    host, colon, port = host.partition(":")
    if colon and port.isdecimal() and _HOST.fullmatch(_ascii_host(host)):
        raise _wrong(f"must be a host alone: {text!r}", f'write host = "{host}" and port = {port}')
    meant = f'write "{host}"' if host and _HOST.fullmatch(_ascii_host(host)) else 'write "smtp.example.org"'
    raise _wrong(f"is no name or address of a server: {text!r}", meant)


def is_unix_socket(host: str) -> bool:
    """Whether a host is the path of a socket on this machine."""
    return host.startswith("unix:")


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _ascii_host(host: str) -> str:
    """A host name in ASCII; as it is when the standard library's older rules (IDNA 2003) would make it another name."""
    if host.isascii():
        return host
    try:
        encoded = host.encode("idna")
        return encoded.decode() if encoded.decode("idna") == host.casefold() else host
    except UnicodeError:
        return host


def database_url(value: Any) -> str:
    """Where the list is kept: `sqlite:///file` or `postgresql://server/name`, without a password in it."""
    text = line(value)
    if not text:
        return text
    scheme, separator, rest = text.partition("://")
    example = 'write "sqlite:///newsletter.db" or "postgresql://user@server/name"'
    if not separator:
        guess = f'did you mean "sqlite:///{text}"?' if text.endswith((".db", ".sqlite", ".sqlite3")) else example
        raise _wrong("is no database address", guess)
    kind = scheme.partition("+")[0]
    if kind not in ("sqlite", "postgresql"):
        fix = 'write "postgresql" instead of "postgres"' if kind == "postgres" else example
        raise _wrong(f"names no database that is known here: {scheme!r}", fix)
    if kind == "sqlite":
        if rest and not rest.startswith("/"):
            raise _wrong("needs three slashes before a file", f'write "sqlite:///{rest}"')
        return text
    if ":" in rest.rpartition("@")[0] or re.search(r"[?&]password=", rest):
        raise _wrong(
            "must not hold a password: who reads the file could read your list",
            "take it out; PostgreSQL looks for it in the variable PGPASSWORD and in the file ~/.pgpass",
        )
    return text


def folder_name(value: Any) -> str:
    """The name of one folder, without a path."""
    text = line(value)
    if text in (".", "..") or "/" in text or "\\" in text:
        raise _wrong(f"must be a name, not a path: {text!r}", "themes stand side by side; give the folder's name alone")
    return text


def file_path(value: Any) -> str:
    """A path, relative to the configuration file or absolute."""
    text = line(value)
    if text.startswith("~"):
        raise _wrong("must not begin with ~, which would differ for each user", "write the path in full")
    return text


def variable_name(value: Any) -> str:
    """The name of an environment variable. A wrong one is never repeated: it may be the secret itself."""
    text = line(value)
    if text and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise _wrong(
            "must be the name of an environment variable", 'write "NEWSLETTER_SMTP_PASSWORD", and set that variable'
        )
    return text


def choice(*known: str) -> Callable[[Any], str]:
    """One of a few words."""

    def read(value: Any) -> str:
        text = _text(value)
        if text and text not in known:
            listed = f"{', '.join(known[:-1])} or {known[-1]}"
            raise _wrong(f"must be {listed}, not {text!r}", did_you_mean(text, known))
        return text

    return read


def whole_number(lowest: int, highest: int) -> Callable[[Any], int]:
    """A whole number between two others, both included."""

    def read(value: Any) -> int:
        if type(value) is not int:
            unquoted = isinstance(value, str) and value.strip().isdecimal()
            fix = f"write it without quotes: {value.strip()}" if unquoted else f"a number such as {lowest}"
            raise _wrong(f"must be a whole number, not {_name_of(value)}", fix)
        if not lowest <= value <= highest:
            raise _wrong(
                f"must be between {lowest} and {highest}, not {value}", f"write a number from {lowest} to {highest}"
            )
        return value

    return read


def yes_or_no(value: Any) -> bool:
    """A switch."""
    if not isinstance(value, bool):
        raise _wrong(f"must be true or false, not {_name_of(value)}", "write it without quotes: true")
    return value


def seconds(value: Any) -> float:
    """A time in seconds, longer than none."""
    if type(value) not in (int, float):
        raise _wrong(f"must be a number of seconds, not {_name_of(value)}", "write it without quotes and units: 60")
    if not 0 < value < float("inf"):
        raise _wrong(f"must be longer than 0 seconds, not {value}", "60 is a good value")
    return float(value)


def in_folder(url: str, folder: Path) -> str:
    """A database's address with its file's name in full, when it has a file."""
    scheme, _, rest = url.partition(":///")
    name, mark, options = rest.partition("?")
    if not scheme.startswith("sqlite") or name in ("", ":memory:") or name.startswith("file:"):
        return url
    return f"{scheme}:///{(folder / name).as_posix()}{mark}{options}"


def completed(kind: str, values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A transport's settings, with what follows from the others filled in."""
    for key in ("path", "password_file", "ca_file"):
        if key in values:
            values[key] = folder / values[key] if values[key] else None
    if kind in _SECURITY:
        default = "none" if is_unix_socket(values.get("host", "")) else _SECURITY[kind]
        values["security"] = values.get("security") or default
        port = _LMTP_PORT if kind == "lmtp" and values["security"] == "none" else _PORTS[values["security"]]
        values.setdefault("port", port)
    return values


Keys = dict[str, "Callable[[Any], Any]"]

# ── What may be written, and what reads it ───────────────────────────────────────────────────────────────────────────

SECTIONS: dict[str, Keys] = {
    "newsletter": {
        "title": line,
        "language": language,
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
        "port": whole_number(1, 65535),
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
    "web": {
        "fields": field_names,
        "topics": texts,
        "confirm": yes_or_no,
        "welcome": line,
        "goodbye": yes_or_no,
        "consent": line,
        "privacy": web_address,
        "proxies": networks,
        "per_network": whole_number(1, 1_000_000),
        "per_hour": whole_number(1, 1_000_000),
        "metrics_token_env": variable_name,
    },
    "limits": {"rate": rate, "daily": whole_number(1, MOST), "warmup": numbers(MOST), "warmup_from": day},
    "retry": {"minutes": numbers(10_080), "give_up_after_hours": whole_number(1, 168)},
}
# Below [limits], a section for each group of recipients.
GROUP_LIMITS: Keys = {
    "rate": rate,
    "in_flight": whole_number(1, 1000),
    "daily": whole_number(1, MOST),
    "domains": domains,
}

_SMTP: Keys = {
    "host": mail_host,
    "port": whole_number(1, 65535),
    "security": choice("none", "starttls", "tls"),
    "ca_file": file_path,
    "username": line,
    "password_env": variable_name,
    "password_file": file_path,
    "auth": choice("plain", "login", "cram-md5", "xoauth2"),
    "connections": whole_number(1, 1000),
    "max_messages": whole_number(1, 1_000_000),
    "chunking": yes_or_no,
    "window": whole_number(2, 1000),
    "rate": rate,
    "timeout": seconds,
    "local_hostname": line,
}
KINDS: dict[str, Keys] = {
    "smtp": _SMTP,
    "lmtp": _SMTP,
    "folder": {"path": file_path, "rate": rate},
    "memory": {"rate": rate},
}
NEEDED = {"smtp": {"host": "smtp.example.org"}, "lmtp": {"host": "127.0.0.1"}, "folder": {"path": "outbox"}}
_SECURITY = {"smtp": "starttls", "lmtp": "none"}  # when the file is silent: nobody's password in the clear by default
_PORTS = {"none": 25, "starttls": 587, "tls": 465}  # RFC 8314 section 3.3, RFC 5321 section 4.5.4.2
_LMTP_PORT = 24  # RFC 2033 section 5 forbids 25
