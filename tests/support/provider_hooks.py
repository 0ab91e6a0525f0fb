"""Calls of providers' webhooks, as they would be made: signed, with keys that were made here."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from newsletter.links import Signer
from newsletter.providers import Account, Hook

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_795_262_400.0  # 2026-11-21 12:00 UTC
SIGNER = Signer({1: b"k" * 32})
REFERENCE = SIGNER.message_id(7, 3, "example.org").strip("<>").partition("@")[0]
SECRET = "s3cret"
BASIC = f"Basic {b64encode(f'provider:{SECRET}'.encode()).decode()}"
CERTIFICATE_URL = "https://sns.eu-west-3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
TOPIC = "arn:aws:sns:eu-west-3:123456789012:letters"


@cache
def key() -> rsa.RSAPrivateKey:
    """A key of whoever signs."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate() -> bytes:
    """A certificate of that key, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key().public_key())
    made = made.serial_number(1).not_valid_before(at).not_valid_after(at + timedelta(days=400))
    return made.sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def public_key() -> str:
    """The other half, in base64, as a DNS record has it."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return b64encode(key().public_key().public_bytes(serialization.Encoding.DER, form)).decode()


def sns(message: str, *, version: str = "2", **changed: str) -> bytes:
    """A notification of SNS, signed; `changed` before that."""
    call = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message,
        "Timestamp": "2026-11-21T12:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
    } | changed
    names = ("Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type")
    text = "".join(f"{name}\n{call[name]}\n" for name in names if name in call)
    method: Any = hashes.SHA1() if version == "1" else hashes.SHA256()
    call["Signature"] = b64encode(key().sign(text.encode(), padding.PKCS1v15(), method)).decode()
    return json.dumps(call).encode()


def _basic(body: str, _: Account) -> Hook:
    return Hook({"authorization": BASIC}, body.encode(), NOW)


def _mailgun(body: str, account: Account) -> Hook:
    signed = hmac.digest(account.setting("signing_key").encode(), b"1795262400a-token", "sha256").hex()
    signature = {"timestamp": "1795262400", "token": "a-token", "signature": signed}
    return _basic(body.replace("SIGNATURE", json.dumps(signature)), account)


def _postal(body: str, _: Account) -> Hook:
    signature = b64encode(key().sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return Hook({"x-postal-signature-256": signature}, body.encode(), NOW)


def _ses(body: str, _: Account) -> Hook:
    return Hook({"x-amz-sns-message-type": "Notification"}, sns(body), NOW)


@cache
def curve_key() -> ec.EllipticCurvePrivateKey:
    """SendGrid's key."""
    return ec.generate_private_key(ec.SECP256R1())


def curve_public_key() -> str:
    """The other half, as SendGrid shows it."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return b64encode(curve_key().public_key().public_bytes(serialization.Encoding.DER, form)).decode()


def sendgrid(body: bytes, at: int = int(NOW), key: ec.EllipticCurvePrivateKey | None = None) -> dict[str, str]:
    """The headers of a call of SendGrid's."""
    signature = (key or curve_key()).sign(str(at).encode() + body, ec.ECDSA(hashes.SHA256()))
    prefix = "x-twilio-email-event-webhook-"
    return {f"{prefix}signature": b64encode(signature).decode(), f"{prefix}timestamp": str(at)}


SVIX_SECRET = "whsec_" + b64encode(b"a secret of 24 octets !!").decode()


def svix(
    body: bytes, at: int = int(NOW), secret: bytes = b"a secret of 24 octets !!", name: str = "svix"
) -> dict[str, str]:
    """The headers of a call through Svix, as Resend makes them."""
    number = "msg_2b3zIVsXcHU1pmnjnSbdxGLhbQM"
    signature = b64encode(hmac.digest(secret, f"{number}.{at}.".encode() + body, "sha256")).decode()
    signatures = f"v1,bm9uc2Vuc2U= v1,{signature} v2,other"
    return {f"{name}-id": number, f"{name}-timestamp": str(at), f"{name}-signature": signatures}


def mailersend(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a call of MailerSend's."""
    return {"signature": hmac.digest(secret.encode(), body, "sha256").hex()}


def _signed(headers: Callable[[bytes], dict[str, str]]) -> Callable[[str, Account], Hook]:
    return lambda body, _: Hook(headers(body.encode()), body.encode(), NOW)


# Who is not here calls with the secret, and signs nothing.
CALLS: dict[str, Callable[[str, Account], Hook]] = {
    "mailgun": _mailgun,
    "postal": _postal,
    "ses": _ses,
    "sendgrid": _signed(sendgrid),
    "resend": _signed(svix),
    "mailersend": _signed(mailersend),
}
# What an account needs besides to believe them.
SECRETS: dict[str, Callable[[], str]] = {
    "postal": public_key,
    "sendgrid": curve_public_key,
    "resend": lambda: SVIX_SECRET,
}


def call(name: str, body: str, account: Account) -> Hook:
    """A call of this provider's webhook; REFERENCE stands for ours."""
    body = body.replace("REFERENCE-TAG", REFERENCE.replace(".", "-")).replace("REFERENCE", REFERENCE)
    return CALLS.get(name, _basic)(body, account)


def forged(name: str, body: str, account: Account) -> list[Hook]:
    """The same call by whoever does not know the secret, and one whose content was changed."""
    true = call(name, body, account)
    if name == "postal":
        other = b64encode(b"\0" * 256).decode()
        return [
            Hook({}, true.body, NOW),
            Hook({"x-postal-signature-256": other}, true.body, NOW),
            Hook(true.headers, true.body + b" ", NOW),
            Hook(true.headers, true.body, NOW + 86_400),
        ]
    if name == "ses":
        return [
            Hook(true.headers, sns(body, Timestamp="2026-11-20T12:00:00.000Z"), NOW),
            Hook(true.headers, sns(body, TopicArn=f"{TOPIC}-of-somebody"), NOW),
            Hook(true.headers, sns(body, SigningCertURL=CERTIFICATE_URL.replace("amazonaws", "example")), NOW),
            Hook(true.headers, true.body.replace(b"22b80b92", b"22b80b93"), NOW),
            Hook({"x-amz-sns-message-type": "SubscriptionConfirmation"}, true.body, NOW),
        ]
    late = int(NOW) - 301
    if name == "sendgrid":
        stranger = ec.generate_private_key(ec.SECP256R1())
        return [
            Hook({}, true.body, NOW),
            Hook(sendgrid(true.body, key=stranger), true.body, NOW),
            Hook(true.headers, true.body + b" ", NOW),
            Hook({**true.headers, "x-twilio-email-event-webhook-timestamp": str(int(NOW) + 1)}, true.body, NOW),
            Hook(sendgrid(true.body, late), true.body, NOW),
        ]
    if name == "resend":
        return [
            Hook({}, true.body, NOW),
            Hook(svix(true.body, secret=b"another one"), true.body, NOW),
            Hook(true.headers, true.body + b" ", NOW),
            Hook({**true.headers, "svix-id": "msg_other"}, true.body, NOW),
            Hook(
                {**true.headers, "svix-signature": true.headers["svix-signature"].replace("v1,", "v2,")}, true.body, NOW
            ),
            Hook(svix(true.body, late), true.body, NOW),
        ]
    if name == "mailersend":
        return [
            Hook({}, true.body, NOW),
            Hook(mailersend(true.body, "another"), true.body, NOW),
            Hook(true.headers, true.body + b" ", NOW),
        ]
    changed = [Hook({}, true.body, NOW), Hook({"authorization": "Basic cHJvdmlkZXI6eA=="}, true.body, NOW)]
    if name == "mailgun":
        changed.append(Hook(true.headers, true.body.replace(b"a-token", b"b-token"), NOW))
    return changed
