"""The first releases of Python 3.11 are in use: Debian 12 and Ubuntu have them."""

from __future__ import annotations

import re
from pathlib import Path

import newsletter

_POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+[^=]")
_SOURCES = sorted(Path(newsletter.__file__).parent.rglob("*.py"))


def test_no_pattern_repeats_a_group_possessively_which_matched_wrongly_before_python_3_11_5() -> None:
    # https://github.com/python/cpython/issues/106052: `(?:…)*+` forgot what its group had matched, and an issue with
    # a slot was refused. An atomic group, `(?>(?:…)*)`, means the same everywhere.
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in _SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "re.compile" in line or 'r"""' in line or 'r"' in line
        if _POSSESSIVE_GROUP.search(line)
    ]
    assert len(_SOURCES) > 100
    assert found == []
