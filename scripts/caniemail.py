"""Takes what is kept of caniemail.com's findings out of its data; newsletter.checks.mail_programs reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

GONE = {"outlook.windows-mail"}  # replaced by the new Outlook in 2024


def reduced(document: Mapping[str, Any], version: str, handled: Collection[str] = ()) -> dict[str, Any]:
    """The part of caniemail's data that is needed; `handled` are the features that themes know how to do without."""
    names = document["nicenames"]
    clients = sorted(
        {
            f"{family}.{platform}"
            for each in document["data"]
            for family, all_ in each["stats"].items()
            for platform in all_
        }
        - GONE
    )
    features = {}
    for each in sorted(document["data"], key=lambda each: str(each["slug"])):
        if each["category"] == "others":
            continue
        newest = {
            f"{family}.{platform}": list(versions.values())[-1]
            for family, platforms in each["stats"].items()
            for platform, versions in platforms.items()
            if versions
        }
        support = "".join(newest.get(client, "-")[0].replace("u", "-") for client in clients)
        features[each["slug"]] = [each["title"], each["last_test_date"], support]
    return {
        "source": f"caniemail.com, as packaged in npm's caniemail {version}",
        "day": document["last_update_date"][:10],
        "license": "MIT, see caniemail-license.txt",
        "clients": {client: _called(client, names) for client in clients},
        "handled": sorted(handled),
        "features": features,
    }


def _called(client: str, names: Mapping[str, Any]) -> str:
    family, _, platform = client.partition(".")
    where = {"desktop-webmail": "web", "mobile-webmail": "web on phones", "outlook-com": "web", "windows": "Windows"}
    return f"{names['family'][family].removeprefix('Mozilla ')}, {where.get(platform, names['platform'][platform])}"


def written(data: Mapping[str, Any]) -> str:
    """The data as a file in which each feature has a line."""
    lines = [f"{json.dumps(slug)}: {json.dumps(row, ensure_ascii=False)}" for slug, row in data["features"].items()]
    head = json.dumps({**data, "features": {}}, ensure_ascii=False, indent=1)
    return head.replace('"features": {}', '"features": {\n  ' + ",\n  ".join(lines) + "\n }") + "\n"
