"""A snapshot: the views of an issue as pictures and files, and a page that shows them, for review on a pull request.

DIR/index.html       everything on one page
DIR/phone-390.png …  the pictures; without a Chromium, only the .html beside them
DIR/text.txt         the plain text
DIR/summary.md       what a comment on a pull request says
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.edition import fill
from newsletter.errors import IssueError, Problem, Refused
from newsletter.picture import self_contained
from newsletter.preview import people, views
from newsletter.preview.camera import camera, photograph
from newsletter.preview.difference import hunks
from newsletter.preview.pages import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.preview.difference import Hunk
    from newsletter.preview.proof import Proof, Tools
    from newsletter.preview.views import Look

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
)
_PHONE, _DESK = 390, 800  # CSS pixels


@dataclass(frozen=True, slots=True)
class Shot:
    """A view that is photographed."""

    name: str
    title: str
    width: int
    look: Look | None  # None: the web page


SHOTS = (
    Shot("phone-390", "Telephone, 390 pixels", _PHONE, views.Look()),
    Shot("phone-320", "Telephone, 320 pixels", 320, views.Look(width="320")),
    Shot("desktop", "Desktop", _DESK, views.Look(width="desktop")),
    Shot("dark", "Dark", _PHONE, views.Look(colours="dark")),
    Shot("no-images", "Images off", _PHONE, views.Look(images="off")),
    Shot("gmail", "Gmail’s inversion (a simulation)", _PHONE, views.Look(program="gmail")),
    Shot("outlook", "Outlook’s Word (a simulation)", _DESK, views.Look(program="outlook")),
    Shot("web", "Web page", _DESK, None),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two revisions; `is_new`: the issue was not there."""

    against: str
    text: tuple[Hunk, ...] = ()
    html: tuple[Hunk, ...] = ()
    is_new: bool = False


def take(tools: Tools, folder: Path, against: str | None = None) -> Iterator[str]:
    """Write everything into the folder; what the author should know, sentence by sentence.

    Raises what reading the issue raises, Refused for a revision that git does not have, and Stopped when the pictures
    cannot be taken.
    """
    proof = tools.read()
    reader = people.reader(tools, proof, people.SOMEBODY)
    change = _change(tools, proof, against) if against else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for shot in SHOTS:
            html = views.mail(proof, reader, shot.look) if shot.look else tools.web(proof)
            page = self_contained(html, proof.edition.pictures).replace("<head>", f"<head>{_POLICY}", 1)
            (folder / f"{shot.name}.html").write_text(page, "utf-8")
        text = fill(proof.edition.text, reader.values(proof))
        (folder / "text.txt").write_text(text, "utf-8")
        program = camera()
        if program is None:
            yield "No Chromium was found on this machine: the views are there as HTML, without pictures."
        else:
            _photograph(program, folder)
        known = {
            "proof": proof,
            "subject": fill(proof.edition.subject, reader.values(proof)),
            "shots": SHOTS,
            "has_pictures": program is not None,
            "text": text,
            "change": change,
            "findings": [each for each in proof.findings if not each.waived],
        }
        (folder / "index.html").write_text(rendered("snapshot.html.j2", **known), "utf-8")
        (folder / "summary.md").write_text(rendered("summary.md.j2", **known), "utf-8")
    except OSError as error:
        raise Refused(
            Problem(f"cannot be written: {error.strerror}", str(folder), fix="choose another folder")
        ) from error
    yield f"Wrote {folder / 'index.html'}"


def _photograph(program: str, folder: Path) -> None:
    """Take all pictures, two at a time: most of it is the program's start."""
    from concurrent.futures import ThreadPoolExecutor

    def take_one(shot: Shot) -> None:
        photograph(program, folder / f"{shot.name}.html", folder / f"{shot.name}.png", shot.width)

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(take_one, SHOTS):
            pass  # what one of them raises is raised here


def _change(tools: Tools, proof: Proof, against: str) -> Change:
    """The same issue in the other revision, with the theme and the settings that it had there."""
    from newsletter.sources.git_tree import folder_at

    with tempfile.TemporaryDirectory(prefix="newsletter-revision-") as name:
        root = Path(name)
        folder_at(proof.config.folder, against, root)
        try:
            before = tools.read_at(root)
        except IssueError:
            return Change(against, is_new=True)
        old, new = (
            (fill(each.edition.text, values), fill(each.edition.html, values))
            for each in (before, proof)
            for values in (people.reader(tools, each, people.SOMEBODY).values(each),)
        )
        return Change(against, hunks(old[0], new[0]), hunks(_lines(old[1]), _lines(new[1])))


def _lines(html: str) -> str:
    """A tag a line: what a compiler wrote has few lines of its own."""
    return html.replace(">", ">\n").replace("<", "\n<").replace("\n\n", "\n")
