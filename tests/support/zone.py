"""A name server on this machine with a test's records: `with Zone({"example.org TXT": [...]}) as zone:`."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


SILENT, BROKEN = ("silent",), ("broken",)  # instead of records: it never answers, or fails (SERVFAIL)


@dataclass
class Zone:
    """Answers by UDP on `port`. A name of which it has no records does not exist; `asked` has each question."""

    records: Mapping[str, Sequence[str]]  # "example.org TXT" → texts as a zone file has them; none: there are none
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Zone:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    @property
    def servers(self) -> list[tuple[str, int]]:
        """What to ask."""
        return [("127.0.0.1", self.port)]

    def _serve(self) -> None:
        while True:
            data, whom = self._socket.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            question = query.question[0]
            name = question.name.to_text(omit_final_dot=True).lower()
            key = f"{name} {dns.rdatatype.to_text(question.rdtype)}"
            self.asked.append(key)
            found = self.records.get(key, ())
            if found == SILENT:
                continue
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            if found == BROKEN:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif found:
                kind = dns.rdatatype.to_text(question.rdtype)
                answer.answer.append(dns.rrset.from_text_list(question.name, 300, "IN", kind, list(found)))
            elif not any(each.startswith(f"{name} ") for each in self.records):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            with suppress(OSError):
                self._socket.sendto(answer.to_wire(max_size=4096), whom)
