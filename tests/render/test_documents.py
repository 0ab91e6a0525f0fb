"""Any document gives a whole mail or a clear refusal: well-formed, the same each time, nothing lost in either part."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import IssueError
from newsletter.issue import parse_issue
from newsletter.render import Site, render
from newsletter.sources.themes import read_theme

if TYPE_CHECKING:
    from collections.abc import Callable

    from newsletter.edition import Edition

    Make = Callable[..., Any]

ROOT = Path(__file__).parents[2]
LETTER = read_theme("letter")
SITE = Site("La lettre", base_url="https://lettre.example.org", postal_address="12 rue des Lilas")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def _edition(markdown: str) -> Edition:
    return render(parse_issue(f"---\ntitle: A title\n---\n{markdown}", "a.md"), LETTER, SITE)


def _tried(markdown: str) -> tuple[Edition | None, IssueError | None]:
    try:
        return _edition(markdown), None
    except IssueError as error:
        return None, error


def _flat(pattern: Any) -> str:
    return "".join(part if isinstance(part, str) else "\ufffc" for part in pattern)


class _Balance(HTMLParser):
    """Fails at the first end tag that closes something else than what is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["title"]):
            self.texts.append(data)


def _parsed(html: str) -> _Balance:
    parser = _Balance()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


# Pieces of Markdown and HTML, between which everything can go wrong.
PIECES = [
    "word", " ", "\n", "\n\n", "*", "**", "_", "`", "```\n", "> ", "- ", "1. ", "# ", "![", "](", ")", "{", "}", "\\",
    "https://example.org", "<div>", "</div>", "<p>", "</td>", "<br>", "&amp;", "&", "<", ">", '"', "'", "<!--", "-->",
    "{{ subscriber.email }}", "{% if subscriber.name %}", "{% endif %}", "{{", "---\n", "    ",
    "\u202f", "é", "👩\u200d💻", "\u200f", "| a | b |\n|---|---|\n", ":::note\n", ":::facts\n",
    "\n:::\n", ":::", ": ",
    "[^n]", "^[", "\n[^n]: ", ":tada:", "> [!NOTE]\n", "{.c}", "{.c}\n", "\n: ", "- [ ] ", ":mark[", "::spacer\n", "— ",
    "P.S. ", "{{ subscriber.email | date }}", "{% else %}", "::::columns\n:::column\n", "| |\n|-|\n", "www.a.b ",
    "\"", "--",
]  # fmt: skip
ROUGH = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(ROUGH)
@settings(max_examples=300)
def test_any_document_gives_a_well_formed_mail_or_a_refusal_with_a_line(markdown: str) -> None:
    edition, refusal = _tried(markdown)
    if edition is None:
        assert refusal is not None
        assert all(problem.line is not None for problem in refusal.problems)
        assert not re.search(r"zq[0-9a-f]{6}", str(refusal))
        return
    _parsed(_flat(edition.html))
    assert not re.search(r"zq[0-9a-f]{6}", _flat(edition.html) + _flat(edition.text))
    assert all(len(line) < 998 for line in _flat(edition.text).split("\n") if "http" not in line)


WORDS = st.lists(st.text("abcdefghijk", min_size=2, max_size=7), min_size=1, max_size=12).map(" ".join)
BLOCKS = st.lists(
    st.one_of(
        WORDS,
        WORDS.map("## {}".format),
        WORDS.map("> {}".format),
        st.lists(WORDS, min_size=1, max_size=3).map(lambda items: "\n".join(f"- {item}" for item in items)),
        st.lists(WORDS, min_size=1, max_size=3).map(lambda items: "\n".join(f"1. *{item}*" for item in items)),
        WORDS.map("```\n{}\n```".format),
        WORDS.map("![{}](a.png)".format),
        WORDS.map("**[{}](https://example.org)**".format),
        st.tuples(WORDS, WORDS).map(lambda cells: f"| {cells[0]} | x |\n|---|---|\n| {cells[1]} | y |"),
        WORDS.map("<div>{}</div>".format),
        WORDS.map("{{% if subscriber.name %}}\n{}\n{{% endif %}}".format),
        WORDS.map("> [!NOTE] {0}\n> {0}".format),
        WORDS.map("> {0}\n> — {0}".format),
        WORDS.map(":::question[{0}]{{by=Zz to=Yy}}\n{0}\n:::".format),
        WORDS.map("::::callout[{0}]\n:::lead\n{0}\n:::\n::::".format),
        WORDS.map(":::facts[{0}]\n- Zz: {0}\n- **Yy:** {0}\n:::".format),
        WORDS.map(":::pullquote\n{0}\n— {0}\n:::".format),
        WORDS.map("{0}\n: {0}\n: {0}".format),
        WORDS.map("- [ ] {0}\n- [x] {0}".format),
        WORDS.map("{0}^[{0}] :mark[{0}]".format),
        WORDS.map("```python\n{0} = '{0}'  # {0}\n```".format),
        WORDS.map('{{caption="{0}"}}\n| | {0} |\n|---|---|\n| {0} | {0} |'.format),
        WORDS.map("P.S. {}".format),
        WORDS.map("::subscribe[{}]".format),
        WORDS.map(":::email-only\n{}\n:::".format),
        WORDS.map("::::columns\n:::column\n{0}\n:::\n:::column\n{0}\n:::\n::::".format),
        WORDS.map(':::person[{0}]{{role="{0}"}}\n{0}\n:::'.format),
        WORDS.map(":::person[{0}]\n![{0}](a.png)\n\n{0} [{0}](https://example.org)\n:::".format),
        WORDS.map(':::beside\n![{0}](a.png "Zz {0}")\n\n{0}\n:::'.format),
        WORDS.map(':::gallery\n![{0}](a.png "Zz {0}")\n![{0}](a.png)\n:::'.format),
        WORDS.map(":::hero\n![{0}](a.png)\n\n### {0}\n\n{0}\n\n**[{0}](https://example.org)**\n:::".format),
        WORDS.map(
            ":::cards\n- ![{0}](a.png) [{0}](https://example.org) — {0}\n- [{0}](https://example.org)\n:::".format
        ),
        WORDS.map(":::chart[{0}]\n- {0}: 12\n- {0}: 3,5 %\n:::".format),
        WORDS.map(':::event[{0}]{{date=2026-12-06 time=10:30 place="{0}"}}\n{0}\n:::'.format),
        WORDS.map('::audio[{0}]{{href=/a.mp3 length="{0}"}}'.format),
        WORDS.map("::video[{0}]{{href=https://vimeo.com/1 poster=a.png}}".format),
        WORDS.map("::video[{0}]{{href=https://vimeo.com/1}}".format),
        WORDS.map("::progress[{0}]{{value=62%}}".format),
        WORDS.map(":::buttons\n**[{0}](https://example.org)**\n::button[{0}]{{href=https://example.org}}\n:::".format),
        WORDS.map("::button[{0}]{{href=https://example.org look=link}}".format),
        WORDS.map(":::social\n- [{0}](https://example.org)\n:::".format),
        WORDS.map("::share[{0}]".format),
        WORDS.map(":::postscript\n{0}\n:::".format),
        WORDS.map('{{title="Zz"}}\n> {0}'.format),
        WORDS.map("[![{0}](a.png)](https://example.org)".format),
        WORDS.map('<p>{0} <a href="https://example.org">{0}</a><br>{0}</p>'.format),
        WORDS.map("~~{0}~~ <b>{0}</b> ![{0}](a.png) `{0}` <span>{0}</span>".format),
        WORDS.map("Until {0},\n{0}".format),
    ),
    min_size=1,
    max_size=8,
)


MARKUP = re.compile(r"https?://[^\s)\"}]+|a\.png|/a\.mp3|\{%.*?%\}|</?[a-z]+|:+[a-z-]+|\b[a-z]+=|=link|```python")


@given(BLOCKS)
@settings(max_examples=150)
def test_no_word_is_in_one_part_and_missing_in_the_other(blocks: list[str]) -> None:
    from newsletter.edition import fill
    from newsletter.links import Links, Signer
    from newsletter.render.slots import evaluator
    from newsletter.subscriber import Subscriber

    edition = _edition("\n\n".join(blocks))
    values = evaluator(edition)(
        Subscriber("a@example.org", name="Ana"), Links(Signer({1: b"k"}), SITE.base_url, "a", 1, 1)
    )
    page = _parsed(fill(edition.html, values))
    seen = " ".join(page.texts) + " ".join(value or "" for tag, name, value in page.attributes if name == "alt")
    written = re.findall(r"[a-k]{2,}", MARKUP.sub("", "\n".join(blocks)))
    in_text = re.findall(r"[a-k]{2,}", fill(edition.text, values))
    in_html = re.findall(r"[a-k]{2,}", seen)
    assert all(written.count(word) <= in_text.count(word) for word in written)
    assert all(written.count(word) <= in_html.count(word) for word in written)


def test_nothing_is_lost_in_the_deep() -> None:
    assert "deep" in _flat(_edition("> " * 30 + "deep").text)
    with pytest.raises(IssueError, match=r"a\.md:6: quotes, lists and blocks are nested more than"):
        _edition("a\n\n" + "> " * 60 + "deep")


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("x\ny^[{}]", r"a\.md:7: a note is longer than 1,000 characters"),
        ("x\ny :mark[{}]", r"a\.md:7: `:mark\[…\]` is longer than 1,000 characters"),
    ],
)
def test_a_label_is_never_so_long_that_it_becomes_text(label: str, told: str) -> None:
    words = "two words " * 99
    assert "zz" in _flat(_edition(f"first\n\n{label.format(words + 'zz')}, and [a](b)").text)
    assert label[-4:-1] not in _flat(_edition(f"first\n\n{label.format(words + 'zz')}").text)
    with pytest.raises(IssueError, match=told):
        _edition(f"first\n\n{label.format(words * 2)}, and [a](b)")


def test_rendering_twice_gives_the_same_fingerprint() -> None:
    markdown = "Hi {{ subscriber.first_name }}\n\n{% if subscriber.name %}\n- a\n{% endif %}\n\n| a |\n|---|\n| b |"
    assert _edition(markdown).fingerprint == _edition(markdown).fingerprint


FINGERPRINT = """
from tests.support.everything import edition_of
print(*(edition_of(name, theme).fingerprint for name, theme in (("everything", "letter"), ("digest", "digest"))))
"""


def test_another_process_that_hashes_otherwise_gives_the_same_bytes() -> None:
    def fingerprints(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC{seed}"}
        command = [sys.executable, "-c", FINGERPRINT]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert len(fingerprints("1").split()) == 2
    assert fingerprints("1") == fingerprints("2")


def _long(piece: str, size: int = 999_000) -> str:
    return piece * (size // len(piece))


PROSE = 'Some *words* of a **sentence** with [a link](https://example.org/a), `code`, a dash -- and "quotes". ' * 5
MONSTERS = {
    # nested
    "quotes": "> " * 5_000 + "deep",
    "lists": "\n".join(" " * (2 * n) + "- x" for n in range(500)),
    "lists in quotes": "> - " * 1_000 + "x",
    "emphasis": "*a **b " * 3_000 + "c" + "** d*" * 3_000,
    "html": "<div>" * 5_000,
    "html that is closed": "<b>" * 3_000 + "x" + "</b>" * 3_000,
    "conditions": "{% if subscriber.name %}" * 200 + "x" + "{% endif %}" * 200,
    "containers": "\n".join(":" * (60 - n) + "note" for n in range(50)),
    "words in sentences": ":mark[" * 300 + "x" + "]" * 300,
    # unclosed
    "stars": "*" * 20_000,
    "brackets": "[" * 20_000,
    "half links": "[a](" * 8_000,
    "half images": "![" * 10_000,
    "half footnotes": "^[" * 10_000,
    "half words": ":mark[" * 5_000,
    "braces": "{{ " * 20_000,
    "quoted braces": '{{ "' * 20_000,
    "half attributes": "`a`{" * 8_000,
    "tags": "<div " * 20_000,
    "comments": "<!-- " * 20_000,
    "backticks": "`" * 9_999 + " " + "`" * 9_998,
    "open containers": ":::note\n" * 10_000,
    "closing containers": ":::\n" * 10_000,
    "everything": ':::note\n> - ```\n**_[(<a "{{ {% :mark[ ^[ | \n',
    # many
    "links in a sentence": "[a](https://example.org/) " * 1_500,
    "links": "[a](https://example.org/)\n\n" * 9_900,
    "addresses": "https://example.org/ a@example.org\n\n" * 2_000,
    "images": "![a](a.png)\n\n" * 3_000,
    "slots": "{{ subscriber.email }} " * 1_500,
    "colons": ": :a " * 8_000,
    "apostrophes": "'" * 39_000,
    "pairs": "'a' " * 9_000,
    "emoji": ":tada: " * 5_000,
    "tables": "|" * 5_000 + "\n" + "|-" * 5_000 + "|\n",
    "rows": "|a|b|\n|-|-|\n" + "|x|y|\n" * 6_000,
    "headings": "## a\n\n" * 5_000,
    "footnotes": "".join(f"a[^{n}]\n\n[^{n}]: b\n\n" for n in range(2_000)),
    "facts": ":::facts\n" + "- a: b\n" * 5_000 + ":::",
    "code blocks": "```python\nx = 1\n```\n\n" * 2_000,
    # long
    "prose": _long(f"{PROSE}\n\n"),
    "one line": _long("word "),
    "one word": _long("a"),
    "one block of code": "```python\n"
    + _long("x = 1 # a comment that goes on for quite some time until here\n", 900_000)
    + "```",
    "spaces": " " * 999_000,
    "line feeds": "\n" * 999_000,
    "more than anybody sends": "word\n\n" * 1_000_000,
    # odd
    "unseen characters": "a\u200b\u200d\ufeff\u2060\u00ad " * 4_000,
    "both directions": "a\u202e\u2066\u200f\u2069 b\n\n" * 4_000,
    "accents": "e" + "\u0301" * 39_000,
    "flags": "\U0001f1eb\U0001f1f7\u200d" * 10_000,
    "tabs": "\t" * 100_000,
    "other line ends": "a\r\nb\rc\u2028d\x85e\n\n" * 2_000,
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_monstrous_document_is_answered_soon(name: str) -> None:
    _edition("warm")
    started = time.process_time()
    _, refusal = _tried(MONSTERS[name])
    # A second where nothing else runs; here others do.
    assert time.process_time() - started < 2.5, f"{name} took too long"
    assert refusal is None or refusal.problems[0].line is not None
    assert refusal is None or all(len(str(problem)) < 500 for problem in refusal.problems)


# Pieces of which a document can have many, in one paragraph or in several.
REPEATED = [
    "*", "**a ", "[", "]", "[a](", "![", "^[", "^[]", "^[[]", ":mark[", ":mark[]]", "`a`{", "` ``", ": :a ", "'",
    "'a' ", '"', ":tada: ", "<b ", "&amp", "\\", "~~", "_a", "a_", "https://a.b ", "a@b.cd ", "www.a.b/(", "{a=", "<a>",
    "</a>", "<!--", "-->", "«", "? ", "1 000 ", "{{ subscriber.email }} ", "[a](b) ", "[a]", "[^n]", "\u200d", "\u0301",
    "a\n\n", "- a\n", "1. a\n\n", "## a\n\n", "| a ", "| a\n", "> a\n\n", ":::note\na\n:::\n", "[a]: b\n", "a\n: b\n\n",
    "![a](a.png)\n\n", "```\na\n```\n", "<p>a\n\n", "{.a}\n", "---\n", "a\\\n",
    "{% if subscriber.name %}\na\n{% endif %}\n",
]  # fmt: skip


def _steps(markdown: str) -> int:
    """How many functions are called for a document: what a clock would show, but the same each time."""
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        _tried(markdown)
    finally:
        sys.setprofile(before)
    return steps


@pytest.mark.parametrize("piece", REPEATED)
def test_twice_as_much_takes_about_twice_as_long(piece: str) -> None:
    _edition("warm")
    nothing, once, twice = _steps("a"), _steps(piece * 250), _steps(piece * 500)
    assert twice - nothing < 2.6 * max(once - nothing, 2_000), f"{piece!r}: {once} steps become {twice}"


def test_ten_thousand_links_are_rendered() -> None:
    edition = _edition("- [a](https://example.org/)\n" * 10_000)
    assert _flat(edition.html).count('href="https://example.org/"') == 10_000
    assert _flat(edition.text).count("<https://example.org/>") == 10_000


@pytest.mark.parametrize("name", ["links", "prose", "unseen characters", "both directions", "headings", "rows"])
def test_what_is_only_long_or_odd_is_rendered(name: str) -> None:
    edition, refusal = _tried(MONSTERS[name])
    assert refusal is None
    assert edition is not None
    _parsed(_flat(edition.html))


def test_headings_begin_below_the_title_and_skip_no_level(mail: Make) -> None:
    got = mail("### a\n\n# b\n\n##### c\n\n> ###### d\n\n## e")
    assert re.findall(r"<h(\d)", got.html) == ["1", "2", "2", "3", "4", "3"]


def test_a_first_heading_that_repeats_the_title_is_left_out(mail: Make) -> None:
    assert mail("# A title\n\ntext").words == "text"


def test_every_image_has_an_alternative_and_every_layout_table_a_role(mail: Make) -> None:
    page = _parsed(mail("![](a.png)\n\n![b](b.png)\n\nin ![](c.png) line\n\n> q", "hero: h.png").html)
    assert len([1 for tag, name, _ in page.attributes if (tag, name) == ("img", "alt")]) == 4
    assert len([1 for tag, name, _ in page.attributes if (tag, name) == ("img", "src")]) == 4


def test_the_document_says_its_language_direction_and_title(mail: Make) -> None:
    html = mail("x", "lang: ar\ntitle: T & t").html
    assert re.search(r'<html[^>]* lang="ar"[^>]* dir="rtl"|<html[^>]* dir="rtl"[^>]* lang="ar"', html)
    assert re.search(r"<div[^>]*>", html[html.index("<body") :])
    assert "<title>T &amp; t</title>" in html


def test_the_preview_is_filled_up_so_that_nothing_follows_it(mail: Make) -> None:
    html = mail("Body", "preheader: Short & sweet").html
    preview = html.partition('class="preview"')[2].partition(">")[2].partition("</div>")[0]
    assert preview.startswith("Short &amp; sweet")
    assert len(unescape(preview)) > 150


def test_without_a_preheader_the_first_paragraph_for_everybody_stands_in(mail: Make) -> None:
    text = "Hi {{ subscriber.first_name }}\n\n" + "a sentence " * 20
    got = mail(text).preheader
    assert got.startswith("a sentence a")
    assert got.endswith("…")
    assert len(got) <= 111


def test_a_lead_is_a_first_paragraph(mail: Make) -> None:
    assert mail(":::lead\nIt began with *bees*.\n:::\n\nThen came the honey.").preheader == "It began with bees."


def test_what_only_some_may_read_is_no_preview_for_all(mail: Make) -> None:
    text = '{% if "board" in subscriber.tags %}\nThe accounts\n{% if subscriber.name %}\nof you\n{% endif %}\nare in.\n'
    assert mail(f"{text}\n{{% endif %}}\n\nGood evening.").preheader == "Good evening."


def test_addresses_are_made_whole(mail: Make) -> None:
    body = mail("[a](/a) [b](b?c=1) [c](//example.com/c) [d](#d) [e](mailto:e@example.org) ![f](f.png) x").body
    for address in (
        "https://lettre.example.org/a",
        "https://lettre.example.org/b?c=1",
        "https://example.com/c",
        "#d",
        "mailto:e@example.org",
    ):
        assert f'href="{address}"' in body
    assert 'src="https://lettre.example.org/f.png"' in body


def test_an_issue_of_ordinary_length_stays_small(mail: Make) -> None:
    prose = "\n\n".join(["word " * 100] * 15)
    assert len(mail(prose).html.encode()) - len(prose) < 20_000
