"""How long an issue of 20 KB takes from its file to an edition, stage by stage.

Beside it, on the same text: markdown-it-py with the plugins that we use, which gives HTML and nothing else; on the same
MJML: npm's compiler; and `newsletter render` as a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks.issue import issue
from benchmarks.measure import cost, table
from newsletter.issue import parse_issue
from newsletter.render import Site, blocks, markdown, mjml, read, render
from newsletter.render.page import Page
from newsletter.render.pipeline import Rendering
from newsletter.render.weave import Weaver
from newsletter.sources.themes import read_theme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = Path(sys.executable).with_name("newsletter")
PEERS = Path(__file__).parent / "peers"
ROUNDS = 60
SITE = Site("Letters", base_url="https://letters.example.org", postal_address="12 rue des Lilas, 44000 Nantes")
SETTINGS = '[newsletter]\ntitle = "Letters"\n[sender]\nemail = "letters@example.org"\n'
# What is measured of it, where it is done, and by which function.
STAGES: tuple[tuple[str, Any, str], ...] = (
    ("Markdown to tokens", markdown, "parse"),
    ("tokens to blocks", blocks, "read"),
    ("blocks to MJML, by the theme", Page, "_source"),
    ("MJML to HTML", mjml, "compile_mjml"),
    ("styles into elements", Page, "_finish"),
    ("blocks to plain text", Rendering, "_text"),
    ("slots into their places", Weaver, "html"),
)


def run() -> None:
    """Print the tables."""
    text = issue()
    theme = read_theme("letter")
    body = parse_issue(text, "issue.md").body

    def ours() -> object:
        return render(parse_issue(text, "issue.md"), theme, SITE)

    peer = alone()
    all_of_it, front, markdown_alone = taking_turns(ours, lambda: parse_issue(text, "issue.md"), lambda: peer(body))
    rows = [("front matter and issue", front), *stages(ours)]
    rows += [("the rest", all_of_it - sum(time for _, time in rows)), ("file to edition", all_of_it)]
    table(
        f"An issue of {len(text):,} characters, warm, median of {ROUNDS}",
        ("stage", "ms", "of markdown-it-py alone"),
        [
            *((name, f"{time:.2f}", f"{time / markdown_alone:.2f}") for name, time in rows),
            ("markdown-it-py alone, text to HTML", f"{markdown_alone:.2f}", "1.00"),
        ],
    )
    compilers(handed_to_the_compiler(text, theme))
    process(text)


def alone() -> Callable[[str], str]:
    """markdown-it-py with the plugins that we use."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.attrs import attrs_block_plugin, attrs_plugin
    from mdit_py_plugins.container import container_plugin
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin
    from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin
    from mdit_py_plugins.tasklists import tasklists_plugin

    md = MarkdownIt("commonmark", {"typographer": True})
    md.enable(["table", "strikethrough", "replacements", "smartquotes"])
    for plugin in (
        gfm_autolink_plugin, attrs_plugin, attrs_block_plugin, deflist_plugin, footnote_plugin, tasklists_plugin,
    ):  # fmt: skip
        md.use(plugin)
    md.use(container_plugin, "question")
    return md.render


def taking_turns(*functions: Callable[[], object]) -> list[float]:
    """The median milliseconds of each, warm; they take turns, so that a disturbance hits all of them."""
    times: list[list[float]] = [[] for _ in functions]
    for at in range(ROUNDS + 5):
        for function, own in zip(functions, times, strict=True):
            began = perf_counter()
            function()
            if at >= 5:
                own.append(1000 * (perf_counter() - began))
    return [median(own) for own in times]


def stages(whole: Callable[[], object]) -> list[tuple[str, float]]:
    """The median milliseconds of each stage, without those of the stages that it calls."""
    times: dict[str, list[float]] = {name: [] for name, _, _ in STAGES}
    with timed(times):
        for _ in range(ROUNDS):
            whole()
    return [(name, median(own)) for name, own in times.items()]


@contextmanager
def timed(times: dict[str, list[float]]) -> Iterator[None]:
    """Note how long each call of a stage's function takes."""
    inner: list[float] = []

    def watched(function: Callable[..., Any], own: list[float]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            inner.append(0.0)
            began = perf_counter()
            try:
                return function(*arguments, **more)
            finally:
                took = 1000 * (perf_counter() - began)
                own.append(took - inner.pop())
                if inner:
                    inner[-1] += took

        return call

    originals = [(place, name, getattr(place, name)) for _, place, name in STAGES]
    for (label, place, name), (_, _, function) in zip(STAGES, originals, strict=True):
        setattr(place, name, watched(function, times[label]))
    try:
        yield
    finally:
        for place, name, function in originals:
            setattr(place, name, function)


def handed_to_the_compiler(text: str, theme: Any) -> str:
    """The MJML that the compiler is handed for an issue."""
    handed: list[str] = []
    compile_mjml = mjml.compile_mjml

    def noted(source: str) -> str:
        handed.append(source)
        return compile_mjml(source)

    mjml.compile_mjml = noted
    try:
        read(parse_issue(text, "issue.md"), theme, SITE).edition()
    finally:
        mjml.compile_mjml = compile_mjml
    return handed[0]


def compilers(source: str) -> None:
    """Our compiler's stage beside npm's, on the same MJML."""
    (ours,) = taking_turns(lambda: mjml.compile_mjml(source))
    rows = [("MJML to HTML, here", f"{ours:.2f}", "1.0")]
    if (PEERS / "node_modules" / "mjml").is_dir():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "issue.mjml"
            file.write_text(source, "utf-8")
            command: list[str | Path] = ["node", PEERS / "with_mjml.mjs", file, str(ROUNDS)]
            answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        theirs = median(answer["times"])
        rows.append(("npm mjml 4.18, warm", f"{theirs:.2f}", f"{theirs / ours:.1f}"))
    table(f"The same MJML, {len(source):,} characters, median of {ROUNDS}", ("compiler", "ms", "times ours"), rows)


def process(text: str) -> None:
    """`newsletter render` as a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(SETTINGS, "utf-8")
        (folder / "issues").mkdir()
        Image.new("RGB", (640, 360), "#c05a2b").save(folder / "issues" / "table.jpg")
        (folder / "issues" / "issue.md").write_text(text.replace("https://example.org/table.jpg", "table.jpg"), "utf-8")
        commands: dict[str, list[str | Path]] = {
            "newsletter render": [PROGRAM, "render", "issue", "-o", "issue.html"],
            "newsletter --help": [PROGRAM, "--help"],
            "python -c pass": [sys.executable, "-c", "pass"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(11):
            for name, command in commands.items():
                seconds[name].append(cost(command, folder).seconds)
    rows = [(name, f"{1000 * median(times):.0f}") for name, times in seconds.items()]
    table("As a process of its own, median of 11", ("command", "ms"), rows)
