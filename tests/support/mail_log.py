"""What Postfix writes into its log about messages that it takes."""

from __future__ import annotations

_LINES = """\
Nov 21 08:00:01 host postfix/smtpd[6]: {queue}: client=localhost[127.0.0.1]
Nov 21 08:00:01 host postfix/cleanup[7]: {queue}: message-id={id}
Nov 21 08:00:01 host postfix/qmgr[5]: {queue}: from=<letter@example.org>, size=39281, nrcpt=1 (queue active)
Nov 21 08:00:02 host postfix/smtp[8]: {queue}: to=<reader@example.org>, relay=mx.example.org[192.0.2.1]:25, status=sent
Nov 21 08:00:02 host postfix/qmgr[5]: {queue}: removed
"""


def postfix_log(*message_ids: str, queue: str = "") -> str:
    """The lines about messages with these ids, each in a queue file of its own unless one is named."""
    return "".join(_LINES.format(queue=queue or f"A{number}", id=each) for number, each in enumerate(message_ids))
