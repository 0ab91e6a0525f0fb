"""What most programs do: build each message with the standard library, send it with smtplib. PORT NUMBER."""

from __future__ import annotations

import smtplib
import sys
from email.message import EmailMessage
from email.policy import SMTP

from benchmarks.peers.letter import SENDER, SUBJECT, TEXT, recipient, template

port, number = int(sys.argv[1]), int(sys.argv[2])
html = template()
policy = SMTP.clone(max_line_length=998)
with smtplib.SMTP("127.0.0.1", port) as server:
    for n in range(number):
        name, address, url = recipient(n)
        message = EmailMessage(policy=policy)
        message["From"] = f"{SENDER[0]} <{SENDER[1]}>"
        message["To"] = f"{name} <{address}>"
        message["Subject"] = SUBJECT
        message["List-Unsubscribe"] = f"<{url}>"
        message.set_content(TEXT)
        message.add_alternative(html.render(name=name, url=url), subtype="html")
        server.send_message(message)
