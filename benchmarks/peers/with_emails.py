"""python-emails, one connection. PORT NUMBER."""

from __future__ import annotations

import sys

from emails.message import Message

from benchmarks.peers.letter import SENDER, SUBJECT, TEXT, recipient, template

port, number = int(sys.argv[1]), int(sys.argv[2])
html = template()
smtp = {"host": "127.0.0.1", "port": port, "timeout": 30}
for n in range(number):
    name, address, url = recipient(n)
    message = Message(
        html=html.render(name=name, url=url),
        text=TEXT,
        subject=SUBJECT,
        mail_from=SENDER,
        headers={"List-Unsubscribe": f"<{url}>"},
    )
    response = message.send(to=(name, address), smtp=smtp)
    assert response.status_code == 250, response
