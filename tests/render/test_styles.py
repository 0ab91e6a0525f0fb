"""Style sheets hold the rules that a document needs, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from newsletter.render.styles import pruned

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

BODY = '<body><div class="prose big"><p>a</p><h2 id="x">b</h2></div></body>'


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".prose p{color:red}", ".prose p{color:red}"),
        (".prose ul{color:red}", None),
        (".small{color:red}", None),
        (".small,.big{color:red}", ".big{color:red}"),
        (".prose.big > p:first-child{color:red}", ".prose.big > p:first-child{color:red}"),
        ("[data-ogsc] .prose p,[data-ogsc] .none{a:b}", "[data-ogsc] .prose p{a:b}"),
        (".moz-text-html .big{a:b}", ".moz-text-html .big{a:b}"),
        ("#outlook a{padding:0}", None),
        ("#x{a:b}", "#x{a:b}"),
        ("a[x-apple-data-detectors]{a:b}", None),
        ("p:not(.none){a:b}", "p:not(.none){a:b}"),
        ("@media (max-width:480px){\n.none{a:b}\n.big{c:d}\n}", "@media (max-width:480px){\n.big{c:d}\n}"),
        ("@media (max-width:480px){\n.none{a:b}\n}", None),
        (":root{color-scheme:light dark}", ":root{color-scheme:light dark}"),
        ("u + .body .big{a:b}", "u + .body .big{a:b}"),
    ],
)
def test_a_rule_that_can_match_nothing_is_left_out(css: str, kept: str | None) -> None:
    expected = f"<style>{kept}</style>" if kept else ""
    assert pruned(f"<html><style>{css}</style>{BODY}</html>") == f"<html>{expected}{BODY}</html>"


def test_the_styles_of_a_block_come_with_the_block(mail: Make) -> None:
    assert "callout-title" not in mail("a").html
    assert mail(":::tip\na\n:::").html.count(".callout-title{color:") == 2
