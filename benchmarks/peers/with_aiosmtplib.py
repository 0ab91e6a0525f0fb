"""aiosmtplib with ten connections, messages by the standard library. PORT NUMBER."""

from __future__ import annotations

import asyncio
import sys
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from aiosmtplib import SMTP

from benchmarks.peers.letter import SENDER, SUBJECT, TEXT, recipient, template

port, number = int(sys.argv[1]), int(sys.argv[2])
html = template()
policy = SMTP_POLICY.clone(max_line_length=998)


async def connection(numbers: range) -> None:
    async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as server:
        for n in numbers:
            name, address, url = recipient(n)
            message = EmailMessage(policy=policy)
            message["From"] = f"{SENDER[0]} <{SENDER[1]}>"
            message["To"] = f"{name} <{address}>"
            message["Subject"] = SUBJECT
            message["List-Unsubscribe"] = f"<{url}>"
            message.set_content(TEXT)
            message.add_alternative(html.render(name=name, url=url), subtype="html")
            await server.send_message(message)


async def main() -> None:
    await asyncio.gather(*(connection(range(start, number, 10)) for start in range(10)))


asyncio.run(main())
