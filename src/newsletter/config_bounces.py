"""[bounces] in newsletter.toml: the mailbox that reports come back to, which `newsletter bounces` reads.

imap      a mailbox on a server: host, username, and where the password is
maildir   a folder of this machine, one file a message: path
mbox      a file of this machine, all messages in one: path
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAILBOXES = ("imap", "maildir", "mbox")
_PORTS = {"tls": 993, "starttls": 143, "none": 143}  # RFC 8314 section 3.2
_NEEDED = {
    "imap": {"host": "imap.example.org", "username": "bounces@example.org"},
    "maildir": {"path": "/home/bounces/Maildir"},
    "mbox": {"path": "/var/mail/bounces"},
}


@dataclass(frozen=True, slots=True)
class BouncesConfig:
    """Where reports come in. Which fields mean something follows from the kind."""

    kind: str = ""  # one of MAILBOXES; "": nothing is configured
    host: str = ""
    port: int = 993
    security: str = "tls"  # tls | starttls | none
    ca_file: Path | None = None  # a CA of one's own, in PEM; None: the system's
    username: str = ""
    password_env: str = ""  # the name of an environment variable
    password_file: Path | None = None
    folder: str = "INBOX"
    processed: str = ""  # the IMAP folder that read reports are moved to; "": they stay, marked
    path: Path | None = None


def bounces_config(values: Mapping[str, Any], newsletter: Path) -> BouncesConfig:
    """The settings that the values of the section mean in a newsletter's folder."""
    known = {key: value for key, value in values.items() if value}
    for key in ("path", "password_file", "ca_file"):
        if key in known:
            known[key] = newsletter / known[key]
    if "security" in known:
        known.setdefault("port", _PORTS[known["security"]])
    return BouncesConfig(**known)


def mistakes_in_bounces(values: Mapping[str, Any], written: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is missing or does not go together: the key where it shows, what is wrong, how to mend it.

    `values` are those that could be read, `written` all that stands there.
    """
    known = {key: value for key, value in values.items() if value}
    kind = known.pop("kind", "")
    if not known and not kind:
        return
    if not kind:
        if written.get("kind"):
            return  # it was read as wrong already
        yield next(iter(known)), "[bounces] has no kind", f"write below it: kind = …, one of {', '.join(MAILBOXES)}"
        return
    for key, example in _NEEDED[kind].items():
        if key not in known:
            yield "kind", f'kind = "{kind}" needs {key}', f'write below it: {key} = "{example}"'
    for key in known:
        if (kind == "imap") == (key == "path"):
            yield key, f'{key} does not go with kind = "{kind}"', "take it away, or change kind"
    passwords = [key for key in ("password_env", "password_file") if key in known]
    if kind == "imap" and "username" in known and not passwords:
        fix = 'write password_env = "NEWSLETTER_IMAP_PASSWORD" and set that variable'
        yield "username", "[bounces] has a username and no password", fix
    if len(passwords) == 2:
        yield "password_file", "[bounces] names two passwords", "keep one of them"
