"""Reading newsletter.toml: sections and keys against the tables of what may be written; mistakes with their places."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.config_keys import GROUP_LIMITS, SECTIONS
from newsletter.config_transports import KINDS, SECRETS
from newsletter.errors import ConfigError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from newsletter.config_values import Keys
    from newsletter.toml_places import Found, KeyPath

PYPROJECT = "pyproject.toml"


class Mistakes:
    """What is wrong so far, each with the place of its key or value."""

    def __init__(self, path: str, places: Mapping[KeyPath, Found]) -> None:
        """Of the file at `path`, whose keys and values stand at `places`."""
        self.path = path
        self._places = places
        self._found: list[Problem] = []

    def add(self, where: KeyPath, message: str, fix: str | None, *, at_value: bool = False) -> None:
        """Note a mistake at a key, at its value, or where no place is known in the file as a whole."""
        found = self._places.get(where)
        line, column = found[at_value] if found else (None, None)
        self._found.append(Problem(message, self.path, line, column, fix))

    def report(self) -> None:
        """Raise ConfigError with all that was noted, in the order of the text."""
        if self._found:
            raise ConfigError(*sorted(self._found, key=lambda problem: (problem.line or 0, problem.column or 0)))


def sections_of(
    document: dict[str, Any], home: KeyPath, mistakes: Mistakes
) -> Iterator[tuple[str, tuple[dict[str, Any], KeyPath]]]:
    """Each known section with its table and its path; what is no section is a mistake."""
    known = (*SECTIONS, "transports", "fields", "segments")
    loose = {}
    for name, table in document.items():
        where = (*home, name)
        if name in known and not (home and name == "newsletter"):
            if isinstance(table, dict):
                yield name, (table, where)
            else:
                mistakes.add(where, f"{name} must be a section", f"write [{written(where)}] on a line of its own")
        elif home:
            loose[name] = table
        elif isinstance(table, dict):
            mistakes.add(where, f"there is no section [{name}]", did_you_mean(name, known))
        else:
            mistakes.add(
                where,
                f"{name!r} stands outside of any section",
                home_of(name, table, (), mistakes.path) or "every setting stands below a [section]",
            )
    if home:
        yield "newsletter", (loose, home)


def values_of(table: dict[str, Any], where: KeyPath, keys: Keys, mistakes: Mistakes) -> dict[str, Any]:
    """The good values of a section; each unknown key and each wrong value is a mistake."""
    values = {}
    for key, raw in table.items():
        at = (*where, key)
        if key in keys:
            try:
                values[key] = keys[key](raw)
            except ConfigError as error:
                problem = error.problems[0]
                mistakes.add(at, f"{key} {problem.message}", problem.fix, at_value=True)
        elif key in SECRETS:
            what = ("key", "API_KEY") if "key_env" in keys else ("password", "SMTP_PASSWORD")
            advice = '{0}_env = "NEWSLETTER_{1}" names a variable, {0}_file = "…" a file'.format(*what)
            mistakes.add(at, f"{key} must not stand in this file: who reads the file could send as you", advice)
        else:
            fix = home_of(key, raw, where, mistakes.path) or (did_you_mean(key, keys) if keys else "take it away")
            mistakes.add(at, f"[{written(where)}] has no key {key!r}", fix)
    return values


def home_of(key: str, value: object, where: KeyPath, path: str) -> str | None:
    """Where a key belongs that stands in the wrong section; None when it belongs nowhere."""
    if where[-1:] == ("transport",) and isinstance(value, dict):
        return f"with an s: {heading(f'transports.{key}', path)}"
    # What [bounces] takes is said of a transport more often.
    homes = [section for section, keys in SECTIONS.items() if key in keys and section != "bounces"]
    if key in GROUP_LIMITS and not homes:
        homes.append("limits.GROUP")
    if "transports" not in where and (key == "kind" or any(key in keys for keys in KINDS.values())):
        homes.append("transports.relay")
    return f"it belongs in {heading(homes[0], path)}" if homes else None


def transport_fix(name: str, transports: Mapping[str, object], path: str) -> str:
    """What to do about the name of a transport that is not there."""
    if transports:
        return did_you_mean(name, transports)
    where = heading(f"transports.{name or 'relay'}", path)
    return f'add a section {where} with kind = "smtp"'


def heading(section: str, path: str) -> str:
    """How a section is headed in the file at the path."""
    if Path(path).name != PYPROJECT:
        return f"[{section}]"
    return "[tool.newsletter]" if section == "newsletter" else f"[tool.newsletter.{section}]"


def written(path: KeyPath) -> str:
    """A section as its heading names it, without brackets."""
    return ".".join(str(part) for part in path)
