"""newsletter preview: who may talk to it, what it says as JSON, and what a snapshot leaves behind."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from ruamel.yaml import YAML

from newsletter.finding import Spot
from newsletter.manuscript import Image, Link, Passage, Survey
from newsletter.preview.difference import hunks
from newsletter.preview.places import MARK, marked, nearest, places
from newsletter.preview.watching import matters
from newsletter.preview.weights import CLIPPED, weights
from tests.support.author import HELLO, Author
from tests.support.previewed import EVENING, HEAD, previewed, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.preview.server import Preview

WORKFLOW = Path(__file__).parents[2] / "docs" / "examples" / "newsletter.yml"


@pytest.fixture
def preview(author: Author) -> Iterator[Preview]:
    author.issue(EVENING, head=HEAD)
    author.reader("zoe@example.org", first_name="Zoé", tags=("member",))
    author.reader("max@example.org", first_name="Maximilian-Ferdinand")
    with previewed(author) as running:
        yield running


def mail_of(preview: Preview) -> str:
    """Where the mail's own origin is, as the page says."""
    found = re.search(r'data-mail="([^"]+)"', requests.get(preview.url, timeout=10).text)
    assert found
    return found[1]


# ── Who may talk to it


def test_only_the_whole_address_opens_it_and_only_by_a_name_of_this_machine(preview: Preview) -> None:
    for url in (preview.url, f"{mail_of(preview)}/mail"):
        host = url.split("/")[2]
        assert requests.get(url, timeout=10).status_code == 200
        assert requests.get(f"http://{host}/", timeout=10).status_code == 403
        assert requests.get(re.sub(r"(//[^/]+)/[^/]+", r"\1/guessed", url), timeout=10).status_code == 403
        foreign = requests.get(url, headers={"Host": f"evil.example.org:{host.partition(':')[2]}"}, timeout=10)
        assert foreign.status_code == 421
        assert "An evening" not in foreign.text


def test_the_token_of_the_mail_does_not_open_the_page(preview: Preview) -> None:
    token = mail_of(preview).rpartition("/")[2]
    host = preview.url.split("/")[2]
    assert requests.get(f"http://{host}/{token}/state", timeout=10).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example.org"}],
)
def test_no_other_page_can_send_a_test(author: Author, preview: Preview, headers: dict[str, str]) -> None:
    answer = requests.post(f"{preview.url}test", json={"to": "me@example.org"}, headers=headers, timeout=10)
    assert answer.status_code == 403
    assert requests.get(f"{preview.url}test", timeout=10).status_code == 404


def test_the_mail_is_served_in_a_sandbox_without_scripts_and_with_images_from_here_only(preview: Preview) -> None:
    policy = requests.get(f"{mail_of(preview)}/mail", timeout=10).headers["Content-Security-Policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert "allow-scripts" not in rules["sandbox"]
    assert rules["img-src"].split() == [f"{mail_of(preview)}/pictures/", "data:"]
    assert rules["form-action"] == "'none'"
    remote = requests.get(f"{mail_of(preview)}/mail?remote=on", timeout=10).headers["Content-Security-Policy"]
    assert "https:" in remote


def test_the_page_runs_its_own_scripts_only_and_nobody_frames_it(preview: Preview) -> None:
    headers = requests.get(preview.url, timeout=10).headers
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    for path in ("../__init__.py", "page.html.j2", "..%2f__init__.py"):
        assert requests.get(f"{preview.url}{path}", timeout=10).status_code in {403, 404}


def test_a_port_that_is_taken_is_told(author: Author) -> None:
    author.issue()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = author.run("preview", HELLO, "--port", port, "--no-open")
    assert answer.code == 3
    assert f"port {port} on 127.0.0.1 is in use" in answer.err


def test_a_misspelt_issue_is_told_at_once_with_the_nearest_name(author: Author) -> None:
    author.issue()
    answer = author.run("preview", "2026-11-helo", "--no-open")
    assert (answer.code, answer.out) == (3, "")
    assert "did you mean '2026-11-hello'?" in answer.err


def test_it_ends_with_ctrl_c_and_says_where_it_is(author: Author) -> None:
    author.issue()
    with author.start("preview", "--no-open", under="interruptible") as process:
        assert process.stdout
        line = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{20,}/", line)
        assert url
        assert requests.get(url[0], timeout=10).status_code == 200
        process.terminate()
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


# ── What it shows


def test_the_state_has_the_findings_with_their_lines_and_whether_the_mail_shows_them(preview: Preview) -> None:
    found = state(preview)
    assert found["problems"] == []
    first = found["findings"][0]
    assert (first["rule"], first["line"], first["shown"]) == ("link-empty", 8, True)
    assert first["source"].startswith("We met at [ESTIM]()")
    assert {each["href"] for each in found["links"]} >= {"http://example.org/report", "https://example.org/all"}
    assert sum(each["octets"] for each in found["weights"]) == found["html_octets"]
    assert [each["content_type"] for each in found["parts"]] == ["text/plain", "text/html"]
    assert {each["program"] for each in found["inbox"]} >= {"Gmail on a desk", "Outlook on Windows"}


def test_it_is_shown_as_anybody(preview: Preview) -> None:
    assert "Hello there," in state(preview)["text"]
    assert "Hello Zoé," in state(preview, **{"as": "zoe@example.org"})["text"]
    assert "Members get" in state(preview, **{"as": "zoe@example.org"})["text"]
    assert "Hello Maximilian-Ferdinand," in state(preview, **{"as": "longest"})["text"]
    for value, label in state(preview)["offered"]:
        if value.startswith("branch-"):
            wanted = "Become a member." if "else" in label else "Members get the minutes."
            assert wanted in state(preview, **{"as": value})["text"], label


def test_whom_the_issue_would_reach_is_known_anew_when_the_list_has_changed(author: Author) -> None:
    author.issue("You live in {{ subscriber.fields.city }}.\n", head=HEAD)
    author.reader("zoe@example.org", fields={"city": "Metz"})

    def lacking(preview: Preview) -> list[str]:
        preview.studio.refresh()
        return [each["message"] for each in state(preview)["findings"] if each["rule"] == "field-missing"]

    with previewed(author) as preview:
        assert lacking(preview) == []
        author.reader("max@example.org")
        assert lacking(preview) == ["1 of 2 recipients have no fields.city"]
        author.reader("ida@example.org")
        assert lacking(preview) == ["2 of 3 recipients have no fields.city"]


def test_somebody_who_is_not_on_the_list_is_a_problem_on_the_page(preview: Preview) -> None:
    (problem,) = state(preview, **{"as": "nobody@example.org"})["problems"]
    assert problem["message"] == "nobody@example.org is not on the list"


@pytest.mark.parametrize(("words", "found"), [("zo", ["zoe@example.org"]), ('"', []), ("", []), ("%", [])])
def test_the_list_is_searched_by_a_part_of_a_name_or_an_address(preview: Preview, words: str, found: list[str]) -> None:
    answer = requests.get(f"{preview.url}people", params={"q": words}, timeout=10).json()
    assert [each["email"] for each in answer["people"]] == found


def test_an_editor_gets_the_whole_path_and_the_line(author: Author) -> None:
    path = author.issue(EVENING, head=HEAD)
    with previewed(author, editor="vscode://file/{path}:{line}") as preview:
        assert state(preview)["findings"][0]["editor"] == f"vscode://file/{path}:8"


def test_a_broken_issue_from_the_start_is_told_and_the_page_waits(author: Author) -> None:
    author.issue("{{ subscriber.frist_name }}\n")
    with previewed(author) as preview:
        (problem,) = state(preview)["problems"]
        assert (problem["line"], problem["source"]) == (5, "{{ subscriber.frist_name }}")
        assert "Nothing to show yet." in requests.get(f"{mail_of(preview)}/mail", timeout=10).text


def test_a_test_that_cannot_be_sent_says_why(preview: Preview) -> None:
    wrong = requests.post(f"{preview.url}test", json={"to": "nobody"}, timeout=10)
    assert wrong.status_code == 422
    assert "nobody" in wrong.json()["problem"] or "@" in wrong.json()["problem"]
    assert requests.post(f"{preview.url}test", data=b"[]", timeout=10).status_code == 400
    assert requests.post(f"{preview.url}test", data=b"x" * 5000, timeout=10).status_code == 413


def test_the_code_for_telephones_is_there_with_lan_only(author: Author, preview: Preview) -> None:
    assert requests.get(f"{preview.url}phone.svg", timeout=10).status_code == 404
    assert preview.phone == ""
    with previewed(author, lan=True) as shared:
        code = requests.get(f"{shared.url}phone.svg", timeout=10)
        assert code.headers["Content-Type"] == "image/svg+xml"
        assert shared.url.startswith("http://127.0.0.1:")  # the page itself stays here


def test_the_network_is_shown_nobody_of_the_list(author: Author) -> None:
    author.issue(EVENING, head=HEAD)
    author.reader("zoe@example.org", first_name="Zoé")
    with previewed(author, lan=True) as preview:
        asked = {"as": "zoe@example.org"}
        assert "Hello Zoé," in requests.get(f"{mail_of(preview)}/mail", params=asked, timeout=10).text
        assert "Hello there," in requests.get(f"{preview.phone}mail", params=asked, timeout=10).text


def test_an_image_that_is_missing_is_a_finding_and_no_test_goes_out_without_it(author: Author) -> None:
    author.issue("![The choir](choir.jpg)\n", head=HEAD)
    with previewed(author) as preview:
        assert state(preview)["findings"][0]["rule"] == "readable"
        answer = requests.post(f"{preview.url}test", json={"to": "me@example.org"}, timeout=10)
    assert answer.status_code == 422
    assert "choir.jpg" in answer.json()["problem"]


# ── Which files matter


@pytest.mark.parametrize(
    ("name", "does"),
    [
        ("issues/2026-11-hello.md", True),
        ("issues/photo.png", True),
        ("newsletter.toml", True),
        ("words.txt", True),
        ("issues/.2026-11-hello.md.swp", False),
        ("issues/4913", False),
        ("issues/hello.md~", False),
        ("newsletter.db-wal", False),
        ("notes.txt", False),
    ],
)
def test_what_editors_and_databases_leave_behind_is_no_reason_to_render(tmp_path: Path, name: str, does: bool) -> None:
    assert matters(tmp_path / name, tmp_path / "newsletter.toml") is does


# ── Places and weights

HTML = (
    "<html><head><style>p{}</style></head><body><h2>A&nbsp;walk</h2><p>We <b>met</b> in <a href='https://example.org/'>"
    "Metz</a>.</p><p>Dear Zoé, welcome</p><img src='cid:1' alt='The choir'></body></html>"
)
SURVEY = Survey(
    links=(Link("https://example.org/", "Metz", Spot("a.md", 5, 12)), Link("", "gone", Spot("a.md", 9, 1))),
    images=(Image("choir.jpg", "The choir", Spot("a.md", 8, 1)),),
    passages=(
        Passage("A walk", Spot("a.md", 4), "heading"),
        Passage("We met in Metz.", Spot("a.md", 5)),
        Passage("Dear {{ subscriber.first_name }}, welcome", Spot("a.md", 7)),
        Passage("Only for others", Spot("a.md", 9)),
    ),
)


@pytest.mark.parametrize(
    ("line", "column", "begins"),
    [(4, 0, "<h2"), (5, 0, "<p"), (5, 12, "<a"), (6, 0, "<p"), (7, 0, "<p"), (8, 1, "<img"), (9, 0, "<img")],
)
def test_a_line_of_the_file_leads_to_the_element_that_shows_it(line: int, column: int, begins: str) -> None:
    place = nearest(places(HTML, SURVEY), "a.md", line, column)
    assert place
    assert HTML[place.start :].startswith(begins)
    assert f'{begins} id="{MARK}"' in marked(HTML, place)


def test_what_stands_above_the_first_element_or_in_another_file_has_no_place() -> None:
    assert nearest(places(HTML, SURVEY), "a.md", 3) is None
    assert nearest(places(HTML, SURVEY), "b.md", 5) is None


def test_weights_add_up_to_the_document_and_say_what_gmail_cuts_off() -> None:
    long = HTML.replace("welcome", "welcome" + "!" * CLIPPED)
    found = weights(long, places(long, SURVEY))
    assert sum(each.octets for each in found) == len(long.encode())
    assert [each.is_shown for each in found][-1] is False
    assert max(found, key=lambda each: each.octets).line == 7


def test_a_difference_shows_what_went_and_what_came_with_what_is_around() -> None:
    (hunk,) = hunks("a\nb\nc\nd\n", "a\nB\nc\nd\n")
    assert [line.sign + line.text for line in hunk.lines] == [" a", "-b", "+B", " c", " d"]
    assert hunks("same", "same") == ()


# ── Snapshots


def kept_in_git(author: Author) -> None:
    author.issue(EVENING, head=HEAD)
    author.git("init", "--quiet", "--initial-branch", "main")
    author.git("add", "issues", "newsletter.toml")
    author.git("commit", "--quiet", "-m", "Begin")


def without_chromium(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Only git is installed."""
    git = shutil.which("git")
    assert git
    folder.mkdir()
    (folder / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(folder))


def test_a_snapshot_without_chromium_says_so_and_writes_html(
    author: Author, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    author.issue(EVENING, head=HEAD)
    without_chromium(monkeypatch, tmp_path / "bin")
    answer = author.run("preview", HELLO, "--snapshot", "review")
    assert answer.code == 0
    assert "No Chromium was found" in answer.err + answer.out
    names = {path.name for path in (author.folder / "review").iterdir()}
    assert {"index.html", "phone-320.html", "dark.html", "web.html", "text.txt", "summary.md"} <= names
    assert not [name for name in names if name.endswith(".png")]
    assert "default-src 'none'" in (author.folder / "review" / "dark.html").read_text("utf-8")


def test_a_snapshot_tells_what_changed_since_a_revision(
    author: Author, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept_in_git(author)
    without_chromium(monkeypatch, tmp_path / "bin")
    author.issue(EVENING.replace("long", "short"), head=HEAD)
    assert author.run("preview", HELLO, "--snapshot", "review", "--against", "main").code == 0
    page = (author.folder / "review" / "index.html").read_text("utf-8")
    assert "<del>- It was a long evening. TODO: the names.</del>" in page
    assert "<ins>+ It was a short evening. TODO: the names.</ins>" in page
    assert "changed in 1 place." in (author.folder / "review" / "summary.md").read_text("utf-8")
    author.issue(EVENING, name="2026-12-next", head=HEAD)
    assert author.run("preview", "2026-12-next", "--snapshot", "review", "--against", "main").code == 0
    assert "New since `main`." in (author.folder / "review" / "summary.md").read_text("utf-8")


@pytest.mark.parametrize("revision", ["nowhere", "--output=stolen.tar"])
def test_a_revision_that_git_does_not_have_is_refused(author: Author, revision: str) -> None:
    kept_in_git(author)
    answer = author.run("preview", HELLO, "--snapshot", "review", f"--against={revision}")
    assert answer.code == 3
    assert f"git has no {revision!r}" in answer.err
    assert not (author.folder / "stolen.tar").exists()


def test_against_needs_a_snapshot(author: Author) -> None:
    author.issue()
    assert author.run("preview", HELLO, "--against", "main").code == 2


@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium")
def test_a_picture_shows_the_whole_mail_and_no_more(author: Author, tmp_path: Path) -> None:
    from PIL import Image as Pictures

    from newsletter.preview.camera import camera, photograph

    page = tmp_path / "page.html"
    page.write_text('<body style="margin:0"><div style="height:700px;background:#369"></div>', "utf-8")
    program = camera()
    assert program
    photograph(program, page, tmp_path / "page.png", 320)
    with Pictures.open(tmp_path / "page.png") as picture:
        assert picture.size == (320, 724)


# ── The workflow of the documentation


def commands_of(job: str) -> list[dict[str, Any]]:
    workflow = YAML(typ="safe").load(WORKFLOW.read_text("utf-8"))
    return [step for step in workflow["jobs"][job]["steps"] if "run" in step and step["name"] != "Install"]


def test_the_commands_of_the_workflow_check_render_comment_and_publish(author: Author, tmp_path: Path) -> None:
    kept_in_git(author)
    before = author.git("rev-parse", "HEAD")
    origin = tmp_path / "origin.git"
    author.git("clone", "--quiet", "--bare", ".", str(origin))
    author.git("remote", "add", "origin", str(origin))
    author.git("fetch", "--quiet", "origin")
    author.git("switch", "--quiet", "--create", "next")
    author.issue("It is raining.\n", name="2026-12-rain", head='title: "Rain"\npreheader: "More of it"\nstatus: ready')
    author.git("add", "issues")
    author.git("commit", "--quiet", "-m", "Write of the rain")
    author.reader("zoe@example.org")
    after = author.git("rev-parse", "HEAD")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh", "bash", "xargs", "cat", "cp", "mkdir", "basename", "dirname", "grep", "test", "env"):
        found = shutil.which(name)
        assert found, name
        (programs / name).symlink_to(found)
    (programs / "gh").write_text('#!/bin/sh\necho "$@" >> gh.log\ncase "$*" in *--edit-last*) exit 1;; esac\n', "utf-8")
    (programs / "gh").chmod(0o755)
    (programs / "newsletter").write_text(f'#!/bin/sh\nexec {sys.executable} -m newsletter "$@"\n', "utf-8")
    (programs / "newsletter").chmod(0o755)
    source = Path(__file__).parents[2] / "src"
    environment = {
        "PATH": str(programs),
        "PYTHONPATH": str(source),
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "BASE": "origin/main",
        "NUMBER": "7",
        "REPOSITORY": "camille/letter",
        "GITHUB_WORKSPACE": str(author.folder),
        "NEWSLETTER_HOME": str(author.folder),
        "BEFORE": before,
        "AFTER": after,
    }

    def run(job: str) -> str:
        said = ""
        environment["RUNNER_TEMP"] = str(tmp_path / f"runner{len(list(tmp_path.iterdir()))}")  # a new one each time
        for step in commands_of(job):
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", step["run"]],
                cwd=author.folder, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"
            said += done.stdout
        return said

    run("review")
    assert (author.folder / "changed.txt").read_text("utf-8") == "issues/2026-12-rain.md\n"
    comment = (author.folder / "comment.md").read_text("utf-8")
    assert "### Rain" in comment
    assert "newsletter-pictures/7/2026-12-rain/phone-390.png" in comment
    assert "pr comment 7" in (author.folder / "gh.log").read_text("utf-8")
    kept = subprocess.run(
        ["git", "-C", origin, "ls-tree", "-r", "--name-only", "newsletter-pictures"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "7/2026-12-rain/index.html" in kept.stdout.splitlines()
    assert "issues/2026-12-rain.md" not in kept.stdout
    run("review")  # a second push to the same pull request
    with author.inbox() as inbox:
        run("publish")
        assert [message.recipients for message in inbox.wait(1)] == [("zoe@example.org",)]
