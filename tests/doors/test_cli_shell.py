"""What every command has in common: help, options, exit codes, and the telling of errors."""

from __future__ import annotations

import errno
import json
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from itertools import count as counting
from typing import TYPE_CHECKING, Any

import click
import pytest

import newsletter.cli
from newsletter import __version__
from newsletter.cli import COMMANDS, SECTIONS, Row, main
from newsletter.cli.console import MEANINGS, Console, ExitCode, count, duration, figure, size
from newsletter.cli.shell import EVERYWHERE, Command, CommandGroup
from newsletter.errors import ConfigError, NewsletterError, Problem, Refused, Stopped, StoreError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

on_unix = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

TRIAL = """
import sys
import click
from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, json_option, pass_session, yes_option

@click.command(cls=Command)
@click.argument("what")
@json_option
@yes_option
@pass_session
def command(session, what, as_json, yes):
    '''Try WHAT.'''
    console = session.console
    if what == "speak":
        console.say("said")
        console.note("noted")
        console.detail("detailed")
        console.warn("warned")
        console.print_json({"é": 1}) if as_json else console.result("resulted")
    elif what == "ask":
        console.say("yes" if console.confirm("Really?", assume_yes=yes) else "no")
    elif what == "work":
        with console.progress(20, "Working") as advance:
            for _ in range(20):
                advance(note="fine")
    elif what == "partly":
        return ExitCode.PARTLY
    elif what == "fill-say":
        for _ in range(100_000):
            console.say("x" * 100)
        print("the end", file=sys.stderr)
    elif what == "fill-write":
        for _ in range(100_000):
            sys.stdout.write("x" * 100)
        print("the end", file=sys.stderr)
    elif what == "path":
        console.say(repr(session.config_file))
    elif what == "divide":
        return 1 / 0
    elif what == "interrupt":
        raise KeyboardInterrupt
    elif what == "text":
        console.result("« é → \\udcff »")
"""


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A command file as any other one, `newsletter trial`, in a folder of its own."""
    (tmp_path / "trial_command.py").write_text(TRIAL, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(COMMANDS, "trial", Row("Trying", "trial_command", "Try something."))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("trial_command", None)


def in_process(*arguments: str, folder: Path, before: str = "") -> list[str]:
    """The command that runs `newsletter` in a Python of its own, with the trial command known."""
    program = f"""import sys; sys.path.insert(0, {str(folder)!r}); {before}
from newsletter.cli import COMMANDS, Row, main
COMMANDS["trial"] = Row("Trying", "trial_command", "Try something.")
sys.argv = ["newsletter", *{arguments!r}]
sys.exit(main())"""
    return [sys.executable, "-c", program]


# ── Help ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_help_lists_each_command_in_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for row in COMMANDS.values():
        assert row.section in SECTIONS
        assert row.help in " ".join(shown.split())
    assert [shown.index(f"\n{section}:") for section in SECTIONS] == sorted(
        shown.index(f"\n{section}:") for section in SECTIONS
    )


def test_the_help_tells_all_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert set(MEANINGS) == set(ExitCode)
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in shown


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Exit codes:" in capsys.readouterr().out


def test_the_help_loads_nothing_that_it_does_not_show() -> None:
    program = "import sys; from newsletter.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {row.module for row in COMMANDS.values()}
    assert not loaded & {"sqlalchemy", "jinja2", "markdown_it", "ruamel", "requests", "email", "asyncio", "tomllib"}


def test_every_command_file_has_a_row_and_every_row_a_file() -> None:
    files = {f"newsletter.cli.{module.name}" for module in pkgutil.iter_modules(newsletter.cli.__path__)}
    with_command = {name for name in files if hasattr(import_module(name), "command")}
    assert with_command == {row.module for row in COMMANDS.values()}


def commands_of(name: str) -> Iterator[tuple[list[str], click.Command]]:
    """A command, and those within it."""
    command: click.Command = import_module(COMMANDS[name].module).command
    yield [name], command
    if isinstance(command, click.Group):
        yield from (([name, inner], each) for inner, each in command.commands.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_the_options_that_work_everywhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, command in commands_of(name):
        assert isinstance(command, Command | CommandGroup)
        assert main([*words, "--help"]) == 0
        shown = capsys.readouterr().out
        assert all(option in shown.partition("Everywhere:")[2] for option in EVERYWHERE)
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
        assert len(options) == len(set(options))
        assert command.help


# ── Options that work everywhere ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("arguments", [["--version"], ["new", "--version"], ["init", "x", "--version"]])
def test_the_version_is_told_anywhere(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"newsletter {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "out", "err"),
    [
        ("trial speak", ["said", "resulted"], ["noted", "newsletter: warning: warned"]),
        ("--quiet trial speak", ["resulted"], ["newsletter: warning: warned"]),
        ("trial speak -q", ["resulted"], ["newsletter: warning: warned"]),
        ("trial speak --verbose", ["said", "resulted"], ["noted", "detailed", "newsletter: warning: warned"]),
        ("-v trial speak", ["said", "resulted"], ["noted", "detailed", "newsletter: warning: warned"]),
        ("trial speak --json", ["{", '  "é": 1', "}"], ["said", "noted", "newsletter: warning: warned"]),
        ("trial speak --json -q", ["{", '  "é": 1', "}"], ["newsletter: warning: warned"]),
    ],
)
@pytest.mark.usefixtures("trial")
def test_what_is_told_where(arguments: str, out: list[str], err: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments.split()) == 0
    told = capsys.readouterr()
    assert (told.out.splitlines(), told.err.splitlines()) == (out, err)


@pytest.mark.parametrize("arguments", ["--config a.toml trial path", "trial path --config a.toml"])
@pytest.mark.usefixtures("trial")
def test_the_configuration_is_named_before_or_after_the_command(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 0
    assert "a.toml" in capsys.readouterr().out


# ── Wrong usage ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nwe x", "there is no command 'nwe'; did you mean 'new'?"),
        ("zzz", "known are:"),
        ("new", "Missing argument 'TITLE'"),
        ("new x y", "unexpected extra argument"),
        ("new x --languag fr", "--language"),
        ("new x --language", "requires an argument"),
        ("--zzz", "No such option"),
    ],
)
def test_wrong_usage_is_told_with_the_way_to_the_help(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == ExitCode.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("newsletter: ")
    assert message in told.err
    assert "--help" in told.err


# ── How a command ends ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 3),
        (Refused("x"), 3),
        (NewsletterError("x"), 3),
        (StoreError("x"), 4),
        (TransportError("x"), 4),
        (Stopped("x"), 4),
        (KeyboardInterrupt(), 4),
        (EOFError(), 4),
        (click.Abort(), 4),
        (OSError(errno.ENOSPC, "No space left on device", "x.db"), 4),
        (click.UsageError("x"), 2),
        (click.BadParameter("x"), 2),
        (ZeroDivisionError("x"), 70),
        (RecursionError(), 70),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_a_line(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Console().report(error) == code
    assert capsys.readouterr().err.startswith("newsletter: ")


def test_every_problem_is_told_with_its_place_and_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    here, elsewhere = str(tmp_path / "newsletter.toml"), str(tmp_path.parent / "x.toml")
    Console().report(ConfigError(Problem("wrong", here, 3, 9, "right"), Problem("odd", elsewhere)))
    assert capsys.readouterr().err == (
        f"newsletter: newsletter.toml:3:9: wrong\n  → right\nnewsletter: {elsewhere}: odd\n"
    )


@pytest.mark.usefixtures("trial")
def test_a_command_says_with_its_result_how_it_ended() -> None:
    assert main(["trial", "partly"]) == 1
    assert main(["trial", "speak"]) == 0


@pytest.mark.usefixtures("trial")
def test_an_interrupt_is_an_end_like_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trial", "interrupt"]) == 4
    assert capsys.readouterr().err == "newsletter: stopped\n"


@pytest.mark.usefixtures("trial")
def test_a_bug_is_called_one_and_shows_its_traceback_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trial", "divide"]) == 70
    told = capsys.readouterr().err
    assert told.startswith("newsletter: ZeroDivisionError: division by zero\n  → this is a bug in newsletter")
    assert "Traceback" not in told
    assert main(["trial", "divide", "--verbose"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("what", "code", "ends"), [("fill-say", 0, True), ("fill-write", 4, False)])
def test_a_reader_that_leaves_is_no_error_and_stops_no_work(trial: Path, what: str, code: int, ends: bool) -> None:
    with subprocess.Popen(
        in_process("trial", what, folder=trial), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.read(10)
        running.stdout.close()
        told = running.stderr.read()
    assert running.returncode == code
    assert told == (b"the end\n" if ends else b"")


def test_text_that_the_terminal_cannot_show_ends_no_command(trial: Path) -> None:
    command = in_process("trial", "text", folder=trial)
    environ = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(command, capture_output=True, check=True, env=environ)
    assert done.stdout.decode().strip() == "« é → ? »"


# ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "answer", "code", "out"),
    [
        (["trial", "ask"], "y\n", 0, "yes\n"),
        (["trial", "ask"], "\n", 0, "no\n"),
        (["trial", "ask"], "n\n", 0, "no\n"),
        (["trial", "ask"], "", 2, ""),
        (["trial", "ask", "--yes"], "", 0, "yes\n"),
        (["trial", "ask", "-y"], "", 0, "yes\n"),
    ],
)
def test_only_a_clear_yes_is_one(trial: Path, arguments: list[str], answer: str, code: int, out: str) -> None:
    done = subprocess.run(in_process(*arguments, folder=trial), input=answer, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (code, out)
    assert ("--yes answers beforehand" in done.stderr) == (code == 2)


# ── On a terminal ────────────────────────────────────────────────────────────────────────────────────────────────────


def on_a_terminal(command: list[str], **environ: str) -> str:
    """What a command shows on its standard error when that is a terminal."""
    ours, theirs = os.openpty()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, **environ}):
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 65536):
                shown += block
        except OSError:  # on Linux, how a terminal says that the other side is gone
            pass
    os.close(ours)
    return shown.decode()


@on_unix
def test_errors_are_red_on_a_terminal_and_only_there(trial: Path) -> None:
    command = in_process("nwe", folder=trial)
    assert "\x1b[31m\x1b[1mnewsletter:" in on_a_terminal(command, NO_COLOR="", TERM="xterm")
    assert "\x1b" not in on_a_terminal(command, NO_COLOR="1", TERM="xterm")
    assert b"\x1b" not in subprocess.run(command, capture_output=True).stderr


@on_unix
def test_progress_is_a_bar_on_a_terminal(trial: Path) -> None:
    shown = on_a_terminal(in_process("trial", "work", folder=trial), TERM="xterm")
    assert "Working" in shown
    assert "20/20" in shown
    assert "fine" in shown
    assert on_a_terminal(in_process("trial", "work", "-q", folder=trial), TERM="xterm") == ""


@on_unix
def test_progress_is_lines_on_a_terminal_that_cannot_go_back(trial: Path) -> None:
    assert "Working: 20 of 20, fine" in on_a_terminal(in_process("trial", "work", folder=trial), TERM="dumb")


@on_unix
def test_progress_beside_json_is_json_a_line_on_a_terminal_too(trial: Path) -> None:
    shown = on_a_terminal(in_process("trial", "work", "--json", folder=trial), TERM="xterm")
    told = [json.loads(line) for line in shown.splitlines()]
    assert told[-1] == {"progress": "Working", "done": 20, "of": 20, "note": "fine"}


@pytest.mark.usefixtures("trial")
def test_progress_elsewhere_is_a_line_at_the_end_and_never_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["trial", "work"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["Working: 20 of 20, fine"]  # it was over in a moment
    assert main(["trial", "work", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("trial")
def test_long_work_shows_a_line_for_each_tenth(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = counting()
    monkeypatch.setattr("newsletter.cli.console.monotonic", lambda: float(next(seconds)))
    assert main(["trial", "work"]) == 0
    assert capsys.readouterr().err.splitlines() == [f"Working: {done} of 20, fine" for done in range(2, 21, 2)]


def test_progress_beside_json_is_json_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.json_only = True
    with console.progress(3, "Working") as advance:
        advance(3, "fine")
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err) == {"progress": "Working", "done": 3, "of": 3, "note": "fine"}


def test_nothing_to_do_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().progress(0, "Working") as advance:
        advance(0)
    assert capsys.readouterr().err == ""


# ── Completion ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("words", "found"), [("newsletter n", {"new"}), ("newsletter new --la", {"--language"})])
def test_a_shell_can_complete(
    words: str, found: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_NEWSLETTER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert main([]) == 0
    assert {line.partition(",")[2] for line in capsys.readouterr().out.splitlines()} == found


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (figure(1234567), "1,234,567"),
        (count(1, "subscriber"), "1 subscriber"),
        (count(0, "subscriber"), "0 subscribers"),
        (count(12345, "copy", "copies"), "12,345 copies"),
        (duration(0.04), "0.0 s"),
        (duration(9.96), "10 s"),
        (duration(59.4), "59 s"),
        (duration(59.6), "1 min 00 s"),
        (duration(3599.6), "1 h 00 min"),
        (duration(90_000), "25 h 00 min"),
        (size(1), "1 byte"),
        (size(999), "999 bytes"),
        (size(38_200), "38 KB"),
        (size(999_600), "1.0 MB"),
    ],
)
def test_figures_are_written_for_people(shown: str, wanted: str) -> None:
    assert shown == wanted


def test_json_keeps_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    value: dict[str, Any] = {"title": "L'été", "planned": 3}
    Console().print_json(value)
    shown = capsys.readouterr().out
    assert json.loads(shown) == value
    assert "L'été" in shown
