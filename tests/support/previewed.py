"""A preview that an author has open, and what a script can ask of it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests

from newsletter.cli.shell import Session
from newsletter.errors import Refused
from newsletter.preview.server import Options, Preview
from newsletter.preview.tools import tools_for
from tests.support.author import HELLO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.author import Author

EVENING = """\
Hello {{ subscriber.first_name | default("there") }},

We met at [ESTIM]() in Metz. The report is [here](http://example.org/report).

## What we said

It was a long evening. TODO: the names.

{% if "member" in subscriber.tags %}
Members get the minutes.
{% else %}
Become a member.
{% endif %}

**[Read it all](https://example.org/all)**
"""
HEAD = "title: An evening in Metz\npreheader: Who was there, and what was decided."


@contextmanager
def previewed(author: Author, name: str = HELLO, **options: Any) -> Iterator[Preview]:
    """The preview of an issue, as `newsletter preview` opens it."""
    with ExitStack() as stack:
        try:
            tools = tools_for(Session().config, Session().clock, name)
            preview = stack.enter_context(Preview(tools, author.config, Options(**options)))
        except Refused as error:
            if "in no network" not in str(error):
                raise
            pytest.skip(f"NOT TRIED: {error}")
        yield preview


def state(preview: Preview, **query: str) -> Any:
    """What the page shows, as JSON."""
    return requests.get(f"{preview.url}state", params=query, timeout=10).json()
