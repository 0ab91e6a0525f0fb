"""What the command line tells: to people, to scripts, and in its exit code.

say       what a command has to tell            standard output    silent with --quiet, moved aside by --json
result    what was asked for, as data           standard output    always
note      how it goes, what comes next          standard error     silent with --quiet
detail    what helps to find a fault            standard error     only with --verbose
warn      what may be wrong                     standard error     always
report    why it ended                          standard error     always
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import click

from newsletter import __version__
from newsletter.errors import NewsletterError, Problem, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# ── Exit codes ───────────────────────────────────────────────────────────────────────────────────────────────────────


class ExitCode(IntEnum):
    """How a command ended; what a script can build on."""

    DONE = 0
    PARTLY = 1
    USAGE = 2
    REFUSED = 3
    STOPPED = 4
    BUG = 70  # EX_SOFTWARE of sysexits.h, far from what may still be added above


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.PARTLY: "done, but some deliveries were rejected, deferred or are uncertain",
    ExitCode.USAGE: "wrong usage: an unknown command or option, or a value that does not fit",
    ExitCode.REFUSED: "refused: the issue, the configuration or the list is wrong; nothing was done",
    ExitCode.STOPPED: "stopped: a signal, a lost server, a full disk; `resume` goes on",
    ExitCode.BUG: "a bug in newsletter",
}


def exit_code(error: BaseException) -> ExitCode:
    """How a command ended that raised this."""
    if isinstance(error, click.ClickException):
        return ExitCode.USAGE
    if isinstance(error, Stopped | OSError | KeyboardInterrupt | EOFError | click.Abort):
        return ExitCode.STOPPED
    return ExitCode.REFUSED if isinstance(error, NewsletterError) else ExitCode.BUG


# ── Figures for people ───────────────────────────────────────────────────────────────────────────────────────────────


def figure(number: int) -> str:
    """A whole number with its thousands apart: 12,345."""
    return f"{number:,}"


def count(number: int, one: str, many: str = "") -> str:
    """A number of things: "1 subscriber", "12,345 subscribers"."""
    return f"{figure(number)} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A time as a person says it: "0.4 s", "12 s", "3 min 05 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(seconds / 60)
    return f"{figure(minutes // 60)} h {minutes % 60:02} min"


def size(octets: int) -> str:
    """An amount of data: "812 bytes", "38 KB", "1.4 MB"."""
    if octets < 1000:
        return count(octets, "byte")
    if octets < 999_500:
        return f"{octets / 1000:.0f} KB"
    return f"{octets / 1_000_000:,.1f} MB"


def short_path(path: Path | str) -> str:
    """A path as one would type it here: relative when it is below the current folder."""
    with suppress(ValueError, OSError):
        return str(Path(path).relative_to(Path.cwd()))
    return str(path)


# ── The console ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Advance(Protocol):
    """Tell that `steps` more are done; `note` is shown beside the bar, and `counts` says it to a script."""

    def __call__(self, steps: int = 1, note: str = "", counts: Mapping[str, int] | None = None) -> None: ...


class Console:
    """Where a command speaks. `quiet`, `verbose` and `json_only` follow the options of the same names."""

    def __init__(self) -> None:
        self.quiet = False
        self.verbose = False
        self.json_only = False

    def say(self, text: str = "") -> None:
        """Tell people what the command did or found."""
        if not self.quiet:
            self._write(text, err=self.json_only)

    def result(self, text: str) -> None:
        """Print what was asked for, for a person or a pipe."""
        self._write(text)

    def print_json(self, value: Any) -> None:
        """Print a value as JSON; the only thing on standard output when `--json` was given."""
        import json

        self._write(json.dumps(value, ensure_ascii=False, indent=2))

    def note(self, text: str = "") -> None:
        """Tell people how it goes or what they could do next."""
        if not self.quiet:
            self._write(text, err=True)

    def detail(self, text: str) -> None:
        """Tell what helps to find a fault."""
        if self.verbose:
            self._write(text, err=True)

    def warn(self, problem: Problem | str) -> None:
        """Tell what may be wrong, without ending."""
        self._write(f"{click.style('newsletter: warning:', fg='yellow', bold=True)} {_shown(problem)}", err=True)

    def confirm(self, question: str, *, assume_yes: bool = False, option: str = "--yes") -> bool:
        """Ask before something that cannot be undone; nothing but a clear yes is one.

        Raises UsageError when there is nobody to answer, as in a scheduled job without `--yes`, or without the `option`
        that this command has in its place.
        """
        if assume_yes:
            return True
        try:
            return click.confirm(question, err=True)
        except click.Abort:
            if sys.stdin is not None and sys.stdin.isatty():
                raise
            raise click.UsageError(f"there is nobody here to answer; {option} answers beforehand") from None

    @contextmanager
    def progress(self, total: int, label: str) -> Iterator[Advance]:
        """Show how far a long work is, on standard error: a bar on a terminal, else a line for each tenth.

        With `--json` these lines are objects, also on a terminal.
        """
        on_a_terminal = sys.stderr and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        if self.quiet or total < 1:
            yield _silent
        elif on_a_terminal and not self.json_only:
            with click.progressbar(
                length=total, label=label, file=sys.stderr, show_pos=True, item_show_func=_same, fill_char="━",
                empty_char="─", bar_template="%(label)s %(bar)s %(info)s", update_min_steps=max(1, total // 1000),
            ) as bar:  # fmt: skip
                yield lambda steps=1, note="", counts=None: bar.update(steps, note)  # noqa: ARG005  (the note says it)
        else:
            yield _lines(self, total, label)

    def report(self, error: BaseException) -> ExitCode:
        """Tell why a command ended, and with which exit code."""
        if isinstance(error, BrokenPipeError):
            self._reader_left()
            return exit_code(error)
        if self.verbose and not isinstance(error, click.ClickException | click.Abort):
            import traceback

            self._write("".join(traceback.format_exception(error)).rstrip(), err=True)
        prefix = click.style("newsletter:", fg="red", bold=True)
        for problem in _problems(error):
            self._write(f"{prefix} {_shown(problem)}", err=True)
        return exit_code(error)

    def _write(self, text: str, *, err: bool = False) -> None:
        try:
            click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)
        except BrokenPipeError:
            # Who reads has seen enough (`| head`). That must not stop a mailing in its middle.
            self._reader_left()

    def _reader_left(self) -> None:
        """Let what is still to be written go nowhere, also what Python writes when it ends."""
        for stream in filter(None, (sys.stdout, sys.stderr)):  # None: closed before we began
            try:
                stream.flush()
            except (OSError, ValueError):
                with suppress(OSError, ValueError):
                    nowhere = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(nowhere, stream.fileno())
                    os.close(nowhere)


def _silent(steps: int = 1, note: str = "", counts: Mapping[str, int] | None = None) -> None:
    """Show nothing."""


def _same(note: str | None) -> str | None:
    return note


def _lines(console: Console, total: int, label: str) -> Advance:
    """A line for each tenth, but for work that is over in a moment; with `--json`, an object a line."""
    done = tenths = 0
    last = monotonic()

    def advance(steps: int = 1, note: str = "", counts: Mapping[str, int] | None = None) -> None:
        nonlocal done, tenths, last
        done += steps
        reached = 10 * done // total
        if reached <= tenths or (reached < 10 and monotonic() - last < 0.2):
            return
        tenths, last = reached, monotonic()
        if console.json_only:
            import json

            told = {"progress": label, "done": done, "of": total, "note": note, **(counts or {})}
            console.note(json.dumps(told, ensure_ascii=False))
        else:
            console.note(f"{label}: {figure(done)} of {figure(total)}{note and ', '}{note}")

    return advance


def _shown(problem: Problem | str) -> str:
    if isinstance(problem, Problem) and problem.path:
        problem = replace(problem, path=short_path(problem.path))
    return str(problem)


def _problems(error: BaseException) -> tuple[Problem, ...]:
    """What to tell about an exception."""
    if isinstance(error, NewsletterError):
        return error.problems
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "newsletter"
        usage = error.ctx.get_usage() if error.ctx else ""
        return (Problem(error.format_message(), fix=f"{usage}\n  → {command} --help tells more"),)
    if isinstance(error, click.ClickException):
        return (Problem(error.format_message()),)
    if isinstance(error, KeyboardInterrupt | EOFError | click.Abort):
        return (Problem("stopped"),)
    if isinstance(error, OSError):
        path = error.filename if isinstance(error.filename, str) else None
        return (Problem(error.strerror or str(error), path),)
    name = type(error).__name__
    fix = f"this is a bug in newsletter {__version__}: please report it, with what --verbose shows"
    return (Problem(f"{name}: {error}" if str(error) else name, fix=fix),)
