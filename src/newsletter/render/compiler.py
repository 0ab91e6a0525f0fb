"""The compiler: mjml-python, and whether it is that one which answers to the name `mjml`.

PyPI's `mjml` and `mjml-python` install a package of the same name, and each writes over the other's files. Which one is
there then depends on who came last, and taking one away breaks the other.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.errors import Problem, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

_FIX = (
    "take both away, and put the right one back: python -m pip uninstall --yes mjml mjml-python, "
    "then python -m pip install mjml-python"
)


@cache
def compiler() -> Callable[..., Any]:
    """The function that compiles MJML. Raises Refused when another package stands in its place, or beside it."""
    if other := _other():
        message = f"the packages mjml and mjml-python are both installed, and overwrite each other ({other})"
        raise Refused(Problem(message, fix=_FIX))
    try:
        from mjml import mjml2html
    except ImportError as error:
        raise Refused(Problem(f"the MJML compiler cannot be loaded: {error}", fix=_FIX)) from None
    return mjml2html


def _other() -> Path | None:
    """Where the package is described that is called `mjml` alone, if it is installed."""
    # As importlib.metadata finds it, which would take 30 ms to load: `mjml-0.11.dist-info` in a folder of the path.
    for folder in map(Path, sys.path):
        try:
            found = next(folder.glob("mjml-*-info"), None)
        except OSError:  # it may not be read, or is none
            continue
        if found is not None:
            return found
    return None
