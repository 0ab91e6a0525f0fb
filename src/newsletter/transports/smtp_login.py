"""Log in to a mail server: AUTH PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195) and XOAUTH2 (RFC 4954 for all).

XOAUTH2 is what Google and Microsoft take in place of a password: an access token, in the password's place.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from newsletter.errors import Problem, TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newsletter.outcome import Reply

Ask = Callable[[str], tuple[int, list[str]]]
"""Send one line and return the reply's code and the texts of its lines."""


def choose_mechanism(offered: Sequence[str], wanted: str, *, encrypted: bool) -> str | None:
    """The mechanism to use: the `wanted` one, or with "" the best that is offered; None if there is none.

    Under TLS what is sure to work goes first: many servers offer CRAM-MD5 and have no passwords to check it against.
    Without, as to a server on this machine, the one goes first that does not send the password.
    """
    order = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2") if encrypted else ("CRAM-MD5", "PLAIN", "LOGIN", "XOAUTH2")
    return next((name for name in order if name in offered and wanted.upper() in ("", name)), None)


def log_in(mechanism: str, username: str, password: str, ask: Ask) -> tuple[int, list[str]]:
    """The server's last reply: 235 is a success. Raises OSError when what it says is not the protocol.

    What was sent is taken out of it: some servers say back a line that they do not understand.
    """
    secrets = {password}

    def ask_in_secret(line: str) -> tuple[int, list[str]]:
        secrets.add(line.rpartition(" ")[2])
        return ask(line)

    code, texts = _MECHANISMS[mechanism](username, password, ask_in_secret)
    for secret in sorted(secrets - {"", mechanism}, key=len, reverse=True):
        texts = [text.replace(secret, "***") for text in texts]
    return code, texts


def refused(username: str, address: str, mechanism: str, reply: Reply) -> TransportError:
    """The error for a login that was refused, with the next step. The password is in neither."""
    if mechanism == "XOAUTH2":
        fix = "the access token may have expired: fetch a new one, then `newsletter resume`"
    elif reply.code // 100 == 4:
        fix = "the server cannot check it now: try again in some minutes"
    else:
        fix = "check username and password (the environment variable or file that newsletter.toml names)"
    return TransportError(Problem(f"the login as {username} was refused ({address}): {reply}", fix=fix))


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _plain(username: str, password: str, ask: Ask) -> tuple[int, list[str]]:
    return ask("AUTH PLAIN " + _b64(f"\0{username}\0{password}"))


def _login(username: str, password: str, ask: Ask) -> tuple[int, list[str]]:
    code, texts = ask("AUTH LOGIN")
    for answer in (username, password):
        if code != 334:
            break
        code, texts = ask(_b64(answer))
    return code, texts


def _cram_md5(username: str, password: str, ask: Ask) -> tuple[int, list[str]]:
    code, texts = ask("AUTH CRAM-MD5")
    if code != 334:
        return code, texts
    try:
        challenge = b64decode(texts[0], validate=True)
    except ValueError:
        raise OSError("the server's challenge for CRAM-MD5 is not base64") from None
    return ask(_b64(f"{username} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}"))


def _xoauth2(username: str, password: str, ask: Ask) -> tuple[int, list[str]]:
    code, texts = ask("AUTH XOAUTH2 " + _b64(f"user={username}\1auth=Bearer {password}\1\1"))
    # A refusal comes as a challenge with the reason in it; an empty answer brings the reply.
    return ask("") if code == 334 else (code, texts)


_MECHANISMS: dict[str, Callable[[str, str, Ask], tuple[int, list[str]]]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "XOAUTH2": _xoauth2,
}
