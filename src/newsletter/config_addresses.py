"""What may be written in newsletter.toml: functions that read the address of a page, a person, a server, a database.

They do as those of config_values.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from newsletter.config_values import line, wrong

if TYPE_CHECKING:
    from pathlib import Path

_LOCAL_PART = re.compile(r"[^\s\x00-\x20\x7f<>,;:()\[\]\"\\@.]+(?:\.[^\s\x00-\x20\x7f<>,;:()\[\]\"\\@.]+)*")
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_LONGEST_LOCAL_PART, _TAG = 64, 41  # octets: RFC 5321 section 4.5.3.1.1; a + and 40 hexadecimal digits
_URL_SAFE = "/%:@!$&'()*+,;=~"


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
        raise wrong("is no web address", example) from None
    if parts.username is not None:
        raise wrong("must not hold a user name or password: every reader will see it", example)
    if parts.scheme not in ("http", "https"):
        bare = _HOST.fullmatch(re.split("[:/]", text, maxsplit=1)[0]) and "://" not in text
        raise wrong(f"must begin with https:// or http://: {text!r}", f'write "https://{text}"' if bare else example)
    if ":" not in host and not _HOST.fullmatch(_ascii_host(host)):
        raise wrong(f"names no host: {text!r}", example)
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise wrong("must end before ? and #: paths are added to it", f'write "{re.split("[?#]", text)[0]}"')
    server = parts.netloc if parts.netloc.isascii() else _ascii_host(host) + (f":{port}" if port else "")
    return f"{parts.scheme}://{server}{quote(parts.path, safe=_URL_SAFE)}".rstrip("/")


def email_address(value: Any) -> str:
    """An address without a name; its domain comes back in ASCII (A-labels)."""
    text = line(value)
    if not text:
        return text
    if text.endswith(">") and "<" in text:
        inner = text[text.rindex("<") + 1 : -1]
        raise wrong("takes the address alone", f'write "{inner}"; the name has a key of its own')
    local, at, domain = text.rpartition("@")
    ascii_domain = _ascii_host(domain)
    sound = _LOCAL_PART.fullmatch(local) and len(local.encode()) <= 64 and _HOST.fullmatch(ascii_domain)
    if not at or not sound or ("." not in ascii_domain and ascii_domain.casefold() != "localhost"):
        raise wrong(f"is no email address: {text!r}", 'an address looks like "letter@example.org"')
    return f"{local}@{ascii_domain}"


def return_address(value: Any) -> str:
    """An address to whose local part a tag of 41 characters can be added (newsletter.links)."""
    text = email_address(value)
    local = text.rpartition("@")[0]
    if len(local.encode()) > _LONGEST_LOCAL_PART - _TAG:
        raise wrong(
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
        raise wrong(f"must name a socket by its whole path: {text!r}", 'write "unix:/run/dovecot/lmtp"')
    bare = text.strip("[]")
    if _is_ip_address(bare):
        return bare
    if _HOST.fullmatch(_ascii_host(text)):
        return _ascii_host(text)
    host = text.rpartition("://")[2].partition("/")[0]
    host, colon, port = host.partition(":")
    if colon and port.isdecimal() and _HOST.fullmatch(_ascii_host(host)):
        raise wrong(f"must be a host alone: {text!r}", f'write host = "{host}" and port = {port}')
    meant = f'write "{host}"' if host and _HOST.fullmatch(_ascii_host(host)) else 'write "smtp.example.org"'
    raise wrong(f"is no name or address of a server: {text!r}", meant)


def name_servers(value: Any) -> tuple[tuple[str, int], ...]:
    """A list of name servers, each an IP address, with a port or without."""
    if not isinstance(value, list):
        raise wrong("must be a list", 'write it in brackets: ["192.0.2.53"]')
    found = []
    for each in value:
        host, port = each.strip() if isinstance(each, str) else "", "53"
        if (host.startswith("[") and not host.endswith("]")) or host.count(":") == 1:
            host, _, port = host.rpartition(":")
        host = host.strip("[]")
        if not _is_ip_address(host) or not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise wrong(f"holds no name server: {each!r}", 'write its IP address: "192.0.2.53", or "192.0.2.53:5353"')
        found.append((host, int(port)))
    return tuple(found)


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
        raise wrong("is no database address", guess)
    kind = scheme.partition("+")[0]
    if kind not in ("sqlite", "postgresql"):
        fix = 'write "postgresql" instead of "postgres"' if kind == "postgres" else example
        raise wrong(f"names no database that is known here: {scheme!r}", fix)
    if kind == "sqlite":
        if rest and not rest.startswith("/"):
            raise wrong("needs three slashes before a file", f'write "sqlite:///{rest}"')
        return text
    if ":" in rest.rpartition("@")[0] or re.search(r"[?&]password=", rest):
        raise wrong(
            "must not hold a password: who reads the file could read your list",
            "take it out; PostgreSQL looks for it in the variable PGPASSWORD and in the file ~/.pgpass",
        )
    return text


def in_folder(url: str, folder: Path) -> str:
    """A database's address with its file's name in full, when it has a file."""
    scheme, _, rest = url.partition(":///")
    name, mark, options = rest.partition("?")
    if not scheme.startswith("sqlite") or name in ("", ":memory:") or name.startswith("file:"):
        return url
    return f"{scheme}:///{(folder / name).as_posix()}{mark}{options}"
