"""A list in a file of any kind, known by its content: text, a workbook, vCards, or a zip of them.

open_list    the list in a file. It has one table, or several: those of a zip
Table        what all kinds have in common: a header, what its columns mean, and rows

A zip is never unpacked into a folder: a file in it is read where it is, or for a workbook under a name of our own. One
that holds a password, another zip, names that lead elsewhere, or more than it should, is refused.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from newsletter.errors import ListError, Problem, did_you_mean
from newsletter.sources.csv_list import CsvList, Unreadable
from newsletter.sources.list_cards import CardList, is_cards
from newsletter.sources.list_columns import Columns, check_mapping
from newsletter.sources.list_sheets import SheetList, Workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType
    from typing import BinaryIO

MOST_BYTES = 8 << 30  # that a zip may hold
_MOST_TIMES = 200  # how many times its size
_MOST_FILES = 20_000
_HEAD = 4096
_BIG = 2_000_000  # bytes from which on it is worth to count the rows beforehand

# What other kinds of file begin with, and what to do about them.
_NO_LIST = {
    b"%PDF": ("a PDF", "ask for the list as CSV"),
    b"\x89PNG": ("a picture", "ask for the list as CSV"),
    b"\xff\xd8\xff": ("a picture", "ask for the list as CSV"),
    b"GIF8": ("a picture", "ask for the list as CSV"),
    b"{\\rtf": ("a text of a word processor", "save the list as CSV"),
    b"SQLite format 3": ("a database", "export the table as CSV"),
    b"\x1f\x8b": ("a file packed by gzip", "unpack it first"),
    b"7z\xbc\xaf": ("a file packed by 7-Zip", "unpack it first"),
    b"Rar!": ("a file packed by RAR", "unpack it first"),
    b"{": ("JSON", "export the list as CSV"),
    b"<": ("a web page or XML", "export the list as CSV"),
}
_ENDINGS = {".csv", ".tsv", ".txt", ".xlsx", ".ods", ".vcf", ".zip"}  # of what may have been meant
# Where exports keep who opened what: there are addresses in it, and it is no list.
_NO_LISTS_IN = {"posts", "reports", "granular_activity", "aggregate_activity", "geo_data", "campaigns", "__macosx"}
# Of these Mailchimp knows the address, from a purchase, say; they never agreed to anything.
_NEVER_JOINED = ("nonsubscribed", "non_subscribed", "transactional")


class Table(Protocol):
    """Rows under a header. It can be read several times over."""

    name: str  # of the file, as the author gave it
    part: str  # which file of a zip, which sheet of a workbook; "" where there is but one
    how: str  # how it was read: "CSV, UTF-8, semicolons"
    header: list[str]
    header_line: int
    delimiter: str  # with which to write rows back
    columns: Columns

    def rows(self) -> Iterator[tuple[int, list[str] | Unreadable]]:
        """Each row that is not blank with its line: its cells, or what is wrong with it."""

    def about(self) -> int:
        """How many rows there are, about. Takes time."""


class SubscriberList:
    """A list that is open: its tables, and who wrote it. A context, which closes what it holds."""

    def __init__(self, name: str, tables: list[Table], left_alone: list[str], resources: ExitStack, size: int) -> None:
        self.name = name
        # Who has left comes first: whoever stands in both is not written to, and counts once.
        self.tables = sorted(tables, key=lambda table: not _all_leave(table))
        self.left_alone = left_alone
        self._resources = resources
        self._size = size

    @property
    def vendor(self) -> str:
        """Whose export this is; "" when that is not known."""
        return next(filter(None, map(_vendor, self.tables)), "")

    def about(self) -> int:
        """How many rows a long list has; 0 for a short one."""
        return sum(table.about() for table in self.tables) if self._size > _BIG else 0

    def __enter__(self) -> SubscriberList:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()


def _vendor(table: Table) -> str:
    return table.columns.vendor.name if table.columns.vendor else ""


def _beside(path: Path) -> str:
    """What the author may have meant, among the lists in that folder."""
    folder = path.parent
    known = [each.name for each in folder.iterdir() if each.suffix.lower() in _ENDINGS] if folder.is_dir() else []
    return did_you_mean(path.name, known) if known else "name the file with its folder, as this folder sees it"


def _never_joined(name: str) -> bool:
    return any(word in name.casefold() for word in _NEVER_JOINED)


def _all_leave(table: Table) -> bool:
    return bool(table.columns.vendor and table.columns.vendor.leaves(table.header))


def open_list(path: Path, mapping: Mapping[str, str] | None = None, name: str = "") -> SubscriberList:
    """The list in a file; `mapping` is what the author says about its columns, `name` what to call it.

    Raises ListError when there is none, or when it is no list.
    """
    name = name or str(path)
    resources = ExitStack()
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
        tables, left_alone = _tables(path, head, name, mapping, resources)
        for table in tables:
            if _vendor(table) == "Mailchimp" and _never_joined(PurePosixPath(name.replace("\\", "/")).name):
                raise ListError(Problem("these contacts never subscribed, says Mailchimp", name,
                                        fix="leave this file out: they have not agreed to anything"))  # fmt: skip
        if mapping:
            check_mapping(mapping, [table.header for table in tables], name)
        return SubscriberList(name, tables, left_alone, resources, size)
    except IsADirectoryError:
        raise ListError(Problem("this is a folder, not a list", name, fix="name a file in it")) from None
    except FileNotFoundError:
        raise ListError(Problem("there is no such file", name, fix=_beside(path))) from None
    except OSError as error:
        resources.close()
        raise ListError(Problem(f"the list cannot be read: {error.strerror or error}", name)) from error
    except BaseException:
        resources.close()
        raise


def _tables(
    path: Path, head: bytes, name: str, mapping: Mapping[str, str] | None, resources: ExitStack
) -> tuple[list[Table], list[str]]:
    if head.startswith(b"PK\x03\x04") or zipfile.is_zipfile(path):
        archive = _archive(path, name, resources)
        if not _is_workbook(archive, name):
            return _zipped(archive, name, mapping, resources)
    elif not head.startswith(b"\xd0\xcf\x11\xe0"):
        return [_text(lambda: path.open("rb"), head, name, "", mapping)], []
    sheet = SheetList(_workbook(path, name, resources), "", mapping)
    return [sheet], sheet.unread


def _text(
    opener: Callable[[], BinaryIO], head: bytes, name: str, part: str, mapping: Mapping[str, str] | None
) -> Table:
    if is_cards(head):
        return CardList(opener, name, part, mapping)
    for mark, (what, fix) in _NO_LIST.items():
        if head.lstrip().startswith(mark):
            raise ListError(Problem(f"this is {what}, not a list", name, fix=fix))
    return CsvList(opener, name, part, mapping)


def _workbook(path: Path, name: str, resources: ExitStack) -> Workbook:
    book = Workbook(path, name)
    resources.callback(book.close)
    return book


# ── zip ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _archive(path: Path, name: str, resources: ExitStack) -> zipfile.ZipFile:
    try:
        archive = resources.enter_context(zipfile.ZipFile(path))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ListError(Problem(f"the zip is damaged: {error}", name, fix="fetch it again")) from None
    held = sum(each.file_size for each in archive.infolist())
    if held > MOST_BYTES or held > max(_MOST_TIMES * path.stat().st_size, _BIG):
        raise ListError(Problem(f"the zip says it holds {held:,} bytes, which no list does", name,
                                fix="unpack it, and import the list in it"))  # fmt: skip
    if len(archive.infolist()) > _MOST_FILES:
        raise ListError(Problem(f"the zip holds {len(archive.infolist()):,} files", name,
                                fix="unpack it, and import the list in it"))  # fmt: skip
    return archive


def _is_workbook(archive: zipfile.ZipFile, name: str) -> bool:
    names = set(archive.namelist())
    if "[Content_Types].xml" in names:
        if any(each.startswith("xl/") for each in names):
            return True
        raise ListError(Problem("this is a document, not a list", name, fix="copy the table into a spreadsheet"))
    if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
        kind = archive.read("mimetype")
        if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
            return True
        raise ListError(Problem("this is a document, not a list", name, fix="copy the table into a spreadsheet"))
    if any(each.startswith("Index/") and each.endswith(".iwa") for each in names):
        raise ListError(Problem("this is a Numbers document", name, fix="export it from Numbers as CSV"))
    return False


def _zipped(
    archive: zipfile.ZipFile, name: str, mapping: Mapping[str, str] | None, resources: ExitStack
) -> tuple[list[Table], list[str]]:
    """The lists in a zip, and the files in it that are none."""
    tables: list[Table] = []
    left_alone: list[str] = []
    problems: list[ListError] = []
    for member in archive.infolist():
        if member.is_dir():
            continue
        shown = _checked_name(member, name)
        where = PurePosixPath(shown.casefold())
        hidden = where.name.startswith(".") or _never_joined(where.name)
        if hidden or _NO_LISTS_IN & set(where.parts[:-1]):
            left_alone.append(shown)
            continue
        try:
            tables.append(found := _member(archive, member, name, shown, mapping, resources))
            left_alone += [f"{shown}, {told}" for told in getattr(found, "unread", ())]
        except ListError as error:
            left_alone.append(shown)
            problems.append(error)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, OSError, zlib.error) as error:
            raise ListError(Problem(f"{shown} in the zip is damaged: {error}", name, fix="fetch it again")) from None
    if not tables:
        told = f": {problems[0].problems[0].message}" if len(problems) == 1 else ""
        held = ", ".join(left_alone[:8]) or "nothing"
        raise ListError(Problem(f"there is no list in this zip{told}", name, fix=f"it holds: {held}"))
    return tables, left_alone


def _checked_name(member: zipfile.ZipInfo, name: str) -> str:
    shown = "".join(each if each.isprintable() else "?" for each in member.filename)[:200]
    where = PurePosixPath(member.filename.replace("\\", "/"))
    if where.is_absolute() or ".." in where.parts or ":" in where.parts[0]:
        raise ListError(Problem(f"the zip holds a file that wants to lie elsewhere: {shown}", name,
                                fix="do not unpack it; ask whoever gave it to you"))  # fmt: skip
    if member.flag_bits & 1:
        raise ListError(Problem(f"{shown} in the zip is locked with a password", name,
                                fix="unpack it with the password, and import the list in it"))  # fmt: skip
    return shown


def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, part: str, mapping: Mapping[str, str] | None,
    resources: ExitStack,
) -> Table:  # fmt: skip
    def opened() -> BinaryIO:
        return archive.open(member)  # type: ignore[return-value]

    with opened() as file:
        head = file.read(_HEAD)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="newsletter-"))
        path = Path(folder) / "workbook"
        with opened() as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        if head.startswith(b"PK"):
            inner = _archive(path, name, resources)
            if not _is_workbook(inner, name):
                raise ListError(Problem("a zip in a zip is not opened", name, fix=f"unpack {part} first"))
        return SheetList(_workbook(path, name, resources), part, mapping)
    return _text(opened, head, name, part, mapping)
