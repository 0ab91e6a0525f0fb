"""A sender at a free mail provider

Gmail, Yahoo, Outlook and others say by DMARC that only their own servers may send in their names. A newsletter from
`me@gmail.com` sent through another server is refused or lands in spam, everywhere.

Bad:  [sender] email = "our.letter@gmail.com"
Good: [sender] email = "letter@ourclub.example"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.checks import Remark, words_in
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.manuscript import Manuscript

SEVERITY = Severity.ERROR
FREE = words_in("""
    aol.com bbox.fr free.fr gmail.com gmx.com gmx.de gmx.fr gmx.net googlemail.com hotmail.com hotmail.fr
    icloud.com laposte.net live.com live.fr mac.com mail.com mail.ru me.com msn.com neuf.fr orange.fr outlook.com
    outlook.fr proton.me protonmail.com sfr.fr wanadoo.fr web.de yahoo.com yahoo.fr yandex.com yandex.ru ymail.com
""")


def find(manuscript: Manuscript) -> Iterator[Remark]:
    """The sender's domain is one of those."""
    domain = manuscript.house.sender_email.rpartition("@")[2].casefold()
    if domain in FREE:
        message = f"the sender's address is at {domain}, in whose name no other server may send"
        yield Remark(manuscript.spot, message, "send from an address of a domain of your own: [sender] email")
