"""Which package answers to the name `mjml`: the right one, or an error that says how to get it."""

from __future__ import annotations

from importlib.metadata import distribution
from typing import TYPE_CHECKING

import pytest

from newsletter.errors import Refused
from newsletter.render.compiler import compiler
from newsletter.render.mjml import compile_mjml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MJML = "<mjml><mj-body><mj-section /></mj-body></mjml>"


@pytest.fixture(autouse=True)
def first_use() -> Iterator[None]:
    """The compiler is looked for when it is used first; so it is in each of these tests."""
    compiler.cache_clear()
    yield
    compiler.cache_clear()


def install(folder: Path, name: str, version: str) -> None:
    """Describe a distribution as pip would have in this folder."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_the_package_that_has_the_name_alone_is_told_of_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "mjml", "0.11.1")
    monkeypatch.syspath_prepend(tmp_path)
    assert distribution("mjml").version == "0.11.1"
    with pytest.raises(Refused) as refusal:
        compile_mjml(MJML)
    (problem,) = refusal.value.problems
    assert "mjml and mjml-python are both installed" in problem.message
    assert "pip uninstall --yes mjml mjml-python" in (problem.fix or "")


def test_another_package_in_its_place_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mjml", None)
    with pytest.raises(Refused) as refusal:
        compile_mjml(MJML)
    assert "cannot be loaded" in str(refusal.value)
    assert "pip install mjml-python" in str(refusal.value)


def test_packages_with_a_like_name_are_no_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "mjml-stub", "1.0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "not-there"))
    assert "<html" in compile_mjml(MJML)
