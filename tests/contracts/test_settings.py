"""Where the configuration is looked for, and where a secret comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from newsletter.config_transports import TransportConfig
from newsletter.errors import ConfigError
from newsletter.sources.settings import find_config, load_config, read_config, read_secret

if TYPE_CHECKING:
    from pathlib import Path

TITLE = '[newsletter]\ntitle = "{}"\n'
RELAY = TransportConfig("relay", "smtp", host="mail.example.org", username="ana")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_file_is_found_in_the_folder_or_in_the_nearest_one_above(tmp_path: Path) -> None:
    outer = write(tmp_path / "newsletter.toml", "")
    inner = write(tmp_path / "letters" / "newsletter.toml", "")
    deep = tmp_path / "letters" / "issues" / "2026"
    deep.mkdir(parents=True)
    assert find_config(deep, None, {}) == inner
    inner.unlink()
    assert find_config(deep, None, {}) == outer


def test_a_pyproject_counts_only_when_it_speaks_of_the_newsletter(tmp_path: Path) -> None:
    outer = write(tmp_path / "pyproject.toml", "[tool.newsletter]\nlanguage = 'fr'\n")
    inner = write(tmp_path / "site" / "pyproject.toml", "[tool.ruff]\n")
    assert find_config(inner.parent, None, {}) == outer
    for text in ("tool = 1", "newsletter = [", "\xff" * 9, "[tool]\nnewsletter = {}\n"):
        write(inner, text)
        assert find_config(inner.parent, None, {}) == (inner if "{}" in text else outer)


def test_a_broken_pyproject_of_ours_is_reported_rather_than_passed_by(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.newsletter]\ntitle = La lettre\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml:2"):
        load_config(tmp_path, None, {})


def test_newsletter_toml_comes_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.newsletter]\n")
    ours = write(tmp_path / "newsletter.toml", "")
    assert find_config(tmp_path, None, {}) == ours


def test_the_option_comes_before_the_variable_and_the_variable_before_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "newsletter.toml", TITLE.format("folder"))
    write(tmp_path / "other" / "a.toml", TITLE.format("variable"))
    option = write(tmp_path / "other" / "b.toml", TITLE.format("option"))
    environ = {"NEWSLETTER_CONFIG": "other/a.toml"}
    assert load_config(tmp_path, None, {}).title == "folder"
    assert load_config(tmp_path, None, environ).title == "variable"
    assert load_config(tmp_path, option, environ).title == "option"
    assert load_config(tmp_path, option.relative_to(tmp_path), environ).folder == option.parent


def test_no_file_at_all_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="newsletter init") as refusal:
        find_config(tmp_path, None, {})
    assert str(tmp_path) in str(refusal.value)


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "newsletter.toml", "")
    missing = tmp_path / "none.toml"
    for explicit, environ in ((missing, {}), (None, {"NEWSLETTER_CONFIG": str(missing)})):
        with pytest.raises(ConfigError, match=r"none\.toml: there is no such file"):
            load_config(tmp_path, explicit, environ)


def test_a_folder_instead_of_a_file_is_refused_with_the_likely_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a folder, not a file\n.*newsletter\.toml"):
        load_config(tmp_path, tmp_path, {})


def test_a_file_of_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.toml"
    path.write_bytes('[newsletter]\ntitle = "été"\n'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"newsletter\.toml:2: this is not UTF-8"):
        read_config(path)


def test_the_mark_that_some_editors_put_first_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TITLE.format("x").replace("\n", "\r\n").encode())
    assert read_config(path).title == "x"


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "newsletter.toml", "")
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        read_config(path / "newsletter.toml")


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_comes_from_the_variable_or_from_the_first_line_of_the_file(tmp_path: Path) -> None:
    by_variable = replace(RELAY, password_env="SMTP_PASSWORD")
    by_file = replace(RELAY, password_file=write(tmp_path / "secret", "pass word \r\nnotes\n"))
    for transport, value in ((by_variable, "geheim"), (by_file, "pass word ")):
        secret = read_secret(transport, {"SMTP_PASSWORD": "geheim"})
        assert secret
        assert secret.reveal() == value


def test_nobody_logs_in_without_a_username() -> None:
    assert read_secret(replace(RELAY, username="", password_env="SMTP_PASSWORD"), {}) is None


def test_a_variable_that_is_not_set_is_refused_by_name() -> None:
    for environ in ({}, {"SMTP_PASSWORD": ""}):
        with pytest.raises(ConfigError, match="'relay' takes its password from the variable SMTP_PASSWORD") as refusal:
            read_secret(replace(RELAY, password_env="SMTP_PASSWORD"), environ)
        assert refusal.value.problems[0].fix


def test_a_secret_file_that_is_missing_or_empty_is_refused_by_name(tmp_path: Path) -> None:
    transport = replace(RELAY, password_file=tmp_path / "secret")
    with pytest.raises(ConfigError, match="secret: there is no such file"):
        read_secret(transport, {})
    write(tmp_path / "secret", "\ngeheim")
    with pytest.raises(ConfigError, match="first line is empty") as refusal:
        read_secret(transport, {})
    assert "geheim" not in str(refusal.value)
