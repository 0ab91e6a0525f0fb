"""Find and read newsletter.toml, and the secrets that it names.

--config FILE  or else  NEWSLETTER_CONFIG  or else  the current folder or the nearest one above it that has
newsletter.toml, or a pyproject.toml with [tool.newsletter]
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config import Config, Secret, parse_config
from newsletter.config_transports import TransportConfig
from newsletter.errors import ConfigError, Problem
from newsletter.providers import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.config_bounces import BouncesConfig

FILE = "newsletter.toml"
VARIABLE = "NEWSLETTER_CONFIG"


def load_config(start: Path, explicit: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings that hold in the folder `start`. Raises ConfigError when there are none, or they are wrong."""
    return read_config(find_config(start, explicit, environ))


def find_config(start: Path, explicit: Path | None, environ: Mapping[str, str]) -> Path:
    """The absolute path of the file with the settings; a named one is not opened yet. Raises ConfigError."""
    if explicit:
        return _absolute(start / explicit)
    if named := environ.get(VARIABLE):
        return _absolute(start / named)
    folder = _absolute(start)
    for place in (folder, *folder.parents):
        if found := config_in(place):
            return found
    raise ConfigError(
        Problem(
            f"there is no {FILE} in {folder} or in a folder above it",
            fix="go to your newsletter's folder, name the file with --config FILE, or begin one with: newsletter init",
        )
    )


def config_in(folder: Path) -> Path | None:
    """The file with the settings in exactly this folder."""
    if (folder / FILE).is_file():
        return folder / FILE
    pyproject = folder / "pyproject.toml"
    return pyproject if _speaks_of_us(pyproject) else None


def read_config(path: Path) -> Config:
    """The settings in a file. Raises ConfigError with all that is wrong."""
    return parse_config(text_of(path), str(path), CATALOGUE)


def read_secret(transport: TransportConfig | BouncesConfig, environ: Mapping[str, str]) -> Secret | None:
    """The password that the settings name; None when they log in as nobody. Raises ConfigError when it is not there."""
    if not transport.username:
        return None
    if transport.password_env:
        value = environ.get(transport.password_env, "")
        source = f"the variable {transport.password_env}, which is not set"
        fix = f"set {transport.password_env}, or name a file with password_file"
    elif transport.password_file:
        value = text_of(transport.password_file).partition("\n")[0].strip("\r")
        source = f"{transport.password_file}, whose first line is empty"
        fix = "write the password on the first line of that file"
    else:
        return None
    if not value:
        who = f"the transport {transport.name!r}" if isinstance(transport, TransportConfig) else "[bounces]"
        raise ConfigError(Problem(f"{who} takes its password from {source}", fix=fix))
    return Secret(value)


def read_key(transport: TransportConfig, what: str, default_env: str, environ: Mapping[str, str]) -> Secret:
    """A provider's secret, "key" or "webhook_secret", from the variable or the file that the settings name.

    Where they name none, from `default_env`; with that "" too, it is empty. Raises ConfigError when it is not there.
    """
    if file := getattr(transport, f"{what}_file"):
        value = text_of(file).partition("\n")[0].strip()
        source, fix = f"{file}, whose first line is empty", f"write it on the first line of {file}"
    else:
        name = getattr(transport, f"{what}_env") or default_env
        if not name:
            return Secret("")
        value = environ.get(name, "").strip()
        source, fix = f"the variable {name}, which is not set", f"set {name}, or name a file with {what}_file"
    if not value:
        raise ConfigError(Problem(f"the transport {transport.name!r} takes its {what} from {source}", fix=fix))
    return Secret(value)


def _speaks_of_us(pyproject: Path) -> bool:
    """Whether a pyproject.toml has our section; one that is broken counts when it seems to, and is then reported."""
    try:
        text = pyproject.read_text("utf-8", errors="replace")
        return "newsletter" in tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError:
        return "[tool.newsletter" in text
    except (OSError, RecursionError, AttributeError, TypeError):
        return False


def text_of(path: Path) -> str:
    """What stands in a file that the settings name. Raises ConfigError with the reason when it cannot be read."""
    try:
        return path.read_text("utf-8-sig")  # editors on Windows put a mark first
    except FileNotFoundError:
        raise ConfigError(Problem("there is no such file", str(path), fix="see that the name is right")) from None
    except (IsADirectoryError, PermissionError) as error:
        if path.is_dir():
            problem = Problem("this is a folder, not a file", str(path), fix=f"perhaps {path / FILE}")
            raise ConfigError(problem) from None
        raise ConfigError(Problem(f"cannot be read: {error.strerror}", str(path), fix="see who may read it")) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(Problem("this is not UTF-8", str(path), line, fix="save the file as UTF-8")) from None
    except OSError as error:
        raise ConfigError(
            Problem(f"cannot be read: {error.strerror}", str(path), fix="see that the path is right")
        ) from error


def _absolute(path: Path) -> Path:
    # Not resolve(): behind a symbolic link, the folder that the author sees is the newsletter's.
    return Path(os.path.normpath(path.absolute()))
