"""A name server on this machine that knows where the mail of some domains goes: `with NameServer({...}) as server:`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import zone

if TYPE_CHECKING:
    from collections.abc import Mapping

SILENT, BROKEN, NO_MX = "silent", "broken", "no mx"
_WORDS = {SILENT: zone.SILENT, BROKEN: zone.BROKEN}


class NameServer:
    """A zone of MX records: `mail` is domain → "10 mx.example.net, 20 …", or one of the words above."""

    def __init__(self, mail: Mapping[str, str]) -> None:
        self._zone = zone.Zone({f"{domain} MX": _WORDS.get(said) or _records(said) for domain, said in mail.items()})

    def __enter__(self) -> NameServer:
        self._zone.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._zone.__exit__(*error)

    @property
    def port(self) -> int:
        """Where it answers, by UDP."""
        return self._zone.port

    @property
    def asked(self) -> list[str]:
        """The domains that somebody asked for."""
        return [question.removesuffix(" MX") for question in self._zone.asked]


def _records(said: str) -> tuple[str, ...]:
    if said == NO_MX:
        return ()
    return tuple(each.strip() + ("" if each.endswith(".") else ".") for each in said.split(","))
