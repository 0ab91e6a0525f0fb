"""Cache: what was fetched and what was made, in files that may be deleted at any time.

.cache/images/fetched/KEY     an image as its server gave it, with the validators to ask again with (RFC 9110)
.cache/images/made/KEY        an image ready to be sent

A file is one line of JSON and then the content, and is written whole or not at all. One that is damaged, or of
another version, counts as not there. A folder that cannot be written costs time, and nothing else.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """What the cache holds under a key."""

    facts: Mapping[str, Any]
    content: bytes


class Cache:
    """The cache in a folder, which is made when there is something to put into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, kind: str, key: str) -> Entry | None:
        """What was put under the key."""
        try:
            head, _, content = (self._folder / kind / key).read_bytes().partition(b"\n")
            facts = json.loads(head)
        except (OSError, ValueError):
            return None
        if not isinstance(facts, dict) or facts.pop("sha256", "") != sha256(content).hexdigest():
            return None
        return Entry(facts, content)

    def put(self, kind: str, key: str, entry: Entry) -> None:
        """Keep the entry under the key, if that is possible."""
        head = json.dumps({**entry.facts, "sha256": sha256(entry.content).hexdigest()})
        folder = self._folder / kind
        part = folder / f"{key}.{uuid4().hex[:8]}.part"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            mark = self._folder / ".gitignore"
            if not mark.exists():
                mark.write_text("# Made by newsletter; may be deleted at any time.\n*\n", encoding="utf-8")
            part.write_bytes(head.encode() + b"\n" + entry.content)
            part.replace(folder / key)
        with suppress(OSError):
            part.unlink(missing_ok=True)

    def forget(self, kind: str, key: str) -> None:
        """Let go of what is under the key."""
        with suppress(OSError):
            (self._folder / kind / key).unlink()


def key_of(*parts: object) -> str:
    """A key for what the parts say together."""
    return sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()
