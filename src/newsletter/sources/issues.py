"""Issues on disk: found by the name that an author types, read as UTF-8, parsed.

issues/2026-11-hello.md          an issue; its stem is its name
issues/2026-11-hello/            its images: no issue, unless index.md lies there (Hugo's page bundles)
issues/README.md, _notes.md      no issues: a leading underscore, dot or the name README keeps a file out
"""

from __future__ import annotations

from pathlib import Path

from newsletter.errors import IssueError, Problem, did_you_mean, meant
from newsletter.issue import Issue, parse_issue, stem_of

ENDINGS = (".md", ".markdown")
_LARGEST = 8_000_000  # bytes; an issue is text, and ten times less would be a long book


def read_issue(path: Path, root: Path | None = None) -> Issue:
    """The issue in the file at `path`, called by its place below `root` in messages and in `Issue.path`.

    Raises IssueError when there is no such file, when it is not UTF-8, and for all that parse_issue refuses.
    """
    shown = _shown(path, root)
    try:
        if path.is_dir():
            raise IssueError(Problem("this is a folder; an issue is one file", shown, fix=_instead_of_folder(path)))
        if not path.exists():
            raise IssueError(_missing(path.name, shown, path.parent))
        if not path.is_file():
            raise IssueError(Problem("this is not an ordinary file", shown, fix="an issue is a text file"))
        if (size := path.stat().st_size) > _LARGEST:
            message = f"{size:,} bytes are no newsletter"
            raise IssueError(Problem(message, shown, fix="keep images and other files out of the text"))
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        reason = error.strerror if isinstance(error, OSError) else None
        raise IssueError(Problem(f"cannot be read: {reason or error}", shown)) from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise IssueError(_not_utf8(content, error.start, shown)) from None
    return parse_issue(text, shown)


def find_issue(name: str, folder: Path) -> Path:
    """The file that an author means by `name`: its path, or its name in `folder`, with or without the ending.

    Raises IssueError with the nearest names when there is none. A part of a name is never taken for the whole one:
    what is found here gets sent.
    """
    try:
        for place in (Path(name), folder / name):
            for candidate in _candidates(place):
                if candidate.is_file():
                    return candidate
        wanted = stem_of(name)
        for path in list_issues(folder):  # the same letters, composed differently by another file system
            if stem_of(path.as_posix()) == wanted:
                return path
        if Path(name).is_dir():
            raise IssueError(
                Problem("this is a folder; an issue is one file", name, fix=_instead_of_folder(Path(name)))
            )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise IssueError(Problem(f"there is no issue of this name: {reason or error}", name)) from None
    raise IssueError(_missing(name, name, folder))


def list_issues(folder: Path) -> tuple[Path, ...]:
    """The files of all issues in `folder`, ordered by name.

    Raises IssueError when there is no such folder, and when two files have the same name.
    """
    if not folder.is_dir():
        fix = "newsletter init makes one; newsletter.toml says under `issues` where it is"
        raise IssueError(Problem("there is no such folder of issues", str(folder), fix=fix))
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            path = next((path / f"index{ending}" for ending in ENDINGS if (path / f"index{ending}").is_file()), path)
        if not (_is_issue(path) and path.is_file()):
            continue
        stem = stem_of(path.as_posix())
        if stem in found:
            message = f"{path.relative_to(folder)} has the name of {found[stem].relative_to(folder)}"
            raise IssueError(Problem(message, str(path), fix="rename one: a mailing is known by its issue's name"))
        found[stem] = path
    return tuple(found[stem] for stem in sorted(found))


def _is_issue(path: Path) -> bool:
    names = (path.name, path.parent.name) if path.stem == "index" else (path.name,)
    return path.suffix.lower() in ENDINGS and not any(
        name.startswith((".", "_")) or name.casefold().startswith("readme.") for name in names
    )


def _candidates(place: Path) -> list[Path]:
    """What `place` may stand for, the likeliest first. A shell completes to the folder of the images."""
    whole = [place.with_name(place.name + ending) for ending in ENDINGS] if place.name else []
    return [place, *whole, *(place / f"index{ending}" for ending in ENDINGS)]


def _shown(path: Path, root: Path | None) -> str:
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return str(path)


def _instead_of_folder(path: Path) -> str:
    file = next((file for file in _candidates(path) if file.is_file()), None)
    return f"name the file: {file.name}" if file else "name one of the files in it"


def _missing(name: str, shown: str, folder: Path) -> Problem:
    known = [stem_of(path.as_posix()) for path in list_issues(folder)] if folder.is_dir() else []
    wanted = stem_of(name)
    if not known:
        fix = f"there are no issues in {folder}" if folder.is_dir() else f"there is no folder {folder}"
    elif meant(wanted, known) is None and len(known) > 10:
        fix = f"the newest issues are: {', '.join(known[-10:])}"
    else:
        fix = did_you_mean(wanted, known)
    return Problem("there is no such issue", shown, fix=fix)


_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def _not_utf8(content: bytes, index: int, shown: str) -> Problem:
    """The first byte that is not UTF-8, where it is, and what the file probably is instead."""
    if mark := _MARKS.get(content[:2]):
        message = f"the file is saved as {mark}"
        return Problem(message, shown, 1, 1, f"save it as UTF-8, or run: iconv -f {mark} -t UTF-8")
    before = content[:index].removeprefix(b"\xef\xbb\xbf").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    byte = content[index : index + 1]
    character = byte.decode("cp1252", "replace")
    message = f"the file is not UTF-8: byte 0x{byte.hex().upper()}"
    if b"\0" in content or character == "\N{REPLACEMENT CHARACTER}":
        return Problem(message, shown, line, column, "an issue is a text file, saved as UTF-8")
    fix = f"in Windows-1252 it is {character!r}; save the file as UTF-8, or run: iconv -f WINDOWS-1252 -t UTF-8"
    return Problem(message, shown, line, column, fix)
