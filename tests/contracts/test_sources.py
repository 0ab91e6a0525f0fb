"""Issues on disk are found by the name an author types, and git is asked what it knows of them."""

from __future__ import annotations

import os
import subprocess
import unicodedata
from pathlib import Path

import pytest

from newsletter.errors import IssueError, Problem
from newsletter.sources.git import Revision, revision
from newsletter.sources.issues import find_issue, list_issues, read_issue

TEXT = "---\ntitle: Hello\n---\nText.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of issues as it looks after a year."""
    issues = tmp_path / "issues"
    for name in (
        "2026-09-hello.md",
        "2026-10-été.markdown",
        "2026-11-bundle/index.md",
        "README.md",
        "_ideas.md",
        ".hidden.md",
        "_drafts/index.md",
        "subscribers.csv",
    ):
        path = issues / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT, "utf-8")
    (issues / "2026-09-hello").mkdir()
    (issues / "2026-09-hello" / "cover.png").write_bytes(b"\x89PNG")
    (issues / "folder.md").mkdir()
    return issues


def problem_of(error: pytest.ExceptionInfo[IssueError]) -> Problem:
    (problem,) = error.value.problems
    return problem


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_issue_is_called_by_its_place_below_the_root(folder: Path) -> None:
    issue = read_issue(folder / "2026-09-hello.md", folder.parent)
    assert (issue.path, issue.key, issue.title, issue.body) == (
        "issues/2026-09-hello.md",
        "2026-09-hello",
        "Hello",
        "Text.\n",
    )


def test_without_a_root_the_path_stays_as_it_was_given(folder: Path) -> None:
    assert read_issue(folder / "2026-09-hello.md").path == str(folder / "2026-09-hello.md")
    assert read_issue(folder / "2026-09-hello.md", folder / "elsewhere").path == str(folder / "2026-09-hello.md")


def test_a_mistake_in_an_issue_names_its_file(folder: Path) -> None:
    (folder / "bad.md").write_text("---\ntitle: T\ndate: soon\n---\n")
    with pytest.raises(IssueError) as caught:
        read_issue(folder / "bad.md", folder.parent)
    assert problem_of(caught).place == "issues/bad.md:3:7"


def test_a_missing_file_is_an_error_that_names_the_nearest_one(folder: Path) -> None:
    with pytest.raises(IssueError) as caught:
        read_issue(folder / "2026-09-helo.md", folder.parent)
    assert (
        str(problem_of(caught)) == "issues/2026-09-helo.md: there is no such issue\n  → did you mean '2026-09-hello'?"
    )


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(IssueError) as caught:
        read_issue(tmp_path / "nowhere" / "x.md", tmp_path)
    assert problem_of(caught).fix == f"there is no folder {tmp_path / 'nowhere'}"


def test_a_folder_instead_of_a_file_is_an_error_that_names_the_file(folder: Path) -> None:
    with pytest.raises(IssueError) as caught:
        read_issue(folder / "2026-09-hello", folder.parent)
    problem = problem_of(caught)
    assert problem.message == "this is a folder; an issue is one file"
    assert problem.fix == "name the file: 2026-09-hello.md"


@pytest.mark.parametrize(
    ("content", "place", "message", "fix"),
    [
        (b"a\n\xc3\xa9t\xe9 !", "x.md:2:3", "byte 0xE9", "in Windows-1252 it is 'é'"),
        (b"\xef\xbb\xbfd\x92hiver", "x.md:1:2", "byte 0x92", "in Windows-1252 it is '’'"),
        (b"a\r\nb\rc\n\xe9", "x.md:4:1", "byte 0xE9", "iconv -f WINDOWS-1252 -t UTF-8"),
        ("# Été".encode("utf-16"), "x.md:1:1", "saved as UTF-16", "iconv -f UTF-16 -t UTF-8"),
        ("# Été".encode("utf-16-be"), "x.md:1:6", "byte 0xC9", "saved as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", "x.md:1:1", "byte 0x89", "an issue is a text file"),
        (b"cut \xe2\x80", "x.md:1:5", "byte 0xE2", "in Windows-1252 it is 'â'"),
    ],
)
def test_a_file_that_is_not_utf_8_is_an_error_at_the_first_wrong_byte(
    tmp_path: Path, content: bytes, place: str, message: str, fix: str
) -> None:
    (tmp_path / "x.md").write_bytes(content)
    with pytest.raises(IssueError) as caught:
        read_issue(tmp_path / "x.md", tmp_path)
    problem = problem_of(caught)
    assert problem.place == place
    assert message in problem.message
    assert fix in (problem.fix or "")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert read_issue(tmp_path / "x.md").title == "Hello"


def test_what_is_no_ordinary_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.md")
    with pytest.raises(IssueError, match="not an ordinary file"):
        read_issue(tmp_path / "x.md")


def test_a_film_by_the_name_of_an_issue_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.md").open("wb") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(IssueError, match=r"3,000,000,000 bytes"):
        read_issue(tmp_path / "x.md")


@pytest.mark.parametrize("name", ["a\0b.md", "n" * 300 + ".md"])
def test_a_name_that_no_file_can_have_is_an_error_like_any_other(folder: Path, name: str) -> None:
    with pytest.raises(IssueError):
        read_issue(folder / name)
    with pytest.raises(IssueError):
        find_issue(name, folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error_with_the_reason(folder: Path) -> None:
    (folder / "2026-09-hello.md").chmod(0)
    with pytest.raises(IssueError, match="cannot be read: Permission denied"):
        read_issue(folder / "2026-09-hello.md")


# ── Finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2026-09-hello", "2026-09-hello.md"),
        ("2026-09-hello.md", "2026-09-hello.md"),
        ("2026-09-hello/", "2026-09-hello.md"),
        ("issues/2026-09-hello.md", "2026-09-hello.md"),
        ("issues/2026-09-hello", "2026-09-hello.md"),
        ("issues/2026-09-hello/", "2026-09-hello.md"),
        ("./issues/../issues/2026-09-hello.md", "2026-09-hello.md"),
        ("2026-10-été", "2026-10-été.markdown"),
        (unicodedata.normalize("NFD", "2026-10-été"), "2026-10-été.markdown"),
        ("2026-11-bundle", "2026-11-bundle/index.md"),
        ("issues/2026-11-bundle/", "2026-11-bundle/index.md"),
        ("issues/2026-11-bundle/index.md", "2026-11-bundle/index.md"),
    ],
)
def test_an_issue_is_found_by_its_path_or_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, found: str
) -> None:
    monkeypatch.chdir(folder.parent)
    assert find_issue(name, Path("issues")).resolve() == folder / found
    assert find_issue(name, folder).resolve() == folder / found


def test_an_issue_is_found_by_name_from_any_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_issue("2026-09-hello", folder) == folder / "2026-09-hello.md"
    assert find_issue(str(folder / "2026-09-hello.md"), Path("issues")) == folder / "2026-09-hello.md"


@pytest.mark.parametrize("name", ["hello", "2026-09", "2026-09-hell", "2026-09-helo.md", "issues/2026-09-helo.md"])
def test_a_part_of_a_name_is_never_taken_for_the_whole_one(folder: Path, name: str) -> None:
    with pytest.raises(IssueError) as caught:
        find_issue(name, folder)
    problem = problem_of(caught)
    assert (problem.message, problem.place) == ("there is no such issue", name)
    assert problem.fix == "did you mean '2026-09-hello'?"


def test_a_name_like_no_other_gets_the_list_of_those_that_there_are(folder: Path) -> None:
    with pytest.raises(IssueError) as caught:
        find_issue("zzz", folder)
    assert problem_of(caught).fix == "known are: 2026-09-hello, 2026-10-été, 2026-11-bundle"
    for number in range(20):
        (folder / f"x{number:02}.md").write_text(TEXT)
    with pytest.raises(IssueError) as caught:
        find_issue("zzz", folder)
    assert problem_of(caught).fix == f"the newest issues are: {', '.join(f'x{number}' for number in range(10, 20))}"


def test_in_an_empty_folder_there_is_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(IssueError) as caught:
        find_issue("hello", tmp_path)
    assert problem_of(caught).fix == f"there are no issues in {tmp_path}"
    with pytest.raises(IssueError):
        find_issue("", tmp_path)


def test_the_folder_of_all_issues_is_no_issue(folder: Path) -> None:
    with pytest.raises(IssueError, match="this is a folder"):
        find_issue(str(folder), folder)


# ── Listing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_issues_are_listed_by_name_without_what_only_lies_beside_them(folder: Path) -> None:
    names = [path.relative_to(folder).as_posix() for path in list_issues(folder)]
    assert names == ["2026-09-hello.md", "2026-10-été.markdown", "2026-11-bundle/index.md"]


def test_two_files_of_one_name_are_an_error(folder: Path) -> None:
    (folder / "2026-11-bundle.md").write_text(TEXT)
    with pytest.raises(IssueError) as caught:
        list_issues(folder)
    assert problem_of(caught).message == "2026-11-bundle.md has the name of 2026-11-bundle/index.md"


def test_a_missing_folder_of_issues_is_an_error_that_tells_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(IssueError, match="newsletter init"):
        list_issues(tmp_path / "issues")


# ── Git ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def repository(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository around the folder, that is not committed yet."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    git(folder.parent, "init", "--quiet")
    return folder.parent


def git(where: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_file_goes_from_untracked_to_staged_to_committed_to_changed(repository: Path) -> None:
    path = repository / "issues" / "2026-09-hello.md"
    assert revision(path) == Revision(None, dirty=True, untracked=True)
    git(repository, "add", str(path))
    assert revision(path) == Revision(None, dirty=True, untracked=False)
    git(repository, "commit", "--quiet", "--message", "First")
    commit = git(repository, "rev-parse", "HEAD")
    assert len(commit) == 40
    assert revision(path) == Revision(commit, dirty=False, untracked=False)
    path.write_text(TEXT + "More.")
    assert revision(path) == Revision(commit, dirty=True, untracked=False)
    git(repository, "add", str(path))
    assert revision(path) == Revision(commit, dirty=True, untracked=False)


def test_only_the_file_itself_counts_and_not_its_neighbours(repository: Path) -> None:
    path = repository / "issues" / "[x]*.md"
    path.write_text(TEXT)
    git(repository, "--literal-pathspecs", "add", str(path))
    git(repository, "commit", "--quiet", "--message", "One file")
    state = revision(path)
    assert state is not None
    assert (state.dirty, state.untracked) == (False, False)
    neighbour = revision(repository / "issues" / "2026-09-hello.md")
    assert neighbour is not None
    assert neighbour.untracked


def test_an_ignored_file_is_not_in_git(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.md\n")
    state = revision(repository / "issues" / "2026-09-hello.md")
    assert state == Revision(None, dirty=True, untracked=True)


def test_a_relative_path_and_a_name_like_an_option_are_read_rightly(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "issues")
    Path("--help.md").write_text(TEXT)
    git(repository, "add", "issues")
    git(repository, "commit", "--quiet", "--message", "All")
    for name in ("--help.md", "2026-10-été.markdown", "../issues/2026-09-hello.md"):
        assert revision(Path(name)) == Revision(git(repository, "rev-parse", "HEAD"), dirty=False, untracked=False)


def test_outside_of_a_repository_nothing_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent.parent))
    assert revision(folder / "2026-09-hello.md") is None
    assert revision(folder / "nowhere" / "x.md") is None


def test_without_git_nothing_is_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository / "empty"))
    assert revision(repository / "issues" / "2026-09-hello.md") is None


def test_variables_of_a_hook_do_not_lead_to_another_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    git(other, "commit", "--quiet", "--allow-empty", "--message", "Other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert revision(repository / "issues" / "2026-09-hello.md") == Revision(None, dirty=True, untracked=True)


def test_asking_runs_no_program_of_the_repository_and_writes_nothing(repository: Path) -> None:
    path = repository / "issues" / "2026-09-hello.md"
    git(repository, "add", "issues")
    git(repository, "commit", "--quiet", "--message", "All")
    spy = repository / "spy"
    spy.write_text(f"#!/bin/sh\ntouch '{repository}/was-run'\n")
    spy.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(spy))
    os.utime(path, (1, 1))  # so that a refresh would have something to write
    before = (repository / ".git" / "index").read_bytes()
    assert revision(path) is not None
    assert not (repository / "was-run").exists()
    assert (repository / ".git" / "index").read_bytes() == before


def test_a_revision_is_told_in_words() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert str(Revision(commit, dirty=False, untracked=False)) == "0123456789ab"
    assert str(Revision(commit, dirty=True, untracked=False)) == "0123456789ab, with uncommitted changes"
    assert str(Revision(commit, dirty=True, untracked=True)) == "0123456789ab, not in git"
    assert str(Revision(None, dirty=True, untracked=True)) == "no commit yet, not in git"
