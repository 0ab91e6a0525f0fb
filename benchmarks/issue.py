"""An issue of 20 KB, as a long letter is: prose above all, and some of everything else."""

from __future__ import annotations

from itertools import cycle

HEAD = """\
---
title: What we learned from a year of letters
subject: "{{ subscriber.first_name | default('You') }}: a year of letters"
description: Twelve letters, nine hundred answers, and what we would do otherwise.
date: 2026-11-21
number: 12
author: Ana Lima
language: en
---

Hello {{ subscriber.first_name | default("there") }},

"""
PROSE = """\
When we began, we thought that a letter was a page with a date on it. It isn't. A letter is *addressed*:
somebody opens it, and expects to be spoken to -- not at. That is **the whole difference**, and it took us
until March to see it; then a reader wrote "I read you on the bus" and we understood.

We counted, of course: 1,200 readers in January, 3,400 now; 912 answers, of which we kept every one. The
[numbers](https://example.org/numbers) are public, and so is the [code](https://example.org/code) that counts
them. What they don't say is why people stay... so we asked.

Some told us that they like to be surprised. Others, that they want to know on Thursday evening, at 18:30,
what they will read. Both are right: _surprise needs a frame_. We keep the day, the length and the `From`
line, and change everything else. It costs us an hour of doubt each month, and it's worth it.

A friend who prints posters says that a reader forgives a small mistake, never a large margin of boredom. We
have cut a third of every draft since, and nobody has missed it. If you write yourself, try this: take the
paragraph that you're proudest of, and send the letter without it.

Then there is the matter of answering. Until the summer we answered on Sundays, all of it, with tea. In July
there were too many letters, and we began to answer in the next issue instead, which turned out to be better
for everybody: one answer, many readers, and a reason to open the thing again.
"""
PARTS = """\
- Write to one person, whom you could name.
- Say *one* thing; keep the second for next month.
- Read it aloud, standing, before you send it.

====

> Nobody has ever been moved by a list of features.
>
> — A reader, in **May**

====

| Month | Readers | Answers | Share |
|:------|--------:|--------:|:-----:|
| March | 1,910 | 88 | 4.6 % |
| June | 2,377 | 131 | 5.5 % |
| October | 3,301 | 204 | 6.2 % |

====

> [!TIP]
> Keep a folder of first sentences. Ours has **forty** by now, and we've used three.

====

```python
def share(answers: int, readers: int) -> float:
    # answers a reader
    return answers / readers if readers else 0.0
```

====

![The table at which all of this is written](https://example.org/table.jpg "The table, on a Thursday")

====

1. Draft on Monday.
2. Cut on Tuesday.
3. Send on Thursday, see <https://example.org/why-thursday>.

====

**[Read all the answers](https://example.org/answers)**

====

:::question[Would you do it again?]
Yes; with fewer pictures, and a shorter title.
:::

====

{% if "member" in subscriber.tags %}

As a member you will find the numbers in [your account](https://example.org/account?mail={{ subscriber.email }}).

{% else %}

Become a member, if you like this.

{% endif %}
"""
END = """
Until next month,
Ana

P.S. The thirteenth letter is about silence.[^silence]

[^silence]: It will be short.
"""


def issue(size: int = 20_000) -> str:
    """The file's text, of about so many characters."""
    out = [HEAD]
    prose, parts = cycle(PROSE.split("\n\n")), cycle(PARTS.split("\n====\n\n"))
    length, section = len(HEAD) + len(END), 0
    while length < size:
        section += 1
        blocks = (
            f"## Part {section}: what we found\n",
            *(f"{next(prose).strip()}\n" for _ in range(3)),
            next(parts),
            "",
        )
        out.append("\n".join(blocks))
        length += len(out[-1])
    return "".join([*out, END])
