"""The blocks of layout and media: what each becomes, in HTML and in plain text, and which mistakes are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from newsletter.errors import IssueError
from newsletter.issue import parse_issue
from newsletter.picture import Picture
from newsletter.render import Site, read
from newsletter.render.videos import known

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

COLUMNS = "::::columns\n:::column\na\n\n![A](a.png)\n:::\n:::column\nb\n:::\n::::"
YOUTUBE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def tags(html: str, name: str) -> list[dict[str, str]]:
    """The attributes of each element of a name, without styles."""
    found = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(rf"<{name}\b([^>]*)>", html)]
    return [{key: value for key, value in tag.items() if key != "style"} for tag in found]


def test_columns_stand_side_by_side_and_one_after_the_other_in_plain_text(mail: Make) -> None:
    got = mail(COLUMNS)
    assert got.words == "a\n\n[Image: A]\n\nb"
    assert re.findall(r'<div class="col"><div[^>]*><p>(\w)</p>', got.body) == ["a", "b"]
    assert re.findall(r"max-width: ?(\d+)px[^>]*><div", got.html) == [
        "280",
        "256",
    ]  # the space between belongs to the first


def test_an_image_is_as_wide_as_its_column_for_outlook(mail: Make) -> None:
    assert tags(mail(COLUMNS).body, "img")[0]["width"] == "256"
    assert tags(mail("![A](a.png)").body, "img")[0]["width"] == "536"


def test_a_column_may_be_for_some_readers(mail: Make, nobody: Any) -> None:
    text = COLUMNS.replace(":::column\nb\n:::", "{% if subscriber.first_name %}\n:::column\nb\n:::\n{% endif %}")
    assert mail(text).words.endswith("b")
    assert mail(text, to=nobody).words == "a\n\n[Image: A]"
    assert mail(text, to=nobody).html.count('class="col"') == 1


def test_columns_follow_the_direction_of_the_text(mail: Make) -> None:
    assert '<table role="presentation" dir="rtl"' in mail(COLUMNS, "lang: ar").body
    assert 'class="cols turned" dir="ltr"' in mail(":::beside{side=end}\n![A](a.png)\n\nb\n:::", "lang: ar").body


def test_the_image_beside_a_text_comes_first_on_either_side(mail: Make) -> None:
    for side in ("start", "end"):
        got = mail(f':::beside{{side={side}}}\n[![A](a.png "Once"){{width=120}}](/more)\nText.\n:::')
        assert got.words == "[Image: A] <https://lettre.example.org/more>\nOnce\n\nText."
        assert got.body.index("<img") < got.body.index("<p>Text.</p>")
        assert tags(got.body, "img")[0]["width"] == "120"


def test_an_image_of_a_block_is_prepared_like_every_other() -> None:
    text = ":::person[Ana]\n![Ana](ana.jpg)\n:::\n\n:::gallery\n![B](b.jpg)\n![C](c.jpg){width=90}\n:::\n"
    text += f":::cards\n- ![D](d.jpg) [D](/d)\n:::\n\n{YOUTUBE}\n"
    issue = parse_issue(f"# T\n\n{text}", "a.md")
    from newsletter.sources.themes import read_theme

    reading = read(issue, read_theme("letter"), Site(title="T"))
    poster = "https://i.ytimg.com/vi/dQw4w9WgXcQ/hqdefault.jpg"
    assert [(use.src, use.width) for use in reading.uses] == [
        ("ana.jpg", 96),
        ("b.jpg", 320),
        ("c.jpg", 90),
        ("d.jpg", 88),
        (poster, 0),
    ]
    images = {use.src: Picture(f"https://img.example.org/{at}.jpg", 480, 360) for at, use in enumerate(reading.uses)}
    html = "".join(part for part in reading.edition((), images).html if isinstance(part, str))
    sizes = [(tag["src"][-5], tag["width"], tag["height"]) for tag in tags(html, "img")]
    assert sizes == [
        ("0", "96", "72"),
        ("1", "262", "196"),
        ("2", "262", "196"),
        ("3", "88", "66"),
        ("4", "536", "402"),
    ]


def test_a_person_has_a_name_a_role_and_perhaps_a_portrait(mail: Make) -> None:
    got = mail(':::person[Ana]{role="Baker"}\n![Ana at work](a.png)\n\nText.\n:::\n\n::person[Bo]')
    assert got.words == "[Image: Ana at work]\n*Ana*\nBaker\n\nText.\n\n*Bo*"
    assert got.body.count("<img") == 1


@pytest.mark.parametrize("look", ["solid", "outline", "soft", "wide"])
def test_outlook_draws_every_button(mail: Make, look: str) -> None:
    got = mail(f"::button[Go & see]{{href=/go look={look}}}")
    assert got.words == "→ Go & see <https://lettre.example.org/go>"
    assert "<!--[if mso]><v:roundrect" in got.html
    assert tags(got.body, "a")[0] == {
        "href": "https://lettre.example.org/go",
        "class": "button" if look == "solid" else f"button {look}",
    }
    assert ("stroke=" in got.html) == (look != "outline")


def test_a_button_that_is_a_link_is_one_everywhere(mail: Make) -> None:
    got = mail("::button[Go]{href=/go look=link}")
    assert "Go →</a>" in got.body
    assert "roundrect" not in got.html
    assert "Go ←</a>" in mail("::button[Go]{href=/go look=link}", "lang: he").body


def test_a_bold_link_and_a_button_by_name_are_the_same(mail: Make) -> None:
    assert mail("**[Go](/go)**").html == mail("::button[Go]{href=/go}").html


def test_buttons_stand_in_a_group_also_for_some_readers(mail: Make, nobody: Any) -> None:
    text = ":::buttons\n**[A](/a)**\n\n{% if subscriber.first_name %}\n::button[B]{href=/b}\n{% endif %}\n:::"
    assert mail(text).words.count("→") == 2
    assert mail(text, to=nobody).words == "→ A <https://lettre.example.org/a>"
    assert mail(text, to=nobody).body.count('class="one"') == 1


def test_buttons_of_a_group_stand_on_lines_of_their_own(mail: Make) -> None:
    got = mail(":::buttons\n**[A](/a)**\n[**B**](/b)\n::button[C]{href=/c}\n:::")
    assert got.words.replace("https://lettre.example.org", "") == "→ A </a>\n→ B </b>\n→ C </c>"


def test_labels_and_addresses_hold_slots(mail: Make) -> None:
    got = mail(
        '::button[{{ subscriber.first_name }}]{href="{{ archive_url }}"}\n\n'
        '::event[For {{ subscriber.first_name }}]{date=2026-12-04 place="{{ subscriber.fields.city }}"}\n\n'
        ":::chart\n- {{ subscriber.first_name }}: 3\n:::"
    )
    assert "→ Zoé <https://lettre.example.org/archive/hello>" in got.words
    assert "For Zoé" in got.words
    assert "Where: Nantes" in got.words
    assert re.search(r"Zoé +█+ 3", got.words)


def test_an_event_says_when_in_the_language_of_the_issue(mail: Make) -> None:
    text = '::event[Fête]{date=2026-12-01 time=18:30 end=21:00 place="Nantes" ics=/f.ics}'
    assert mail(text, "lang: fr").words == (
        "Fête\n----\nQuand\u202f: mardi 1er décembre 2026, 18:30\u00a0–\u00a021:00\nOù\u202f: Nantes\n"
        "Ajouter à votre agenda\u202f: https://lettre.example.org/f.ics"
    ).replace("\u202f:", mail("::subscribe", "lang: fr").words.partition(" https")[0][-2:-1] + ":")
    assert "When: Tuesday, December 1, 2026, 6:30\u202fPM\u00a0–\u00a09:00\u202fPM" in mail(text).words
    assert (
        "Thursday, December 24, 2026 – Sunday, December 27, 2026"
        in mail("::event[Off]{date=2026-12-24 until=2026-12-27}").words
    )
    online = mail("::event[Online]{date=2026-12-04 time=18:30 zone=Europe/Paris}").words
    assert "6:30\u202fPM (Central European Time)" in online


def test_an_event_may_have_a_text(mail: Make) -> None:
    assert mail(":::event[Walk]{date=2026-12-06 ics=no}\nBring *shoes*.\n:::").words.endswith("2026\n\nBring _shoes_.")


@pytest.mark.parametrize(
    "item", ["[T](/t) — What.", "[T](/t): What.", "**[T](/t)**\n  What.", "[T](/t)\n\n  What.", "[T](/t) - What."]
)
def test_a_card_is_a_link_and_what_is_said_of_it(mail: Make, item: str) -> None:
    got = mail(f":::cards\n- {item}\n:::")
    assert got.words == "T <https://lettre.example.org/t>\nWhat."
    assert '<p class="reading-title"><a href="https://lettre.example.org/t">T</a></p><p>What.</p></td>' in got.body


def test_cards_may_have_pictures_and_be_for_some_readers(mail: Make, nobody: Any) -> None:
    text = ":::cards\n- ![A](a.png) [B](/b)\n{% if subscriber.first_name %}\n- [C](/c)\n{% endif %}\n:::"
    assert mail(text).words == "[Image: A] B <https://lettre.example.org/b>\n\nC <https://lettre.example.org/c>"
    assert mail(text, to=nobody).body.count('class="reading"') == 1


@pytest.mark.parametrize(
    ("address", "service"),
    [
        (YOUTUBE, "YouTube"),
        ("https://youtu.be/dQw4w9WgXcQ?t=42", "YouTube"),
        ("https://www.youtube.com/watch?list=PL1&v=dQw4w9WgXcQ", "YouTube"),
        ("https://m.youtube.com/shorts/dQw4w9WgXcQ", "YouTube"),
        ("https://vimeo.com/76979871", "Vimeo"),
        ("https://vimeo.com/76979871/a1b2c3", "Vimeo"),
        ("https://tube.example.org/w/kkGMgK9ZtnKfYAgnEtQxbv", "PeerTube"),
        ("https://tube.example.org/videos/watch/9c9de5e8-0a1e-484a-b099-e80766180a6d", "PeerTube"),
    ],
)
def test_the_address_of_a_video_alone_is_a_video(mail: Make, address: str, service: str) -> None:
    for text in (address, f"<{address}>"):
        got = mail(text)
        assert " ".join(got.words.split()) == f"▶ Watch on {service} <{address}>"
        assert got.body.count("<img") == (service == "YouTube")


@pytest.mark.parametrize(
    "text",
    [
        f"See {YOUTUBE}",
        f"[A talk]({YOUTUBE})",
        "https://example.org/watch?v=dQw4w9WgXcQ",
        "https://youtube.com/@somebody",
        "https://vimeo.com/about",
        "https://example.org/w/short",
    ],
)
def test_other_addresses_stay_links(mail: Make, text: str) -> None:
    assert "Watch" not in mail(text).words


def test_no_other_host_passes_for_a_service() -> None:
    assert known("https://youtube.com.example.org/watch?v=dQw4w9WgXcQ") is None
    assert known("https://notvimeo.com/76979871") is None


def test_a_video_has_a_poster_or_is_a_card(mail: Make) -> None:
    got = mail("::video[Talk]{href=https://vimeo.com/1 poster=/p.jpg}")
    assert '<a href="https://vimeo.com/1"><img src="https://lettre.example.org/p.jpg" alt="Talk"' in got.body
    assert got.words == "▶ Talk <https://vimeo.com/1>"
    assert "<img" not in mail("::video[Talk]{href=/talk.mp4}").body


def test_a_recording_says_how_long_it_is(mail: Make) -> None:
    assert (
        mail('::audio[Bees]{href=/b.mp3 length="4 min"}').words == "♪ Bees (4 min) <https://lettre.example.org/b.mp3>"
    )


@pytest.mark.parametrize(("value", "full"), [("0", 0), ("1", 0), ("50%", 20), ("100", 40)])
def test_progress_is_a_bar_in_both_forms(mail: Make, value: str, full: int) -> None:
    got = mail(f"::progress[Roof]{{value={value}}}")
    assert got.words == f"Roof: {value.removesuffix('%')}%\n{'█' * full}{'░' * (40 - full)}"
    number = int(value.removesuffix("%"))
    widths = [int(tag["width"].removesuffix("%")) for tag in tags(got.body, "td") if "width" in tag]
    assert sum(widths) == 100
    assert 0 not in widths
    assert number in widths or number == 0


def test_a_chart_is_a_table_of_bars_in_both_forms(mail: Make) -> None:
    got = mail(":::chart[Walkers]\n- May: 14\n- **June:** 1 120 km\n- July: 0\n- August: 2,5\n:::", "lang: fr")
    assert got.words == (
        "Walkers\n-------\nMay     █ 14\n*June*  " + "█" * 28 + " 1\u202f120\u00a0km\nJuly     0\nAugust  █ 2,5"
    )
    assert "<caption>Walkers</caption>" in got.body
    assert re.search(r'<th [^>]*scope="row"[^>]*>May</th><td [^>]*aria-hidden="true"', got.body)
    assert '<td class="amount">1\u202f120&nbsp;km</td>' in got.body


def test_a_chart_with_long_names_has_its_bars_below_them(mail: Make) -> None:
    got = mail(f":::chart\n- {'x' * 30}: 1\n- b: 2\n:::")
    assert got.words == f"{'x' * 30}: 1\n{'█' * 20}\nb: 2\n{'█' * 40}"


def test_social_links_are_words(mail: Make) -> None:
    got = mail(":::social\n- [Mastodon](https://social.example.org/@a)\n- [RSS](/feed.xml)\n:::")
    assert got.words == "Mastodon: https://social.example.org/@a\nRSS: https://lettre.example.org/feed.xml"
    assert "<img" not in got.body


def test_a_hero_goes_across_the_page(mail: Make) -> None:
    got = mail(":::hero\n![Hills](h.jpg)\n\n## Open\n\n**[Go](/go)**\n:::\n\nText.")
    assert got.words == "[Image: Hills]\n\nOpen\n----\n\n→ Go <https://lettre.example.org/go>\n\nText."
    assert '<img src="https://lettre.example.org/h.jpg" alt="Hills" width="600"' in got.html


def test_a_hero_may_be_a_picture_alone(mail: Make) -> None:
    got = mail(":::hero\n![Hills](h.jpg)\n:::")
    assert got.words == "[Image: Hills]"
    assert "staged" not in got.html


def test_a_gallery_fills_its_rows(mail: Make) -> None:
    got = mail(':::gallery\n![A](a.png "Six")\n[![B](b.png)](/b)\n\n![](c.png)\n:::')
    assert got.words == "[Image: A]\nSix\n[Image: B] <https://lettre.example.org/b>"
    assert [row.count("<img") for row in got.body.split("<tr>")[1:]] == [2, 1]
    assert '<td colspan="1">' in got.body


def test_no_table_for_layout_passes_for_one_of_data(mail: Make) -> None:
    from pathlib import Path

    markdown = (Path(__file__).parent / "fixtures" / "layout.md").read_text("utf-8").split("---\n", 2)[2]
    got = mail(markdown)
    data = [table["class"] for table in tags(got.html, "table") if table.get("role") != "presentation"]
    assert data == ["chart"]
    assert all("alt" in image for image in tags(got.html, "img"))


# Markdown (its first line is line 5 of the file), line, a part of the message, a part of the fix.
MISTAKES = [
    ("::::columns\n:::column\na\n:::\n::::", 5, "`columns` has 1 column", "two or three"),
    ("::::columns\n" + ":::column\na\n:::\n" * 4 + "::::", 5, "`columns` has 4 columns", "two or three"),
    ("::::columns\nText.\n::::", 6, "something that is no `column`", ":::column"),
    (":::column\na\n:::", 5, "can only stand in `columns`", "::::columns"),
    (":::beside\nText.\n:::", 5, "does not begin with an image", "on its first line"),
    (":::beside{side=left}\n![A](a.png)\n:::", 5, "side=left", "start"),
    (":::hero\nText.\n:::", 5, "does not begin with an image", "![what it shows]"),
    ("> :::hero\n> ![A](a.png)\n> :::", 5, "cannot stand inside", "move it out"),
    (":::gallery\n![A](a.png)\nText.\n:::", 6, "something that is no image", "on each line"),
    (":::gallery{columns=4}\n![A](a.png)\n:::", 5, "columns=4", "2"),
    (":::cards\nText.\n:::", 6, "something that is no list", "- [Title](address)"),
    (":::cards\n- Text.\n:::", 6, "an item of `cards` is no link", "- [Title](address)"),
    (":::social\n- [A](/a) text\n:::", 6, "a link alone", "- [Mastodon](address)"),
    (":::buttons\nText.\n:::", 6, "something that is no button", "::button[Label]"),
    ("::button[Go]", 5, "needs `href`", "{href=…}"),
    ("::button[Go]{hfre=/a}", 5, "no attribute `hfre`", "did you mean 'href'?"),
    ("::button[Go]{href=/a look=outlin}", 5, "look=outlin", "did you mean 'outline'?"),
    ("::button[Go]{href=javascript:x}", 5, "cannot be used", "https:"),
    ("::event[A]", 5, "needs `date`", "2026-12-04"),
    ("::event[A]{date=4.12.2026}", 5, "date=4.12.2026", "year, month and day"),
    ("::event[A]{date=2026-02-30}", 5, "date=2026-02-30", "year, month and day"),
    ("::event[A]{date=2026-12-04 time=6pm}", 5, "time=6pm", "18:30"),
    ("::event[A]{date=2026-12-04 until=2026-12-03}", 5, "ends before it begins", "come later"),
    ("::event[A]{date=2026-12-04 time=18:30 end=01:00}", 5, "ends before it begins", "after midnight"),
    ("::event[A]{date=2026-12-04 zone=Europe/Pari}", 5, "zone=Europe/Pari", "did you mean 'Europe/Paris'"),
    ("::event[A]{date=2026-12-04 zone=Madrid}", 5, "zone=Madrid", "did you mean 'Europe/Madrid'"),
    ("::event[A]{date=2026-12-04 zone=CEST}", 5, "zone=CEST", "as Europe/Paris"),
    ("::event[A]{date=2026-12-04 end=18:30}", 5, "an `end` and no `time`", "{time=18:30}"),
    ("::event{date=2026-12-04}", 5, "needs a label", "::event[the label]"),
    ("::progress[A]{value=120}", 5, "value=120", "from 0 to 100"),
    (":::chart\n- May: many\n:::", 6, "`many` begins with no number", "in digits"),
    (":::chart\n- May: {{ subscriber.email }}\n:::", 6, "`{{ subscriber.email }}` begins with no number", "in digits"),
    (":::chart\n- May: 1,200\n:::", 6, "`1,200` is thousands in some languages", "write 1200"),
    (":::chart\n- May\n:::", 6, "this is no number of a chart", "- May: 120"),
    ("::video[A]{href=/a psoter=/b}", 5, "no attribute `psoter`", "did you mean 'poster'?"),
    ("::vidoe[A]{href=/a}", 5, "no block `::vidoe`", "did you mean 'video'?"),
]


@pytest.mark.parametrize(("markdown", "line", "message", "fix"), MISTAKES)
def test_a_mistake_is_told_with_its_line(edition: Make, markdown: str, line: int, message: str, fix: str) -> None:
    with pytest.raises(IssueError) as caught:
        edition(markdown)
    told = str(caught.value)
    assert told.startswith(f"issues/hello.md:{line}: ")
    assert message in told
    assert fix in told
