"""A proof: an issue as it is now, or as it was when it could last be read, and what is wrong with it since."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from newsletter.errors import NewsletterError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.finding import Finding
    from newsletter.issue import Issue
    from newsletter.manuscript import Manuscript
    from newsletter.subscriber import Subscriber

_AGAIN = 0.06  # seconds; some editors take a file away and put another one in its place


@dataclass(frozen=True, slots=True)
class Proof:
    """An issue that could be rendered, and what was found in it."""

    config: Config
    path: Path
    issue: Issue
    edition: Edition
    manuscript: Manuscript
    problems: tuple[Problem, ...] = ()  # what is wrong with its images; among the findings, too
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Tools:
    """What the command line lends: how an issue is read, shown and sent."""

    read: Callable[[], Proof]  # raises NewsletterError
    read_at: Callable[[Path], Proof]  # the same issue in a copy of the newsletter's folder; raises NewsletterError
    sample: Callable[[Edition], Subscriber]  # somebody of whom just enough is known
    web: Callable[[Proof], str]  # its page in the archive, with its images inside
    send: Callable[[Proof, Subscriber, str], str]  # a test to this address: what became of it; raises NewsletterError


@dataclass(frozen=True, slots=True)
class State:
    """What the page shows. `proof` is the last one that could be read, and stale when there are `problems`."""

    version: int = 0
    proof: Proof | None = None
    problems: tuple[Problem, ...] = ()
    milliseconds: int = 0


@dataclass(slots=True)
class Studio:
    """Keeps the state, and makes the next one. `refresh` may be called from any thread."""

    tools: Tools
    state: State = field(default_factory=State)
    _lock: Lock = field(default_factory=Lock)

    def refresh(self) -> State:
        """Read the issue again; what is wrong with it becomes part of the state, and the proof before it stays."""
        with self._lock:
            began = perf_counter()
            proof, problems = self._read()
            took = round(1000 * (perf_counter() - began))
            self.state = State(self.state.version + 1, proof or self.state.proof, problems, took)
            return self.state

    def _read(self) -> tuple[Proof | None, tuple[Problem, ...]]:
        for attempt in (1, 2):
            try:
                return self.tools.read(), ()
            except NewsletterError as error:
                if attempt == 1 and any("no such" in each.message for each in error.problems):
                    sleep(_AGAIN)
                    continue
                return None, error.problems
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic of the MJML compiler is no Exception
                told = f"this could not be rendered: {error}"
                return None, (Problem(told, fix="take back what was changed last; please report this"),)
        return None, ()
