"""Tools: how the page reads an issue, shows it and sends it, with what the commands have for that."""

from __future__ import annotations

import os
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from newsletter import wiring
from newsletter.actions.stand_in import recipient_like
from newsletter.checks import check, unreadable
from newsletter.errors import IssueError
from newsletter.preview.proof import Proof, Tools
from newsletter.wiring.editions import load, web_page
from newsletter.wiring.manuscripts import manuscript_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from newsletter.config import Config
    from newsletter.edition import Edition
    from newsletter.store.database import Database
    from newsletter.subscriber import Subscriber


def tools_for(settings: Callable[[], Config], clock: Callable[[], datetime], name: str) -> Tools:
    """The tools for the issue of that name; the settings are read again each time."""

    def proof(config: Config, place: str, database: Database | None) -> Proof:
        path, written = load(config, place)
        found = manuscript_of(config, path, written, clock(), database)
        findings = (*unreadable(found.problems, name), *check(found.manuscript))
        return Proof(config, path, written, found.edition, found.manuscript, found.problems, findings)

    def read() -> Proof:
        config = settings()
        with wiring.store(config, create=False) if wiring.has_store(config) else nullcontext() as database:
            return proof(config, name, database)

    def read_at(folder: Path) -> Proof:
        from newsletter.sources.settings import load_config

        now = settings()
        inside = load(now, name)[0].resolve().relative_to(now.folder.resolve())
        cache = folder / ".cache"  # images that were fetched before
        if (now.folder / ".cache").is_dir() and not cache.exists():
            cache.symlink_to((now.folder / ".cache").resolve())
        then = load_config(folder, folder / now.path.name, os.environ)
        return proof(then, str(folder / inside), None)

    return Tools(read, read_at, _sample, lambda proof: web_page(proof.config, proof.issue, None), _send)


def _sample(edition: Edition) -> Subscriber:
    return recipient_like(None, edition, None, None)


def _send(proof: Proof, person: Subscriber, address: str) -> str:
    """A test to this address, through the transport in use: what became of it."""
    from newsletter.actions.publish import check_settings
    from newsletter.actions.test import send_test
    from newsletter.outcome import Accepted
    from newsletter.sources.addresses import typed_address
    from newsletter.store.keys import load_keys

    config = proof.config
    if proof.problems:
        raise IssueError(*proof.problems)
    check_settings(config, None)
    transport, way = wiring.transport(config, None, os.environ), config.chosen_transport(None).name
    wiring.fitting(config, proof.edition, way)
    recipient = person._replace(email=typed_address(address), id=0)
    with wiring.store(config) as database:
        post = wiring.post(config, proof.edition, proof.issue.slug, load_keys(database), test=True, through=way)
    (outcome,) = send_test(post, transport, [recipient], datetime.now(UTC))
    if isinstance(outcome, Accepted):
        return f"Sent to {recipient.email}."
    return f"{type(outcome).__name__}: {outcome.reply}"
