"""A newsletter with issues that were sent, and the archive of them.

with Archived(tmp_path) as archived:
    archived.sent("one", "---\\ntitle: One\\n---\\nHello.")
    archived.archive.file("archive/one/")
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from newsletter import wiring
from newsletter.config import parse_config
from newsletter.mailing import MailingState
from newsletter.sources.issues import read_issue
from newsletter.store.database import open_database
from newsletter.store.mailings import mailings_of
from newsletter.wiring.editions import for_archive, rendered
from tests.support.images import drawing, saved
from tests.support.sending import plan

if TYPE_CHECKING:
    from newsletter.actions.archive import Archive
    from newsletter.issue import Issue
    from newsletter.mailing import Mailing
    from newsletter.render.web import WebForm

ISSUES = Path(__file__).parents[2] / "issues"
SETTINGS = """\
[newsletter]
title = "Lettres & co"
language = "{language}"
base_url = "https://lettres.example.org"
postal_address = "12 rue des Lilas, 44000 Nantes"

[sender]
name = "Camille"
email = "camille@lettres.example.org"

[transports.outbox]
kind = "folder"
path = "outbox"
"""
BEGAN = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
FRENCH = """\
---
title: "Écrire à une personne"
description: "Un seul lecteur à la fois : pourquoi ?"
date: 2025-12-30
number: 7
lang: fr
authors: ["Ana Lima", "Bo Ek"]
tags: [lettres, métier]
---
Bonjour {{ subscriber.first_name }},

![Des enveloppes](image.png "Toutes partent le même jour.")

Ce numéro {% if subscriber.fields.city %}va à {{ subscriber.fields.city }}{% else %}va partout{% endif %} ;
il dit « oui ».

:::email-only
Répondez à ce courriel.
:::

:::web-only
Cette page est pour tout le monde.
:::

[Se désabonner]({{ unsubscribe_url }}), ou [lire en ligne]({{ archive_url }}).

::event[Lecture]{date=2026-12-04 time=18:30 place="Nantes"}
"""


class Archived:
    """A newsletter in a folder, with a list that nobody is on."""

    def __init__(self, folder: Path, *, language: str = "fr", theme: str = "letter", url: str = "") -> None:
        """With `url`, the list is there."""
        self.folder = folder
        self.config = replace(
            parse_config(SETTINGS.format(language=language), str(folder / "newsletter.toml")),
            store_url=url or f"sqlite:///{folder / 'newsletter.db'}",
            theme=theme,
        )
        (folder / "newsletter.toml").write_text(SETTINGS.format(language=language), "utf-8")
        self.config.issues.mkdir(exist_ok=True)
        (self.config.issues / "image.png").write_bytes(saved(drawing(600, 300)))
        self.database = open_database(self.config.store_url, synchronous="OFF")
        planned = [mailing.planned_at for mailing in mailings_of(self.database)]
        self._planned = max(planned, default=BEGAN - timedelta(days=1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def issue(self, name: str, text: str) -> Issue:
        """An issue in the folder."""
        path = self.config.issues / f"{name}.md"
        path.write_text(text, "utf-8")
        return read_issue(path, Path.cwd())

    def form(self, text: str, name: str = "hello") -> WebForm:
        """The web form of an issue."""
        kept = for_archive(self.config, self.issue(name, text))
        assert kept is not None
        return kept.form

    def planned(self, name: str, text: str) -> Mailing:
        """An issue whose mailing is planned, a day after the one before."""
        issue = self.issue(name, text)
        self._planned += timedelta(days=1)
        return plan(
            self.database,
            issue=issue.key,
            edition=rendered(self.config, issue),
            sender="Camille <camille@lettres.example.org>",
            transport="outbox",
            now=int(self._planned.timestamp()),
            kept=for_archive(self.config, issue),
        )

    def sent(self, name: str, text: str) -> Mailing:
        """An issue whose sending has begun."""
        mailing = self.planned(name, text)
        self.set(mailing, MailingState.SENDING.value)
        return mailing

    def set(self, mailing: Mailing, state: str) -> None:
        """Put a mailing into a state."""
        with self.database.transaction() as connection:
            connection.execute("UPDATE mailings SET state = ? WHERE id = ?", (state, mailing.id))

    def three(self) -> None:
        """Three issues of two years, in two languages, with an image and a calendar."""
        self.sent("2025-12-ecrire", FRENCH)
        self.sent("2026-10-hello", "---\ntitle: Hello & <welcome>\nlang: en\ndate: 2026-10-03\n---\nIt *begins*.")
        self.sent("2026-11-été", "---\ntitle: L'été\n---\n## Une suite\n\nVoir [la suite](#une-suite).")

    def many(self, number: int) -> None:
        """So many copies of the last issue that was sent, each a week older than the one before."""
        names = "issue, title, fingerprint, sender, segment, transport, state, commit_hash, modified, fence"
        with self.database.transaction() as connection:
            form = "SELECT issue, slug, fingerprint, content FROM web_forms ORDER BY mailing_id DESC LIMIT 1"
            issue, slug, fingerprint, content = connection.execute(form).fetchone()
            for n in range(number):
                copy = f"{slug}-{n}"
                (mailing,) = connection.execute(
                    f"INSERT INTO mailings ({names}, planned_at) SELECT {names}, planned_at - ? FROM mailings "
                    "WHERE issue = ? LIMIT 1 RETURNING id",
                    ((n + 1) * 7 * 86_400, issue),
                ).fetchone()
                connection.execute(
                    "INSERT INTO web_forms (mailing_id, issue, slug, fingerprint, content) VALUES (?, ?, ?, ?, ?)",
                    (mailing, copy, copy, fingerprint, json.dumps({**json.loads(content), "slug": copy})),
                )

    @property
    def archive(self) -> Archive:
        """The archive as it stands."""
        return wiring.archive(self.config, self.database)
