"""How long a command takes to answer: `newsletter --help` against `python -c "import click"`."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from benchmarks.measure import cost, table

PROGRAM = Path(sys.executable).with_name("newsletter")
COMMANDS: dict[str, list[str | Path]] = {
    "python -c pass": [sys.executable, "-c", "pass"],
    'python -c "import click"': [sys.executable, "-c", "import click"],
    "newsletter --help": [PROGRAM, "--help"],
    "newsletter publish --help": [PROGRAM, "publish", "--help"],
}
ROUNDS = 11


def run() -> None:
    """Print the medians, the commands taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            seconds[name].append(cost(command).seconds)
    medians = {name: median(times) for name, times in seconds.items()}
    click = medians['python -c "import click"']
    table(
        f"Start-up, median of {ROUNDS}",
        ("command", "ms", "of import click"),
        [(name, f"{1000 * time:.0f}", f"{time / click:.2f}") for name, time in medians.items()],
    )
