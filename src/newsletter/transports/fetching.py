"""Fetching what a webhook's call refers to: the certificate that signed it, the address that confirms it."""

from __future__ import annotations

from newsletter.providers import Forged

_MOST = 1_000_000  # octets


def fetch(url: str) -> bytes:
    """What stands at an address, for what webhooks refer to: the provider has seen that the address is right.

    Raises Forged when nothing can be had: without its certificate, no call is believed.
    """
    from requests import RequestException, Session

    try:
        with Session() as session, session.get(url, timeout=(5.0, 10.0), allow_redirects=False, stream=True) as answer:
            if answer.status_code != 200:
                raise Forged(f"{url} answers {answer.status_code}")
            return bytes(answer.raw.read(_MOST, decode_content=True))
    except (RequestException, OSError) as error:
        raise Forged(f"{url} cannot be had: {type(error).__name__}") from error
