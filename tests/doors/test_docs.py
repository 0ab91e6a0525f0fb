"""The documentation is true: it builds, its links lead somewhere, what it lists is what there is, its commands work."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tomllib
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click
import pytest

import newsletter
from newsletter.cli import cli, main
from newsletter.cli.console import ExitCode
from newsletter.cli.shell import EVERYWHERE
from newsletter.config_fields import FIELD_KEYS
from newsletter.config_keys import GROUP_LIMITS, SECTIONS
from newsletter.config_providers import PROVIDER
from newsletter.config_transports import KINDS
from newsletter.dates import NotADate, read_date
from newsletter.field import Field, Kind, typed
from newsletter.issue import FIELDS
from newsletter.issue_values import STATUSES
from newsletter.render.catalogue import CATALOGUE
from newsletter.render.expressions import LINKS
from newsletter.render.site import Site
from newsletter.segment import parse
from newsletter.segment_values import NAMES, Vocabulary
from newsletter.sources.list_words import COLUMNS, WORDS_FOR_STATUS
from newsletter.subscriber import PUBLIC_FIELDS
from tests.support.images import drawing, saved
from tests.support.pages import Walk, steps
from tests.support.reports import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted([README, *DOCS.rglob("*.md")])
WALKED = [README, DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]
LARGEST_PICTURE = 150_000  # bytes


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def reference(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text("utf-8")


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one, of whatever level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def terms(text: str) -> set[str]:
    """What stands in backquotes at the beginning of a line whose next one is a definition, or in a row's first cell."""
    defined = re.findall(r"^(`[^\n]*)\n: ", text, re.MULTILINE) + re.findall(r"^\| (`[^|]*)", text, re.MULTILINE)
    return {term for line in defined for term in re.findall(r"`([^`]+)`", line)}


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """The anchors and addresses of a built page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.addresses.add(value)


def test_sphinx_builds_the_pages_without_a_warning_and_every_link_in_them_leads_somewhere(tmp_path: Path) -> None:
    built = tmp_path / "pages"
    sphinx: list[str | Path] = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q"]
    done = subprocess.run([*sphinx, "-d", tmp_path / "work", DOCS, built], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    pages = {path: Page(path) for path in sorted(built.rglob("*.html"))}
    assert len(pages) > len(PAGES) / 2
    dead = []
    for path, page in pages.items():
        for address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else set()
            if not target.exists() or (parts.fragment and target in pages and unquote(parts.fragment) not in anchors):
                dead.append(f"{path.relative_to(built)}: {address}")
    assert dead == []


@pytest.mark.parametrize("path", [*PAGES, ROOT / "CHANGELOG.md"], ids=name_of)
def test_links_lead_to_files_that_are_there_or_to_whole_https_addresses(path: Path) -> None:
    text = re.sub(r"^(`{3,}).*?^\1", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "", text)
    links = re.findall(r"\]\(([^()\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for link in links:
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            assert re.fullmatch(r"[a-z0-9.-]+\.[a-z]+", parts.netloc), link
        elif parts.path:
            assert (path.parent / parts.path).is_file(), link


def test_pictures_are_shown_and_are_not_too_large() -> None:
    shown = "".join(path.read_text("utf-8") for path in PAGES)
    pictures = sorted(path for path in (DOCS / "pictures").rglob("*") if path.is_file())
    assert pictures
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG"), picture.name
        assert picture.stat().st_size < LARGEST_PICTURE, picture.name
        assert picture.relative_to(DOCS).as_posix() in shown, picture.name


def test_every_picture_says_what_it_shows() -> None:
    for path in PAGES:
        text = path.read_text("utf-8")
        for tag in re.findall(r"<img [^>]*>", text):
            assert re.search(r' alt="[^"]{20,}"', tag), tag
        for block in re.findall(r"```\{image\}(.*?)```", text, re.DOTALL):
            assert re.search(r"^:alt: .{20,}$", block, re.MULTILINE), block


# ── The commands on the pages ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", WALKED, ids=name_of)
def test_the_commands_of_a_page_work_one_after_the_other_and_answer_as_it_shows(path: Path, tmp_path: Path) -> None:
    with Walk(tmp_path, in_processes=path == README) as walk:
        for step in steps(path.read_text("utf-8")):
            walk.do(step)


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("<!-- run -->\n```console\n$ newsletter --version\nnewsletter 7\n```", "newsletter --version"),
        ("<!-- run: exit 3 -->\n```console\n$ newsletter --version\n```", "exit code 0, not 3"),
        ("<!-- run -->\n```console\n$ newsletter publsh\n```", "exit code 2, not 0"),
    ],
)
def test_a_page_that_says_what_is_not_so_is_noticed(block: str, told: str, tmp_path: Path) -> None:
    (step,) = steps(block)
    with Walk(tmp_path) as walk, pytest.raises(AssertionError, match=told):
        walk.do(step)


@pytest.mark.parametrize("path", WALKED[1:], ids=name_of)
def test_a_block_with_a_command_is_run_or_says_why_not(path: Path) -> None:
    unmarked = [
        step.line
        for step in steps(path.read_text("utf-8"))
        if step.language == "console" and "$ newsletter" in step.text and step.kind not in ("run", "shown")
    ]
    assert unmarked == []


def test_what_is_only_shown_says_why() -> None:
    for path in WALKED:
        for step in steps(path.read_text("utf-8")):
            assert step.kind != "shown" or len(step.said) > 10, f"{name_of(path)}:{step.line}"


# ── Command line ─────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def commands() -> dict[str, tuple[click.Command, click.Context]]:
    """Every command by its full name, groups too."""
    found: dict[str, tuple[click.Command, click.Context]] = {}

    def walk(command: click.Command, context: click.Context) -> None:
        if context.parent is not None:
            found[context.command_path] = command, context
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                member = command.get_command(context, name)
                assert member is not None, name
                walk(member, click.Context(member, parent=context, info_name=name))

    walk(cli, click.Context(cli, info_name="newsletter", **cli.context_settings))
    return found


def options(command: click.Command, context: click.Context) -> Iterator[click.Option]:
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            yield parameter


def test_the_reference_tells_of_every_command_and_of_no_other() -> None:
    told = re.findall(r"^#{2,3} (newsletter .+)$", reference("command-line"), re.MULTILINE)
    assert sorted(told) == sorted(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_reference_tells_how_a_command_is_used_and_what_each_option_does(name: str) -> None:
    command, context = commands()[name]
    told = section(reference("command-line"), name)
    assert command.get_usage(context).removeprefix("Usage: ") in told
    own = [option for option in options(command, context) if not EVERYWHERE.intersection(option.opts)]
    wanted = set()
    for option in own:
        assert option.get_help_record(context), option.name
        value = "" if option.is_flag else f" {option.make_metavar(context)}"
        wanted |= {f"{word}{value}" for word in option.opts}
    assert terms(told) == wanted


def test_the_reference_tells_of_the_options_that_work_everywhere() -> None:
    told = terms(section(reference("command-line"), "Options that work everywhere"))
    command, context = commands()["newsletter init"]
    everywhere = [option for option in options(command, context) if EVERYWHERE.intersection(option.opts)]
    assert {term.split()[0] for term in told} == {word for option in everywhere for word in option.opts}


def test_the_reference_tells_of_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d+) \| \S", reference("exit-codes"), re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in ExitCode]


def test_the_version_that_the_tutorial_shows_is_this_one() -> None:
    assert f"\nnewsletter {newsletter.__version__}\n" in (DOCS / "tutorial.md").read_text("utf-8")
    assert f"\n## {newsletter.__version__} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_reference_tells_of_every_key_that_json_has_and_of_no_other(tmp_path: Path) -> None:
    run = runner(tmp_path)
    run("init", "--quiet")
    (tmp_path / "people.csv").write_text("email\nana@example.org\nwrong\n", "utf-8")
    issue = next((tmp_path / "issues").iterdir()).stem
    imported = json.loads(run("subscribers", "import", "people.csv", "--json", "--quiet"))
    published = json.loads(run("publish", issue, "--transport", "outbox", "--yes", "--json", "--quiet"))
    resumed = json.loads(run("status", issue, "--json"))
    (listed,) = json.loads(run("subscribers", "list", "--json", "--quiet"))
    shown = json.loads(run("subscribers", "show", "ana@example.org", "--json"))
    reconciled = json.loads(run("reconcile", issue, "--assume", "sent", "--json"))
    (tmp_path / "report.eml").write_bytes(Witness(tmp_path).bounce("ana@example.org"))
    bounced = json.loads(run("bounces", "report.eml", "--json"))
    undelivered = run("status", issue, "--csv").strip().split(",")

    page = reference("json")
    assert terms(section(page, "publish, resume and status")) == {*published, *resumed, *undelivered}
    assert terms(section(page, "reconcile")) == set(reconciled)
    told = section(page, "bounces")
    assert terms(told) == set(bounced)
    assert all(f"`{key}`" in told for key in (*bounced["kinds"], *bounced["events"][0]))
    told = section(page, "subscribers import")
    assert terms(told) == set(imported)
    assert all(f"`{key}`" in told for key in imported["problems"][0])
    told = section(page, "subscribers list and show")
    assert terms(told) == set(listed)
    added = set(shown) - set(listed)
    assert added == {"issues", "consents", "changes", "sent", "heard"}
    assert all(f"`{key}`" in told for key in (*added, *shown["issues"][0], *shown["sent"][0]))
    told = section(page, "subscribers forget and expire")
    expired = json.loads(run("subscribers", "expire", "--dry-run", "--json"))
    forgotten = json.loads(run("subscribers", "forget", "ana@example.org", "--yes", "--json"))
    assert terms(told) == {*expired, *forgotten}
    told = section(page, "segments")
    one = json.loads(run("segments", "show", "all", "--json"))
    assert terms(told) == {*one, "name"}
    assert all(f"`{key}`" in told for key in one["left_out"])


def runner(folder: Path) -> Callable[..., str]:
    """A function that runs a command in a folder, and returns its answer."""

    def run(*arguments: str) -> str:
        out, err = io.StringIO(), io.StringIO()
        with chdir(folder), redirect_stdout(out), redirect_stderr(err):
            code = main(list(arguments))
        assert code == 0, err.getvalue()
        return out.getvalue()

    return run


# ── What is written: settings, front matter, slots, segments, lists ──────────────────────────────────────────────────


def test_the_reference_tells_of_every_setting_below_its_section_and_of_no_other() -> None:
    page = reference("configuration")
    for name, keys in SECTIONS.items():
        assert terms(section(page, f"[{name}]")) == set(keys), name
    headed = dict.fromkeys(("smtp", "lmtp"), 'kind = "smtp" and kind = "lmtp"')
    for kind, keys in KINDS.items():
        assert terms(section(page, headed.get(kind, f'kind = "{kind}"'))) == set(keys), kind
    assert terms(section(page, "kind = a provider")) == set(PROVIDER)
    assert terms(section(page, "[transports.NAME]")) == {"kind"}
    assert terms(section(page, "[limits.GROUP]")) == set(GROUP_LIMITS)
    headings = re.findall(r"^## \[(.+)\]$", page, re.MULTILINE)
    assert terms(section(page, "[fields]")) == set(FIELD_KEYS)
    assert sorted(headings) == sorted([*SECTIONS, "fields", "segments", "limits.GROUP", "transports.NAME"])


def test_the_reference_tells_of_every_field_of_the_front_matter_with_all_its_names() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(#[\w-]+\) \| (.+?) \|", reference("front-matter"), re.MULTILINE)
    told = {name: tuple(re.findall(r"`(\w+)`", keys)) for name, keys in rows}
    assert told == {field.name: field.keys for field in FIELDS}


def test_the_reference_tells_of_every_status() -> None:
    told = set(re.findall(r"`(?:status: )?(\w+)`", section(reference("front-matter"), "Status")))
    assert set(STATUSES) <= told


def date_rows() -> list[tuple[str, str]]:
    return re.findall(r"^\| `(.+?)` \| (.+?) \|$", section(reference("front-matter"), "Date"), re.MULTILINE)


@pytest.mark.parametrize(("written", "read"), date_rows())
def test_a_date_is_read_as_the_reference_says(written: str, read: str) -> None:
    if read.startswith("refused"):
        with pytest.raises(NotADate):
            read_date(written)
    else:
        assert read_date(written).isoformat() == read


def test_the_reference_tells_of_every_slot() -> None:
    told = set(re.findall(r"\{\{ ([\w.]+) \}\}", reference("slots")))
    assert {f"subscriber.{name}" for name in PUBLIC_FIELDS} - told == {"subscriber.fields"}
    assert set(LINKS) <= told
    printed = Site.__dataclass_fields__.keys() - {"words", "timezone"}  # which rendering needs, and no issue prints
    assert {f"newsletter.{name}" for name in printed} <= told


def test_every_slot_of_the_reference_can_be_written_into_an_issue(tmp_path: Path) -> None:
    page = reference("slots")
    slots = sorted(set(re.findall(r"\{\{ [\w.]+ \}\}", page)))
    examples = re.findall(r"^```jinja\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    head = (
        "---\ntitle: All\ndate: 2026-10-08\nnumber: 7\nauthors: [Ana]\ntags: [a]\nhero: a.png\n"
        "hero_alt: A\ncanonical_url: https://example.org/a\nsponsor: The library\n---\n\n"
    )
    run = runner(tmp_path)
    run("init", "--quiet")
    (tmp_path / "issues" / "a.png").write_bytes(saved(drawing()))
    (tmp_path / "issues" / "all.md").write_text(head + "\n\n".join([*slots, *examples]), "utf-8")
    run("subscribers", "add", "ana@example.org", "--first-name", "Ana", "--last-name", "Q", "--field", "city=Nantes",
        "--tag", "member")  # fmt: skip
    text = run("render", "all", "--as", "ana@example.org", "--format", "text")
    assert len(slots) > 20
    assert "Come and see us" not in text
    assert "The assembly is on Friday" in text
    assert "{{" not in text


def segment_rules() -> list[str]:
    page = reference("segments")
    table = re.findall(r"^\| `(.+?)` \|", section(page, "Conditions"), re.MULTILINE)
    return table + re.findall(r"^```text\n(.+?)\n```", page, re.MULTILINE)


@pytest.mark.parametrize("rule", segment_rules())
def test_every_segment_rule_of_the_reference_is_one(rule: str) -> None:
    fields = {"children": Field("children", Kind.NUMBER), "member": Field("member", Kind.BOOLEAN)}
    parse(rule, Vocabulary(typed(fields, {"city", "birthday"}), issues=["2026-10-hello"]))


def test_the_reference_tells_of_every_name_that_a_segment_can_use() -> None:
    told = set(re.findall(r"`(\w+)`", section(reference("segments"), "Names").split(";")[0]))
    assert told == set(NAMES)


def test_the_reference_tells_of_every_column_and_status_of_a_list() -> None:
    page = reference("list-columns")
    assert terms(section(page, "Columns that are known")) == set(COLUMNS)
    assert terms(section(page, "Status")) == set(WORDS_FOR_STATUS)


# ── Themes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LETTER = ROOT / "templates" / "letter"


def test_the_reference_tells_of_every_token_of_the_shipped_theme() -> None:
    told = section(reference("themes"), "theme.toml")
    tokens = tomllib.loads((LETTER / "theme.toml").read_text("utf-8"))
    for table, keys in tokens.items():
        assert f"[{table}" in told, table
        for key in keys:
            assert re.search(rf"`(?:\[{table}\] )?{key}`", told), f"[{table}] {key}"


def test_the_reference_tells_of_every_block_and_of_every_variable_that_its_template_uses() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ?(.*?) ?\|$", section(reference("themes"), "Blocks"), re.MULTILINE))
    blocks = {path.name.removesuffix(".mjml.j2"): path for path in (LETTER / "blocks").glob("*.mjml.j2")}
    # What these take, docs/reference/blocks.md tells; a part and a region have no template of their own.
    rows = {name: "" for name, entry in CATALOGUE.items() if not (entry.inside or entry.form)} | rows
    assert set(rows) == set(blocks)
    everywhere = terms(section(reference("themes"), "Templates"))
    known = {word for row in everywhere for word in re.split(r"\W+", row)}
    for name, path in blocks.items():
        used = undeclared(path)
        told = set(re.findall(r"`(\w+)`", rows[name])) | known | {"line"}
        if name in CATALOGUE:
            taken = (attribute.name for attribute in CATALOGUE[name].attributes)
            told |= {"content", "title", "label", "by", "parts", *taken}
        assert used <= told, f"{name}: {sorted(used - told)}"


@pytest.mark.parametrize("file", ["layout.mjml.j2", "style.css.j2", "text.j2"])
def test_the_reference_tells_of_every_variable_that_a_page_template_uses(file: str) -> None:
    page = section(reference("themes"), "Templates")
    assert undeclared(LETTER / file) <= set(re.findall(r"`(\w+)", page))


def undeclared(path: Path) -> set[str]:
    """The names that a template expects to be given; one that it sets in some branch is its own."""
    from jinja2 import Environment, meta, nodes

    tree = Environment(autoescape=True).parse(path.read_text("utf-8"))
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    return meta.find_undeclared_variables(tree) - own


# ── Dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_dependency_has_its_reason_and_every_reason_its_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    page = (DOCS / "dependencies.md").read_text("utf-8")
    optional = [each for group in project["project"]["optional-dependencies"].values() for each in group]
    for heading, wanted in (
        ("To run", project["project"]["dependencies"]),
        ("To run, if you ask for it", optional),
        ("To develop", project["dependency-groups"]["dev"]),
        ("To compare", project["dependency-groups"]["bench"]),
    ):
        rows = re.findall(r"^\| `([\w.-]+)` \| (.{10,}) \|$", section(page, heading), re.MULTILINE)
        names = [re.split(r"[^\w.-]", each)[0] for each in wanted]
        assert [name for name, _ in rows] == sorted(set(names)), heading
