"""A provider of somebody else's, whose author did not think of everything that may be told."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from newsletter.providers import Account, Capabilities, Hook, Request, Response, Setting, Trouble, usual
from newsletter.providers.hearing import check_secret, object_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from newsletter.event import Event
    from newsletter.message import Message
    from newsletter.outcome import Outcome

NAME = "Clumsy"
CAPABILITIES = Capabilities(form="letter", signed=False)
SETTINGS: Mapping[str, Setting] = MappingProxyType({})
KEY_ENV = "CLUMSY_KEY"


def request(account: Account, batch: Sequence[Message], key: str) -> Request:
    return Request("https://example.org/", {}, b"")


def outcomes(account: Account, batch: Sequence[Message], response: Response) -> list[Outcome] | Trouble:
    return usual(response) or []


def events(account: Account, hook: Hook) -> list[Event]:
    check_secret(account, hook)
    return [object_in(hook)["there is always this"]]
