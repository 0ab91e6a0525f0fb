"""DKIM signatures (RFC 6376), with RSA and Ed25519 (RFC 8463): relaxed/relaxed, no `l=`.

Our bodies are their own canonical form (see encoding.quoted_printable), so a body costs one SHA-256. Headers that say
who speaks and how to leave are signed once more than they occur: nobody can add a second one.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# Signed as often as they occur and once more (RFC 6376 section 8.15). RFC 8058 wants the two that unsubscribe signed.
OVERSIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "content-transfer-encoding", "list-id", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
SMALLEST_RSA = 1024  # bits (RFC 8301); 2048 is what to make
_SPACE = re.compile(rb"[ \t]+")
_FIELD = re.compile(rb"([^:\r\n]+):((?:[^\r\n]|\r\n[ \t])*)\r\n")


@dataclass(frozen=True)
class DkimKey:
    """A private key and where receivers find its other half: `selector._domainkey.domain` in DNS."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"DkimKey({self.selector}._domainkey.{self.domain}, {self.algorithm})"

    @cached_property
    def algorithm(self) -> str:
        """The name in `a=`."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    @cached_property
    def record(self) -> str:
        """The text to publish in DNS as TXT at `selector._domainkey.domain`."""
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if isinstance(self.key, RSAPrivateKey):
            public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={b64encode(public).decode()}"
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={b64encode(public).decode()}"

    def sign(self, text: bytes) -> bytes:
        """The signature of the canonical headers."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(text, PKCS1v15(), SHA256())
        # RFC 8463 section 3: the hash is what is signed.
        return self.key.sign(sha256(text).digest())


def read_key(pem: bytes, domain: str, selector: str, path: str) -> DkimKey:
    """The private key in a PEM file. Raises ConfigError for anything but an RSA or Ed25519 key that may be used."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    make = "make one with: openssl genrsa -out KEY.pem 2048, or openssl genpkey -algorithm ed25519 -out KEY.pem"
    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise ConfigError(Problem("the DKIM key is encrypted", path, fix="store it without a passphrase")) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(Problem("this is not a private key in PEM form", path, fix=make)) from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < SMALLEST_RSA:
            message = f"the DKIM key has {key.key_size} bits; receivers ignore less than {SMALLEST_RSA}"
            raise ConfigError(Problem(message, path, fix=make))
    elif not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(Problem("DKIM knows RSA and Ed25519 keys only", path, fix=make))
    return DkimKey(domain, selector, key)


def canonical_body(body: bytes) -> bytes:
    """The body in relaxed form (RFC 6376 section 3.4.4), for bodies that are not our own composing."""
    lines = [_SPACE.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def signed(data: bytes, keys: Sequence[DkimKey], moment: int) -> bytes:
    """The message with a DKIM-Signature for each key before it.

    `data` has CRLF line ends and a body that is its own canonical form; `moment` is the time in seconds since 1970.
    """
    head, body = data.split(b"\r\n\r\n", 1)
    fields: dict[str, list[bytes]] = {}
    for match in _FIELD.finditer(head + b"\r\n"):
        name = match[1].decode("latin-1").strip().lower()
        fields.setdefault(name, []).append(_canonical(name, match[2]))
    names: list[str] = []
    canonical: list[bytes] = []
    for name in OVERSIGNED:
        found = fields.get(name, [])
        # The last one first: that is how verifiers count repeated fields (section 5.4.2).
        canonical += reversed(found)
        names += [name] * (len(found) + 1)
    body_hash = b64encode(sha256(body).digest()).decode()
    signatures = []
    for key in keys:
        field = (
            f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector};\r\n"
            f" t={moment}; bh={body_hash};\r\n"
            f" h={_folded(names)};\r\n b="
        )
        signature = key.sign(b"".join(canonical) + _canonical("dkim-signature", field.encode())[:-2])
        value = b64encode(signature).decode()
        lines = "\r\n ".join(value[at : at + 72] for at in range(0, len(value), 72))
        signatures.append(f"DKIM-Signature: {field}{lines}\r\n".encode())
    return b"".join((*signatures, data))


def _canonical(name: str, value: bytes) -> bytes:
    """A header in relaxed form (section 3.4.2), with its line end."""
    return name.encode() + b":" + _SPACE.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ") + b"\r\n"


def _folded(names: Sequence[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 70:
            lines.append(" ")
        lines[-1] += name + ":"
    return "\r\n".join(lines).removesuffix(":")
