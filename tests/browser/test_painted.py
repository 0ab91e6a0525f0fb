"""The colours that `contrast-low` judges are those that a browser paints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import pytest

from newsletter.checks.painted import texts
from newsletter.sources.themes import shipped_templates, theme_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Screen

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Each text with its colour and the first colour behind it, as numbers; those on images and the unseen are left out.
PAINTED = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.data.trim().split(/[^\\S\\u00a0\\u202f\\u2007]+/).join(" ");
    let element = walker.currentNode.parentElement;
    const style = getComputedStyle(element);
    const seen = element.getClientRects().length && parseFloat(style.fontSize) >= 3 && style.opacity !== "0";
    if (!/[\\p{L}\\p{N}]/u.test(words) || !seen || element.closest("[aria-hidden=true], style, script")) continue;
    let behind = null;
    for (; element; element = element.parentElement) {
      const look = getComputedStyle(element);
      if (look.backgroundImage !== "none") break;
      const [red, green, blue, alpha = 1] = numbers(look.backgroundColor);
      if (alpha === 1) { behind = [red, green, blue]; break; }
    }
    if (behind) found.push([words, numbers(style.color).slice(0, 3), behind]);
  }
  return found;
}"""


@pytest.mark.parametrize("theme", theme_names(shipped_templates()))
def test_every_text_of_every_theme_has_the_colours_that_a_browser_gives_it(
    show: Callable[..., Screen], theme: str
) -> None:
    screen = show("everything", theme, 600)
    html = screen.page.content()
    for scheme in SCHEMES:
        screen.page.emulate_media(color_scheme=scheme)
        ours = [[_words(each.words), [*each.colour], [*each.background]] for each in texts(html, dark=scheme == "dark")]
        painted = [[_words(words), colour, behind] for words, colour, behind in screen.page.evaluate(PAINTED)]
        assert len(ours) > 100
        assert ours == painted


AUTHORS = """<html><head><style>
.a { color: #111 } p.a { color: #222 } div > .a { color: rgb(51 51 51) } #x .a { color: hsl(0, 0%, 40%) !important }
[lang=fr] { background: WhiteSmoke } p + p { color: red } td:first-child { color: blue }
@media (max-width: 500px) { .a { color: #999 } } @media screen and (min-width: 500px) { em { color: navy } }
@media (prefers-color-scheme: dark) { body { background-color: #111; color: #eee } .a { color: silver !important } }
</style></head><body>
<div id="x"><p class="a">One</p></div><div><p class="a" style="color: teal">Two</p></div>
<div><p class="a" style="color: teal !important">Three</p></div><p lang="fr">Four</p><p>Five <em>six</em></p>
<table bgcolor="#ffeedd"><tr><td>Seven</td><td style="background: none">Eight</td></tr></table>
<div style="background: rgba(0, 0, 0, 0.5) no-repeat"><font color="#abcdef">Nine</font></div>
<p style="color: nonsense">Ten</p>
<p style="color: inherit"><a href="#" style="color: purple">Eleven</a> <a>twelve</a> <mark>thirteen</mark></p>
</body></html>"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_an_author_s_own_style_says_is_weighed_as_a_browser_weighs_it(
    show: Callable[..., Screen], scheme: str
) -> None:
    screen = show("letter", "letter", 600, scheme).show(AUTHORS, 600, scheme)
    ours = {each.words: each.colour for each in texts(AUTHORS, dark=scheme == "dark")}
    painted = {words: tuple(colour) for words, colour, _ in screen.page.evaluate(PAINTED)}
    # Selectors of what stands beside an element are not weighed: such rules are left out on both sides.
    beside = {"Five", "Seven", "Ten"}
    assert {words: ours[words] for words in painted if words not in beside} == {
        words: colour for words, colour in painted.items() if words not in beside
    }


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
