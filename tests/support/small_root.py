"""A root file system with no more in it than some programs need: for those whose paths and users are compiled in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIRST_ID = 5001  # of users and groups that exist only inside


@dataclass(frozen=True)
class SmallRoot:
    """The folder, and the ids of its users, each with a group of the same name."""

    path: Path
    users: Mapping[str, int]

    def make_folder(self, name: str, owner: str | None = None, mode: int = 0o755) -> None:
        """Make a folder inside."""
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
        if owner:
            os.chown(folder, self.users[owner], self.users[owner])

    def write(self, name: str, text: str) -> None:
        """Write a file inside, owned by root."""
        (self.path / name).write_text(text)

    def command(self, program: Path, *arguments: str) -> list[str]:
        """How to run a program inside."""
        return ["chroot", str(self.path), f"/{_place(program)}", *arguments]


def small_root(path: Path, programs: Sequence[Path], users: Mapping[str, str]) -> SmallRoot:
    """Make one with these programs, the libraries that they need, a shell, and users with these homes."""
    shell = Path("/bin/sh")
    for program in (*programs, shell):
        _put(path, program, _place(program))
        for library in _libraries(program):
            _put(path, library, str(library).lstrip("/"))
    ids = {name: _FIRST_ID + number for number, name in enumerate(users)}
    root = SmallRoot(path, ids)
    for folder in ("dev", "etc", "run", "tmp"):
        root.make_folder(folder, mode=0o1777 if folder == "tmp" else 0o755)
    rows = [f"{name}:x:{ids[name]}:{ids[name]}::{home}:/bin/sh" for name, home in users.items()]
    root.write("etc/passwd", "\n".join(["root:x:0:0::/:/bin/sh", *rows, ""]))
    root.write("etc/group", "\n".join(["root:x:0:", *(f"{name}:x:{ids[name]}:" for name in users), ""]))
    root.write("etc/hosts", "127.0.0.1 localhost\n")
    _make_devices(path / "dev")
    return root


def _place(program: Path) -> str:
    """Where a program stands in the system that it is made for: from its folder named usr or bin on."""
    parts = program.parts
    first = next(number for number, part in enumerate(parts) if part in ("usr", "bin"))
    return "/".join(parts[first:])


def _put(root: Path, source: Path, name: str) -> None:
    target = root / name
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source.resolve(), target)


def _libraries(program: Path) -> list[Path]:
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return [Path(each) for each in re.findall(r"(?:=> |^\s+)(/\S+)", said, re.MULTILINE)]


def _make_devices(folder: Path) -> None:
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(folder / name, 0o020666, os.makedev(1, minor))
        (folder / name).chmod(0o666)
