"""The pages about providers: a section for each, the table as the program knows it, and an example that works."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.providers import PROVIDERS, names, provider
from scripts.providers import PAGE, page
from tests.support.api import Api, Call, Reply
from tests.support.author import HELLO, Author, author

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["author"]

EXAMPLE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-provider.md"


def section(name: str) -> str:
    text = PAGE.read_text("utf-8")
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/reference/providers.md has no section {name}"
    return found[1]


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_has_a_section_with_its_key_its_settings_and_its_webhook(name: str) -> None:
    module, told = provider(name), section(name)
    assert not module.KEY_ENV or f"`{module.KEY_ENV}`" in told
    assert set(re.findall(r"^`(\w+)`\n: ", told, re.MULTILINE)) == set(module.SETTINGS)
    for setting in module.SETTINGS.values():
        assert not setting.env or f"`{setting.env}`" in told
    assert "**Webhook.**" in told
    assert re.findall(r"^(\d)\. ", told, re.MULTILINE) == list("12345"), "set-up in five lines"


def test_the_table_says_what_the_program_knows() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run: python -m scripts.providers"


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package of the worked example, installed."""
    text = EXAMPLE.read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (project, _) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    group, name, module = re.search(r'entry-points\."([\w.]+)"\]\n(\w+) = "(\w+)"', project).groups()  # type: ignore[union-attr]
    site = tmp_path / "site"
    about = site / "example_post-1.0.dist-info"
    about.mkdir(parents=True)
    (site / f"{module}.py").write_text(code, "utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: example-post\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n", "utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("EXAMPLE_POST_KEY", "a-key")
    yield
    sys.modules.pop(module, None)


def through_pigeons(author: Author, url: str, loft: str = "south") -> None:
    author.settings('use = "relay"', 'use = "api"')
    with author.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[transports.api]\nkind = "pigeon"\nloft = "{loft}"\nendpoint = "{url}"\nbatch = 10\n')


@pytest.mark.usefixtures("pigeon")
def test_the_worked_example_is_a_provider_like_any_other(author: Author) -> None:
    def answer(call: Call) -> Reply:
        return Reply(
            200,
            [
                {"state": "tired", "why": "5.1.1 no such roof"}
                if each["to"].startswith("reader3@")
                else {"state": "flying"}
                for each in call.json()
            ],
        )

    assert "pigeon" in names()
    author.issue("Hello {{ subscriber.first_name }}.")
    author.readers(25)
    with Api(answer) as api:
        through_pigeons(author, api.url)
        done = author.run("publish", HELLO, "--yes", "--json")
    assert (done.report["accepted"], done.report["rejected"]) == (24, 1), done.err
    assert sorted(len(call.json()) for call in api.calls) == [5, 10, 10]
    assert {call.path for call in api.calls} == {"/lofts/south/letters"}
    assert "by pigeon" in done.err


@pytest.mark.usefixtures("pigeon")
def test_its_settings_are_checked_like_any_other(author: Author) -> None:
    author.issue("Hello.")
    through_pigeons(author, "http://127.0.0.1:9", "sauth")
    refused = author.run("publish", HELLO, "--yes")
    assert refused.code == 3
    assert "loft must be north or south" in refused.err


def test_a_provider_whose_package_is_broken_says_which(
    tmp_path: Path, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "site" / "broken-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text("[newsletter.providers]\npigeon = no_such_module_here\n", "utf-8")
    monkeypatch.syspath_prepend(str(about.parent))
    author.issue("Hello.")
    through_pigeons(author, "http://127.0.0.1:9")
    refused = author.run("publish", HELLO, "--yes")
    assert refused.code == 3
    assert "the provider 'pigeon' cannot be loaded from no_such_module_here" in refused.err
