"""Findings as people read them, and as machines do: plain text, JSON, SARIF 2.1.0, GitHub's annotations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from newsletter import __version__
from newsletter.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from newsletter.finding import Finding

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def _text(findings: Sequence[Finding]) -> str:
    return "\n".join(filter(None, map(_told, findings)))


def _told(finding: Finding) -> str:
    """A finding in two lines; a waived one is not told."""
    if finding.waived:
        return ""
    severity = click.style(finding.severity.value, fg=_COLOURS[finding.severity], bold=True)
    line = f"{finding.spot}: {severity}: {finding.message} {click.style(f'[{finding.rule}]', dim=True)}"
    return f"{line}\n  → {finding.fix}" if finding.fix else line


def _json(findings: Sequence[Finding]) -> str:
    told = [each.as_dict() for each in findings if not each.waived]
    return json.dumps(told, ensure_ascii=False, indent=2)


def _github(findings: Sequence[Finding]) -> str:
    """Annotations on a pull request, by GitHub's workflow commands."""
    return "\n".join(
        f"::{_GITHUB[each.severity]} {_properties(each)}::{_escaped(each.message)}"
        + (_escaped(f"\n→ {each.fix}") if each.fix else "")
        for each in findings
        if not each.waived
    )


def _properties(finding: Finding) -> str:
    spot = finding.spot
    told = {"file": spot.path, "line": spot.line, "col": spot.column, "title": finding.rule}
    escaped = {name: _escaped(str(value)).replace(":", "%3A").replace(",", "%2C") for name, value in told.items()}
    return ",".join(f"{name}={value}" for name, value in escaped.items() if value != "0")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _sarif(findings: Sequence[Finding]) -> str:
    """OASIS SARIF 2.1.0: what code hosts and editors show beside the lines. Waived findings are told as suppressed."""
    from newsletter.checks import rules

    described = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.explanation or rule.title},
            "defaultConfiguration": {"level": rule.severity.value},
            "properties": {"tags": [rule.subject]},
        }
        for rule in rules()
    ]
    driver = {"name": "newsletter", "version": __version__, "rules": described}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [*map(_result, findings)]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _result(finding: Finding) -> dict[str, Any]:
    spot = finding.spot
    region = {"startLine": spot.line or 1, **({"startColumn": spot.column} if spot.column else {})}
    place = {"physicalLocation": {"artifactLocation": {"uri": spot.path}, "region": region}}
    text = f"{finding.message}. {finding.fix}".rstrip() if finding.fix else finding.message
    suppressed = {"suppressions": [{"kind": "inSource", "justification": finding.waived}]} if finding.waived else {}
    return {
        "ruleId": finding.rule,
        "level": finding.severity.value,
        "message": {"text": text},
        "locations": [place],
        **suppressed,
    }


FORMATS: dict[str, Callable[[Sequence[Finding]], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
