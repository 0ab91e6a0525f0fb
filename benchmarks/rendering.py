"""How long an issue of 20 KB takes from its file to an edition, stage by stage; and `newsletter render` as a process.

Beside all of it, on the same text, stands markdown-it-py with the plugins that we use, which gives HTML and nothing
else. Beside the MJML stage stands npm's mjml, on what an author would hand to it otherwise: the MJML that `newsletter
render --format mjml` prints for the issue, with all its text and style. Our stage takes text and style out, compiles
the frame that is left, and puts them back; all three are counted. npm's does so with its own settings, and once more
with validation, minifying, beautifying and fonts off, so that it does no work that ours leaves undone. The first time
is that of a command, which compiles once and ends; loading the program is not in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from PIL import Image

from benchmarks.issue import issue
from benchmarks.measure import cost, table
from newsletter.issue import parse_issue
from newsletter.render import Site, blocks, markdown, mjml, read, render
from newsletter.render.kept import Kept
from newsletter.render.page import Page
from newsletter.render.pipeline import Rendering
from newsletter.render.weave import Weaver
from newsletter.sources.themes import read_theme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = Path(sys.executable).with_name("newsletter")
PEERS = Path(__file__).parent / "peers"
ROUNDS = 60
FIRST_ROUNDS = 5
SITE = Site("Letters", base_url="https://letters.example.org", postal_address="12 rue des Lilas, 44000 Nantes")
SETTINGS = '[newsletter]\ntitle = "Letters"\n[sender]\nemail = "letters@example.org"\n'
COMPILING = "MJML to HTML"
# What is measured of it, where it is done, and by which functions.
STAGES: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("Markdown to tokens", markdown, ("parse",)),
    ("tokens to blocks", blocks, ("read",)),
    ("blocks to MJML, by the theme", Page, ("_source",)),
    (COMPILING, Kept, ("keep", "without_styles", "put_in")),
    (COMPILING, mjml, ("compile_mjml",)),
    ("styles into elements", Page, ("_finish",)),
    ("blocks to plain text", Rendering, ("_text",)),
    ("slots into their places", Weaver, ("html",)),
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
    rows = [("front matter and issue", front), *stages(ours).items()]
    rows += [("the rest", all_of_it - sum(time for _, time in rows)), ("file to edition", all_of_it)]
    table(
        f"An issue of {len(text):,} characters, warm, median of {ROUNDS}",
        ("stage", "ms", "of markdown-it-py alone"),
        [
            *((name, f"{time:.2f}", f"{time / markdown_alone:.2f}") for name, time in rows),
            (f"markdown-it-py {version('markdown-it-py')} alone, to HTML", f"{markdown_alone:.2f}", "1.00"),
        ],
    )
    compilers(text)
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


def taking_turns(*functions: Callable[[], object], clock: Callable[[], float] = process_time) -> list[float]:
    """The median milliseconds of each, warm; they take turns, so that a disturbance hits all of them.

    The clock is that of the processor: on a machine with nothing else to do, it runs like any other.
    """
    times: list[list[float]] = [[] for _ in functions]
    for at in range(ROUNDS + 5):
        for function, own in zip(functions, times, strict=True):
            began = clock()
            function()
            if at >= 5:
                own.append(1000 * (clock() - began))
    return [median(own) for own in times]


def stages(whole: Callable[[], object]) -> dict[str, float]:
    """The median milliseconds of each stage, without those of the stages that it calls."""
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        rounds.append(dict.fromkeys((label for label, _, _ in STAGES), 0.0))
        with timed(rounds[-1]):
            whole()
    return {label: median(each[label] for each in rounds) for label in rounds[0]}


@contextmanager
def timed(times: dict[str, float]) -> Iterator[None]:
    """Add up how long the calls of each stage's functions take."""
    inner: list[float] = []

    def watched(function: Callable[..., Any], label: str) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            inner.append(0.0)
            began = process_time()
            try:
                return function(*arguments, **more)
            finally:
                took = 1000 * (process_time() - began)
                times[label] += took - inner.pop()
                if inner:
                    inner[-1] += took

        return call

    originals = [(label, place, name, getattr(place, name)) for label, place, names in STAGES for name in names]
    for label, place, name, function in originals:
        setattr(place, name, watched(function, label))
    try:
        yield
    finally:
        for _, place, name, function in originals:
            setattr(place, name, function)


def our_compiler(text: str) -> tuple[str, Callable[[], str]]:
    """The MJML of an issue as it is printed, and our stage for it."""
    rendering = read(parse_issue(text, "issue.md"), read_theme("letter"), SITE)
    handed: list[tuple[Kept, str]] = []
    without_styles = Kept.without_styles

    def noted(kept: Kept, source: str) -> str:
        handed.append((kept, source))
        return without_styles(kept, source)

    with patch.object(Kept, "without_styles", noted), patch.object(mjml, "compile_mjml", lambda source: source):
        rendering.edition()
    kept, source = handed[0]
    return rendering.mjml(), lambda: kept.put_in(mjml.compile_mjml(kept.without_styles(source)))


def first_time() -> float:
    """The milliseconds of our stage the first time in a process, its compiler loaded."""
    import_module("mjml")
    _, compiled = our_compiler(issue())
    began = perf_counter()
    compiled()
    return 1000 * (perf_counter() - began)


def compilers(text: str) -> None:
    """Our stage beside npm's compiler, on the same MJML."""
    source, compiled = our_compiler(text)
    (ours,) = taking_turns(compiled, clock=perf_counter)
    ask: list[str | Path] = [sys.executable, "-c", "from benchmarks.rendering import *; print(first_time())"]
    our_first = median(float(_answer(ask)) for _ in range(FIRST_ROUNDS))
    rows = [(f"here, with mjml-python {version('mjml-python')}", f"{our_first:.2f}", "1.0", f"{ours:.2f}", "1.0")]
    if (PEERS / "node_modules" / "mjml").is_dir():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "issue.mjml"
            file.write_text(source, "utf-8")
            for settings in ("its own settings", "nothing extra"):
                ask = ["node", PEERS / "with_mjml.mjs", file, settings, str(ROUNDS)]
                answers = [json.loads(_answer(ask)) for _ in range(FIRST_ROUNDS)]
                first = median(answer["first"] for answer in answers)
                warm = median(time for answer in answers for time in answer["times"])
                name = f"npm mjml {answers[0]['version']}, node {answers[0]['node']}, {settings}"
                rows.append((name, f"{first:.1f}", f"{first / our_first:.0f}", f"{warm:.2f}", f"{warm / ours:.0f}"))
    table(
        f"MJML of {len(source):,} characters to HTML",
        ("compiler", "first time, ms", "times ours", "warm, ms", "times ours"),
        rows,
    )


def _answer(command: list[str | Path]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


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
