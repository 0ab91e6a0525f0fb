"""A newsletter's first minutes: `newsletter init` and `newsletter new`."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.cli import main
from newsletter.cli.new import front_matter, next_number, short_slug, write_new
from newsletter.issue import parse_issue
from newsletter.sources.issues import list_issues, read_issue
from newsletter.sources.settings import read_config
from newsletter.sources.themes import read_theme, shipped_templates, theme_folder, theme_names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def letter(folder: Path) -> Path:
    """A newsletter in the current folder, without its first issue."""
    assert main(["init", "--quiet"]) == 0
    for path in list_issues(folder / "issues"):
        path.unlink()
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ── init ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_init_makes_a_newsletter_that_is_ready_to_send(folder: Path) -> None:
    assert main(["init", "my-letter"]) == 0
    made = files_in(folder / "my-letter")
    issue = f"issues/{date.today():%Y-%m}-hello.md"
    assert set(made) == {"newsletter.toml", issue, ".gitignore"}
    config = read_config(folder / "my-letter" / "newsletter.toml")
    assert config.problems_before_sending() == ()
    assert (config.title, config.language, config.sender.email) == ("My letter", "en", "newsletter@example.org")
    assert not re.search("@[A-Z]+@", " ".join(content.decode() for content in made.values()))


def test_what_stands_in_the_first_configuration_as_a_comment_is_right_once_the_marks_are_taken_away(
    letter: Path,
) -> None:
    file = letter / "newsletter.toml"
    text = file.read_text(encoding="utf-8")
    settings = re.sub(r"^# (?=\[|[a-z_]+ = )", "", text, flags=re.MULTILINE)
    assert settings != text
    file.write_text(settings, encoding="utf-8")
    config = read_config(file)
    assert config.chosen_transport("provider").password_env
    assert config.limits.daily
    assert config.limits.groups["orange"].in_flight
    assert config.sender.bounces


def test_the_first_configuration_sends_to_the_mailbox_on_this_machine(letter: Path) -> None:
    relay = read_config(letter / "newsletter.toml").chosen_transport()
    assert (relay.kind, relay.host, relay.port, relay.security, relay.username) == (
        "smtp",
        "127.0.0.1",
        2525,
        "none",
        "",
    )


@pytest.mark.parametrize(
    ("language", "name", "greeting"), [("en", "hello", "Hello"), ("fr", "bonjour", "Bonjour"), ("de", "hello", "Hello")]
)
def test_the_first_issue_is_ready_to_read(folder: Path, language: str, name: str, greeting: str) -> None:
    assert main(["init", "--language", language]) == 0
    (path,) = list_issues(folder / "issues")
    issue = read_issue(path)
    assert path.name == f"{date.today():%Y-%m}-{name}.md"
    assert not issue.is_draft
    assert issue.date == date.today()
    assert issue.language == language
    assert issue.body.lstrip().startswith(f"{greeting} {{{{ subscriber.first_name | default(")
    assert f"`issues/{path.name}`" in issue.body


def test_init_says_what_it_made_and_what_comes_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "my-letter"]) == 0
    told = capsys.readouterr()
    issue = f"issues/{date.today():%Y-%m}-hello.md"
    assert [line.split()[0] for line in told.out.splitlines()] == ["Made", "newsletter.toml", issue, ".gitignore"]
    steps = [line.split("   ")[0].strip() for line in told.err.splitlines() if line.startswith("  ")]
    assert steps == [
        "cd my-letter",
        f"newsletter preview {issue}",
        "newsletter inbox",
        "newsletter subscribers add you@example.org",
        f"newsletter publish {issue}",
    ]


def test_init_in_the_current_folder_needs_no_cd(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert "cd " not in capsys.readouterr().err


def test_a_quiet_init_says_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_second_init_changes_nothing_and_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    before = files_in(folder)
    capsys.readouterr()
    assert main(["init", "--title", "Another", "--language", "fr"]) == 0
    assert files_in(folder) == before
    assert capsys.readouterr().out.splitlines()[0] == "Left as it was in this folder:"


def test_init_leaves_every_file_of_the_author_as_it_is(folder: Path) -> None:
    mine = {"newsletter.toml": b"[newsletter]\nissues = 'letters'\nlanguage = 'fr'\n", ".gitignore": b"*.pdf\n"}
    for name, content in mine.items():
        (folder / name).write_bytes(content)
    assert main(["init"]) == 0
    after = files_in(folder)
    assert {name: after[name] for name in mine} == mine
    assert set(after) - set(mine) == {f"letters/{date.today():%Y-%m}-bonjour.md"}


def test_init_adds_no_issue_where_there_are_some(folder: Path) -> None:
    (folder / "issues").mkdir()
    (folder / "issues" / "2020-01-old.md").write_text("---\ntitle: Old\n---\n")
    assert main(["init"]) == 0
    assert [path.name for path in list_issues(folder / "issues")] == ["2020-01-old.md"]


def test_init_beside_a_pyproject_of_ours_makes_no_second_configuration(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.newsletter]\ntitle = 'x'\n")
    assert main(["init"]) == 0
    assert not (folder / "newsletter.toml").exists()


def test_a_gitignore_that_would_let_the_list_into_git_is_pointed_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".gitignore").write_text("outbox\n/inbox\n.env\n")
    assert main(["init"]) == 0
    assert "add the lines: newsletter.db*\n" in capsys.readouterr().err
    (folder / ".gitignore").write_text("outbox/\ninbox/\n.env\nnewsletter.db*\n")
    assert main(["init"]) == 0
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "title"),
    [("la-lettre", "La lettre"), ("été_à  Nantes", "Été à Nantes"), ("IBM", "IBM"), ("---", "My letter")],
)
def test_the_title_is_the_folders_unless_given(folder: Path, name: str, title: str) -> None:
    assert main(["init", "-q", "--", name]) == 0
    assert read_config(folder / name / "newsletter.toml").title == title


one_line = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1).filter(str.strip)


@given(title=one_line)
def test_any_title_survives_the_way_into_the_configuration(
    title: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("letter")
    assert main(["init", str(folder), "-q", f"--title={title}"]) == 0
    config = read_config(folder / "newsletter.toml")
    assert (config.title, config.sender.name) == (title.strip(), title.strip())


def test_a_theme_is_copied_to_be_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--with-templates"]) == 0
    copied, shipped = files_in(folder / "templates" / "letter"), files_in(shipped_templates() / "letter")
    assert {**copied, "theme.toml": b""} == {**shipped, "theme.toml": b""}
    told = capsys.readouterr().out
    assert "templates/letter/" in told
    # Errors in templates point to it.
    assert "templates/README.md" in told
    assert "What every file receives" in (folder / "templates" / "README.md").read_text("utf-8")
    config = read_config(folder / "newsletter.toml")
    assert theme_folder("letter", config.templates) == folder / "templates" / "letter"


@pytest.mark.parametrize("name", theme_names(shipped_templates()))
def test_a_copied_theme_looks_as_it_did_and_gets_what_it_lacks_from_the_shipped_one(folder: Path, name: str) -> None:
    assert main(["init", "--with-templates", name]) == 0
    own, shipped = read_theme(name, folder / "templates"), read_theme(name)
    assert own.folder == f"templates/{name}"
    assert own.look == shipped.look
    assert own.inherits == "letter"
    (folder / "templates" / name / "style.css.j2").unlink()
    assert "style.css.j2" in read_theme(name, folder / "templates").files


def test_a_copied_theme_that_was_changed_stays_changed(folder: Path) -> None:
    assert main(["init", "--with-templates", "letter"]) == 0
    tokens = folder / "templates" / "letter" / "theme.toml"
    tokens.write_text("# mine\n")
    assert main(["init", "--with-templates", "letter"]) == 0
    assert tokens.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("init --language french", 2, 'write "fr"'),
        ("init --sender-email ana", 2, "no email address"),
        ("init --title=", 2, "must not be empty"),
        ("init --with-templates ../letter", 2, "a name, not a path"),
        ("init --with-templates leter", 3, "did you mean 'letter'?"),
        (
            "init --with-templates my-news",
            3,
            "For a newsletter in a folder of that name: newsletter init my-news --with",
        ),
        ("init --with-templates .", 2, "newsletter init . --with-templates"),
        ("init file", 3, "this is a file"),
        ("init file/letter", 3, "cannot be made"),
    ],
)
def test_an_init_that_cannot_be_is_refused_and_makes_nothing(
    folder: Path, arguments: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").write_text("")
    assert main(arguments.split()) == code
    assert message in capsys.readouterr().err
    assert files_in(folder) == {"file": b""}


def test_init_over_a_broken_configuration_tells_its_mistakes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "newsletter.toml").write_text("[newsletter]\ntitel = 'x'\n")
    assert main(["init"]) == 3
    assert "newsletter.toml:2:1: [newsletter] has no key 'titel'" in capsys.readouterr().err
    assert set(files_in(folder)) == {"newsletter.toml"}


# ── new ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_new_makes_a_dated_draft_and_prints_its_path(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "L'été à Nantes !"]) == 0
    printed = Path(capsys.readouterr().out.strip())
    assert printed == Path("issues") / f"{date.today():%Y-%m}-l-ete-a-nantes.md"
    issue = read_issue(printed)
    assert (issue.title, issue.date, issue.number) == ("L'été à Nantes !", date.today(), None)
    assert issue.is_draft
    assert issue.body.strip()


def test_new_never_takes_the_name_of_another_issue(letter: Path) -> None:
    for _ in range(3):
        assert main(["new", "Hello", "-q"]) == 0
    month = f"{date.today():%Y-%m}"
    names = {path.name for path in list_issues(letter / "issues")}
    assert names == {f"{month}-hello.md", f"{month}-hello-2.md", f"{month}-hello-3.md"}


def test_new_counts_on_where_issues_have_numbers(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (letter / "issues" / "a.md").write_text("---\ntitle: A\nnumber: 9\n---\n")
    (letter / "issues" / "b.md").write_text("+++\nnumber = 11 # eleven\n+++\nnumber: 99\n")
    (letter / "issues" / "c.md").write_bytes(b"---\ntitle: [broken\nnumber: 10\n\xff")
    assert main(["new", "Next"]) == 0
    assert read_issue(Path(capsys.readouterr().out.strip())).number == 12


@pytest.mark.parametrize(
    ("beginnings", "number"),
    [
        ([], None),
        (["---\ntitle: x"], None),
        (["---\nnumber: 1", "---\nnumber: '7'", "---\nnumbers: 9", "---\n  number: 8"], 8),
        (["+++\nnumber = 3 # three"], 4),
    ],
)
def test_the_next_number_is_one_more_than_the_highest(beginnings: list[str], number: int | None) -> None:
    assert next_number(beginnings) == number


def test_new_begins_with_the_skeleton_of_the_theme_in_the_language(
    letter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theme = letter / "templates" / "interview"
    theme.mkdir(parents=True)
    (theme / "theme.toml").write_text("")
    (theme / "skeleton.md").write_text("A question?\n", "utf-8")
    (theme / "skeleton.fr.md").write_text("Une question ?\n", "utf-8")
    for language, body in (("fr-CA", "Une question ?\n"), ("de", "A question?\n")):
        assert main(["new", "Ana", "--theme", "interview", "--language", language]) == 0
        issue = read_issue(Path(capsys.readouterr().out.strip()))
        assert (issue.body.lstrip(), issue.theme, issue.language) == (body, "interview", language)


@pytest.mark.parametrize(
    ("own", "language", "beginning"),
    [
        ({}, "fr", "Bonjour {{"),
        ({}, "en", "Hello {{"),
        ({"skeleton.md": "Cher ami,\n"}, "fr", "Cher ami,"),
        ({"skeleton.fr.md": "Cher ami,\n"}, "fr", "Cher ami,"),
        ({"skeleton.md": "Dear friend,\n", "skeleton.fr.md": "Cher ami,\n"}, "fr", "Cher ami,"),
    ],
)
def test_a_theme_inherits_the_skeleton_that_it_does_not_have(
    letter: Path, own: dict[str, str], language: str, beginning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    theme = letter / "templates" / "mine"
    theme.mkdir(parents=True)
    for name, text in {"theme.toml": '[theme]\ninherits = "letter"\n', **own}.items():
        (theme / name).write_text(text, "utf-8")
    assert main(["new", "Ana", "--theme", "mine", "--language", language]) == 0
    assert read_issue(Path(capsys.readouterr().out.strip())).body.lstrip().startswith(beginning)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", theme_names(shipped_templates()))
def test_every_theme_begins_with_something_of_its_own_that_renders(
    letter: Path, name: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read_theme(name).is_own("skeleton.md")
    assert read_theme(name).is_own("skeleton.fr.md")
    assert main(["new", "Ana", "--theme", name, "--language", language]) == 0
    path = capsys.readouterr().out.strip()
    text = Path(path).read_text("utf-8")
    assert text.count("---\n") >= 2
    assert main(["render", path]) == 0
    html = capsys.readouterr().out
    assert re.search(r"<h1[^>]*>Ana</h1>", html)
    assert ("Se désabonner" in html) == (language == "fr")
    # Taking the sign away from what it proposes gives front matter that is understood.
    Path(path).write_text(text.replace("\n# hero", "\nhero"), "utf-8")
    assert bool(read_issue(Path(path)).hero) == ("hero_alt" in text)


def test_a_theme_without_a_skeleton_still_gives_a_beginning(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theme = letter / "templates" / "bare"
    theme.mkdir(parents=True)
    (theme / "theme.toml").write_text("")
    for language, greeting in (("fr", "Bonjour {{"), ("en", "Hello {{")):
        assert main(["new", "Ana", "--theme", "bare", "--language", language]) == 0
        assert greeting in Path(capsys.readouterr().out.strip()).read_text("utf-8")


def test_new_works_from_below_the_newsletter(letter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(letter / "issues")
    assert main(["new", "Hello", "-q"]) == 0
    assert len(list_issues(letter / "issues")) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["new", ""], 2, "must not be empty"),
        (["new", "a\nb"], 2, "one line"),
        (["new", "x", "--theme", "lettr"], 3, "did you mean 'letter'?"),
        (["new", "x", "--language", "fr!"], 2, "language code"),
        (["new", "x", "--config", "none.toml"], 3, "there is no such file"),
    ],
)
def test_a_new_issue_that_cannot_be_is_refused_and_makes_nothing(
    letter: Path, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_in(letter)
    assert main(arguments) == code
    assert message in capsys.readouterr().err
    assert files_in(letter) == before


def test_a_new_issue_where_none_can_be_made_names_the_folder_and_the_setting(
    letter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = letter / "newsletter.toml"
    settings.write_text(
        settings.read_text("utf-8").replace('issues = "issues"', 'issues = "newsletter.toml/x"'), "utf-8"
    )
    assert main(["new", "x"]) == 3
    told = capsys.readouterr().err
    assert "newsletter.toml/x: no issue can be made here: Not a directory" in told
    assert "newsletter.toml names the folder" in told


def test_new_outside_of_a_newsletter_points_to_init(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "Hello"]) == 3
    assert "newsletter init" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("L'été à Nantes !", "l-ete-a-nantes"),
        ("Hello, World", "hello-world"),
        ("  ../../etc/passwd  ", "etc-passwd"),
        ("Привет мир", "привет-мир"),
        ("!!!", "issue"),
        ("Été", "ete"),
        ("Version 1.2", "version-1-2"),
        ("Cœur_de Łódź", "coeur-de-lodz"),
        ("word " * 30, "-".join(["word"] * 12)),
        ("w" * 100, "w" * 60),
    ],
)
def test_a_title_becomes_a_part_of_a_file_name(title: str, slug: str) -> None:
    assert short_slug(title) == slug


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_slug_is_always_a_short_and_plain_part_of_a_file_name(title: str) -> None:
    slug = short_slug(title)
    assert 0 < len(slug) <= 60
    assert not set(slug) & set('/\\:*?"<>|.\0\n ')


@given(one_line)
def test_any_title_survives_the_way_into_an_issue(title: str) -> None:
    head = {"title": title, "date": date(2026, 11, 21), "number": None, "draft": True}
    assert parse_issue(f"{front_matter(head)}\nHello\n", "issue.md").title == title.strip()


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("first")
    assert write_new(tmp_path, "a", "second") == tmp_path / "a-2.md"
    assert (tmp_path / "a.md").read_text() == "first"


# ── Themes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shipped_themes_are_found_and_notices_are_no_theme(tmp_path: Path) -> None:
    assert "letter" in theme_names(shipped_templates())
    (tmp_path / "web").mkdir()
    assert theme_names(tmp_path, tmp_path / "none") == ()


def test_the_authors_theme_comes_before_a_shipped_one_of_the_same_name(tmp_path: Path) -> None:
    assert theme_folder("letter", tmp_path) == shipped_templates() / "letter"
    (tmp_path / "letter").mkdir()
    (tmp_path / "letter" / "theme.toml").write_text("")
    assert theme_folder("letter", tmp_path) == tmp_path / "letter"
