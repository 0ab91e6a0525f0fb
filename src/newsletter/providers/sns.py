"""Amazon SNS, which carries what SES tells: signed by a certificate that is fetched from Amazon alone.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter.providers import Forged
from newsletter.providers.hearing import check_fresh, moment, object_in, same

if TYPE_CHECKING:
    from newsletter.providers import Account, Hook

_HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]+\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
# SNS tries for an hour, with the time of the first try; repeats within the window are known by their ids.
_WINDOW = 4 * 3600


def read(account: Account, hook: Hook, topic: str) -> dict[str, Any] | None:
    """What a call tells; None when it told of a subscription, which is confirmed now. Raises Forged.

    `topic` is the ARN of the one topic that is believed.
    """
    call = _read(hook)
    if not hook.proved:
        _check(account, hook, call, topic)
    if call["Type"] != "Notification":
        return None
    try:
        told = json.loads(call["Message"])
    except (ValueError, RecursionError):
        return {}  # a word of greeting, when a topic is connected
    return {"_id": call["MessageId"], **told} if isinstance(told, dict) else {}


def _check(account: Account, hook: Hook, call: dict[str, str], topic: str) -> None:
    """See that a call is from our topic; a subscription of that one is confirmed."""
    _check_signature(account, call)
    if not topic or not same(call["TopicArn"], topic):
        raise Forged(f"from another topic than ours: {call['TopicArn']}")
    at = moment(call["Timestamp"])
    check_fresh(hook, at.timestamp() if at else "", _WINDOW)
    if call["Type"] == "SubscriptionConfirmation":
        if not _is_theirs(call["SubscribeURL"]):
            raise Forged("the address to confirm is not Amazon's")
        account.fetch(call["SubscribeURL"])


def _read(hook: Hook) -> dict[str, str]:
    found = object_in(hook)
    kind = str(found.get("Type"))
    if kind not in _SIGNED:
        raise Forged("no message of SNS")
    if (said := hook.headers.get("x-amz-sns-message-type", kind)) != kind:
        raise Forged(f"its header says {said}, its body {kind}")
    call = {name: value for name, value in found.items() if isinstance(value, str)}
    needed = {*_SIGNED[kind], "Signature", "SigningCertURL", "SignatureVersion"} - {"Subject"}
    if missing := sorted(needed - call.keys()):
        raise Forged(f"without {missing[0]}")
    return call


def _is_theirs(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.port is None and _HOST.fullmatch(parts.netloc) is not None
    except ValueError:
        return False


def _check_signature(account: Account, call: dict[str, str]) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.x509 import load_pem_x509_certificate

    # By SHA-1 in version 1, which topics use unless they are told otherwise: a forger would need a second preimage.
    methods: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303
    method = methods.get(call["SignatureVersion"])
    url = call["SigningCertURL"]
    if method is None:
        raise Forged(f"signed by an unknown method: {call['SignatureVersion'][:20]}")
    if not _is_theirs(url) or not _CERTIFICATE.fullmatch(urlsplit(url).path):
        raise Forged("signed by a certificate that is not Amazon's")
    text = "".join(f"{name}\n{call[name]}\n" for name in _SIGNED[call["Type"]] if name in call)
    try:
        key = load_pem_x509_certificate(account.fetch(url)).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise Forged("signed by a key of another kind")
        key.verify(b64decode(call["Signature"], validate=True), text.encode(), padding.PKCS1v15(), method)
    except (InvalidSignature, ValueError) as error:
        raise Forged(f"the signature is wrong: {type(error).__name__}") from None
