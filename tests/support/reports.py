"""Reports as servers would write them, about deliveries of a newsletter that a test has sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.links import Purpose, Signer, Ticket
from newsletter.store.database import open_database
from newsletter.store.keys import load_keys
from newsletter.store.mailings import mailings_of
from newsletter.store.subscribers import Subscribers

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = "letter.example.org"


class Witness:
    """Knows the last mailing of the newsletter in a folder, and what its messages carried."""

    def __init__(self, folder: Path) -> None:
        with open_database(f"sqlite:///{folder}/newsletter.db") as database:
            self._signer = Signer(load_keys(database))
            self._mailing = mailings_of(database)[-1].id
            self._numbers = {person.email: person.id for person, _ in Subscribers(database).iterate()}

    def bounce(self, email: str, reply: str = "550 5.1.1 no such user", *, action: str = "failed") -> bytes:
        """A delivery status notification about somebody's message."""
        status = next((word for word in reply.split() if word[1:2] == "."), "5.0.0")
        return f"""\
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
To: {self._signer.return_path(self._mailing, self._numbers[email], f"bounces@{DOMAIN}")}
Subject: Undelivered Mail Returned to Sender
Message-Id: <{email}.{self._mailing}.{status}.{action}@mx.example.com>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {email}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {reply}

--b
Content-Type: text/rfc822-headers

Message-ID: {self._signer.message_id(self._mailing, self._numbers[email], DOMAIN)}
Subject: Hello
--b--
""".encode()

    def complaint(self, email: str) -> bytes:
        """A feedback report: somebody pressed a button."""
        return f"""\
From: feedback@isp.example.com
Subject: complaint
Message-ID: <arf.{email}@isp.example.com>
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Version: 1

--b
Content-Type: message/rfc822

Message-ID: {self._signer.message_id(self._mailing, self._numbers[email], DOMAIN)}
Subject: Hello

--b--
""".encode()

    def goodbye(self, email: str) -> bytes:
        """The message that a mail program sends when its user presses Unsubscribe (RFC 2369)."""
        token = self._signer.token(Ticket(Purpose.UNSUBSCRIBE, self._numbers[email], self._mailing))
        return f"From: {email}\nSubject: unsubscribe {token}\nMessage-ID: <bye.{email}@example.com>\n\n".encode()

    def holiday(self, email: str) -> bytes:
        """An automatic answer."""
        number = self._signer.message_id(self._mailing, self._numbers[email], DOMAIN)
        return (
            f"From: {email}\nSubject: Auto: Hello\nAuto-Submitted: auto-replied\nIn-Reply-To: {number}\n"
            f"Message-ID: <away.{email}@example.com>\n\nI am away.\n"
        ).encode()


LETTER_BY_HAND = b"From: ana@example.org\nSubject: Re: Hello\nMessage-ID: <by-hand@example.org>\n\nThank you!\n"
NEWS_OF_OTHERS = b"""\
From: MAILER-DAEMON@mx.example.com
To: bounces+01000000000c00000003aaaaaaaaaaaaaaaaaaaa@letter.example.org
Subject: Undelivered Mail Returned to Sender
Message-Id: <others@mx.example.com>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Final-Recipient: rfc822; reader0@example.org
Action: failed
Status: 5.1.1
--b--
"""
