"""What most programs do: build each message with the standard library, send it with smtplib. PORT NUMBER."""

import smtplib
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from jinja2 import Environment

port, number = int(sys.argv[1]), int(sys.argv[2])
text = (Path(__file__).parents[1] / "issues" / "2026-11-the-unsubscribe-link-is-a-promise.md").read_text()
template = Environment(autoescape=True).from_string(
    "<html><body><p>Hello {{ name }}</p>" + f"<p>{text}</p>" * 8 + '<a href="{{ url }}">leave</a></body></html>'
)
with smtplib.SMTP("127.0.0.1", port) as server:
    for n in range(number):
        url = f"https://letters.example.org/unsubscribe/{n:036}"
        message = EmailMessage(policy=SMTP.clone(max_line_length=998))
        message["From"] = "Letters <letters@example.org>"
        message["To"] = f"Zoé {n} <r{n}@example.org>"
        message["Subject"] = "The unsubscribe link is a promise"
        message["List-Unsubscribe"] = f"<{url}>"
        message.set_content(text)
        message.add_alternative(template.render(name=f"Zoé {n}", url=url), subtype="html")
        server.send_message(message)
