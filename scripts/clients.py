"""What degrades where: the features that the themes use, held against what caniemail.com found in mail programs.

python -m scripts.clients                  write docs/reference/clients.md anew
python -m scripts.clients FILE             first take new data: the caniemail.json of npm's package `caniemail`
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.checks.mail_programs import DATA, programs, read, used
from newsletter.sources.themes import shipped_templates, theme_names
from scripts.caniemail import reduced, written
from tests.support.everything import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.checks.mail_programs import Feature

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "clients.md"

# What a reader sees where a feature is missing or has exceptions, in the sections of the page.
THEN = {
    "The page": {
        "css-background": "colours come through, and we use nothing else",
        "css-background-color": "exceptions concern colours by name; ours are numbers",
        "css-border": "Outlook draws it well on cells, where most of ours are; the line above a heading may be missing",
        "css-border-radius": "corners are square",
        "css-border-spacing": "one pixel more or less between the bars of a chart",
        "css-direction": "a message that holds a line in Arabic or Hebrew is turned round as a whole",
        "css-display": "exceptions concern `flex` and `grid`, which we do not use",
        "css-display-none": "the line beside the subject is one pixel high, in the colour of the page",
        "css-font-size": "sizes are in pixels, which all take; exceptions concern `rem` and percent",
        "css-font-weight": "bold is bold; exceptions concern weights by number",
        "css-height": "the attribute says the height, too",
        "css-letter-spacing": "letters stand a little closer",
        "css-line-height": "lines stand a little closer, or further apart",
        "css-list-style": "other bullets; exceptions concern pictures as bullets",
        "css-margin": "exceptions concern negative and automatic margins; what stands in the middle has `align`, too",
        "css-max-height": "only used to hide the line beside the subject, which Outlook is told in its own way",
        "css-max-width": "Outlook takes the attribute `width`",
        "css-opacity": "only used to hide the line beside the subject, which is hidden three times",
        "css-outline": "no line around a link that has the keyboard's attention",
        "css-overflow": "only used to hide the line beside the subject",
        "css-padding": "Outlook knows it on cells, where ours is; a button gets its room there from VML",
        "css-table-layout": "columns are as wide as their words ask for",
        "css-text-align": "exceptions concern `start` and `end`; ours are `left` and `right`",
        "css-text-decoration": "links without their line, or with one of the program's own",
        "css-text-transform": "words in small letters",
        "css-white-space": "code is broken into lines elsewhere, or not at all",
        "css-width": "from the attribute `width` as well; Outlook takes that",
        "css-word-break": "a very long word or address makes its line longer",
        "css-word-spacing": "MJML's reset; nothing is seen",
        "html-align": "from the style as well",
        "html-blockquote": "the program's own indent beside ours",
        "html-body": "the program puts a box of its own there; ours are within",
        "html-code": "code in the face of the text around it",
        "html-doctype": "older rules of layout; tables do not mind",
        "html-height": "from the style as well",
        "html-lists": "exceptions concern lists that count backwards or skip numbers",
        "html-mailto-links": "the address can be copied",
        "html-semantics": "the words without their element; marked words without their colour",
        "html-strike": "words that were struck out are not",
        "html-width": "from the style as well",
    },
    "Phones and the dark": {
        "html-style": "no rules for phones and for the dark; everything else is written into the elements",
        "css-at-media": "a title as large as on a desk, a table as a table; all of it fits, or can be pushed aside",
        "css-at-media-prefers-color-scheme": "by night as by day, or turned round by the program: our tones bear it",
        "css-color-scheme": "the program decides by itself whether it turns colours round",
        "html-meta-color-scheme": "the program decides by itself whether it turns colours round",
        "css-important": "as without these rules; a few need the space before it, which is there",
        "css-selector-adjacent-sibling": "no line between the rows of a table on a phone",
        "css-selector-attribute": "only Outlook needs these rules, and has them",
        "css-selector-child": "the margins of a desk on a phone; for the dark, every ground is named twice",
        "css-selector-class": "no rules for phones and for the dark",
        "css-selector-descendant": "no rules for phones and for the dark",
        "css-selector-grouping": "no rules for phones and for the dark",
        "css-selector-id": "MJML's reset for old programs; nothing is seen",
        "css-selector-type": "MJML's reset for old programs; nothing is seen",
    },
    "Readers who listen": {
        "html-aria-label": "the message has no name of its own when it is read aloud; its title is its first heading",
        "html-aria-hidden": "an ornament is read aloud",
        "html-dir": "a message that holds a line in Arabic or Hebrew is turned round as a whole",
        "html-lang": "read aloud in the language of the program",
        "html-role": "tables of the layout may be announced as tables",
    },
}


def page() -> str:
    """docs/reference/clients.md."""
    data, features = read()
    themes = theme_names(shipped_templates())
    uses = {theme: used(shown("everything", theme)) for theme in themes}
    out = [HEAD.format(source=data["source"], day=data["day"])]
    told: set[str] = set()
    for section, sentences in THEN.items():
        rows = []
        for slug, sentence in sentences.items():
            users = [theme for theme in themes if slug in uses[theme]]
            where = {sign: programs(data["clients"], features[slug].support, sign) for sign in "na"} if users else {}
            if any(where.values()):
                told.add(slug)
                by = "all" if len(users) == len(themes) else ", ".join(f"`{theme}`" for theme in users)
                title = re.sub(r"(<[^>]+>)", r"`\1`", features[slug].title)
                rows.append(
                    f"| [{title}](https://www.caniemail.com/features/{slug}/) | {by} | {where['n']} "
                    f"| {where['a']} | {sentence} | {features[slug].tested} |"
                )
        out.append(f"## {section}\n\n{TABLE}" + "\n".join(sorted(rows, key=str.casefold)))
    if untested := {slug for slugs in uses.values() for slug in slugs if slug not in features}:
        raise ValueError(f"nobody tested {', '.join(sorted(untested))}: leave it out, or put it into UNTESTED")
    untold = {
        slug
        for slugs in uses.values()
        for slug in slugs
        if set(features[slug].support) & {"n", "a"} and slug not in told
    }
    if untold:
        raise ValueError(f"THEN does not say what a reader sees without {', '.join(sorted(untold))}")
    return "\n\n".join([*out, _everywhere(features, uses)]) + "\n"


HEAD = """\
# Mail programs

What the themes use and not every mail program shows, and what its readers see instead. This page is made by
`scripts/clients.py` from an issue with every block in it, in every theme, and from what {source},
knows ({day}, MIT licence). Of each program only the newest version that was tested counts; the day is that of the test.
"Partly" means with exceptions, which the linked page lists.

Beside this table, the tests open every theme in Chromium: at 320, 390 and 700 pixels, by day and by night, with and
without images, without style sheets, with Outlook's marks for the dark, and with light and dark turned round."""

TABLE = """\
| Feature | Themes | Not in | Partly in | Then | Tested |
|---|---|---|---|---|---|
"""


def _everywhere(features: Mapping[str, Feature], uses: Mapping[str, set[str]]) -> str:
    """The features that nobody misses."""
    slugs = {slug for theme in uses.values() for slug in theme if not set(features[slug].support) & {"n", "a"}}
    names = sorted((re.sub(r"(<[^>]+>)", r"`\1`", features[slug].title) for slug in slugs), key=str.casefold)
    return f"## Everywhere\n\nAll programs that were tested show these, which the themes use, too: {', '.join(names)}."


def main(arguments: list[str]) -> None:
    """Take new data if a file is named, note what themes know how to do without, and write the page."""
    handled = sorted(slug for sentences in THEN.values() for slug in sentences)
    if arguments:
        package = Path(arguments[0]).parents[1] / "package.json"
        version = json.loads(package.read_text("utf-8"))["version"]
        DATA.write_text(written(reduced(json.loads(Path(arguments[0]).read_text("utf-8")), version, handled)), "utf-8")
    DATA.write_text(written({**json.loads(DATA.read_text("utf-8")), "handled": handled}), "utf-8")
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
