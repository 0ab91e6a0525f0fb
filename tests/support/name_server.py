"""A name server on this machine that knows where the mail of some domains goes: `with NameServer({...}) as server:`."""

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
    from collections.abc import Mapping

SILENT, BROKEN, NO_MX = "silent", "broken", "no mx"


@dataclass
class NameServer:
    """Answers by UDP on `port`. A domain that it does not know does not exist; `asked` has each question."""

    mail: Mapping[str, str]  # domain → "10 mx.example.net, 20 …", or one of the words above
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> NameServer:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # An empty datagram wakes the thread, which then ends.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, whom = self._socket.recvfrom(4096)
            if not data:
                return
            answer = self._answer(dns.message.from_wire(data))
            if answer is not None:
                with suppress(OSError):
                    self._socket.sendto(answer.to_wire(), whom)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        assert question.rdtype == dns.rdatatype.MX
        domain = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(domain)
        said = self.mail.get(domain)
        if said == SILENT:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if said is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif said == BROKEN:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif said != NO_MX:
            records = [each.strip() + ("" if each.endswith(".") else ".") for each in said.split(",")]
            answer.answer.append(dns.rrset.from_text_list(question.name, 300, "IN", "MX", records))
        return answer
