"""What may be written in newsletter.toml: the functions that read a text, a number, a name or a file.

Each of them takes what TOML gave and returns the value to keep, or raises ConfigError with one Problem, without a
place, whose message goes on after the key's name ("… must be text"). An empty text always passes: it is how a setting
is written that is not filled in yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from newsletter.errors import ConfigError, Problem, did_you_mean
from newsletter.languages import language_tag, tag_of_name
from newsletter.zones import time_zone

# The keys of a section, each with the function that reads its value.
Keys = dict[str, Callable[[Any], Any]]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def wrong(message: str, fix: str) -> ConfigError:
    """The error for a value, without a place; its message goes on after the key's name."""
    return ConfigError(Problem(message, fix=fix))


def plain_text(value: Any) -> str:
    """A text, whatever is in it."""
    if not isinstance(value, str):
        fix = f'write "{value}"' if type(value) in (int, float) else "write one text in quotes"
        raise wrong(f"must be text, not {_name_of(value)}", fix)
    return value


def _name_of(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a section", str: "text"}
    return names.get(type(value), "a date or time")


def line(value: Any) -> str:
    """A text without line breaks or other control characters, so that it can stand in a mail's header."""
    text = plain_text(value)
    if _CONTROL.search(text):
        raise wrong("must be one line without control characters", "take the line break or tab out")
    return text.strip()


def text_lines(value: Any) -> str:
    """A text of one or more lines."""
    text = plain_text(value).replace("\r\n", "\n")
    if _CONTROL_IN_LINES.search(text):
        raise wrong("holds a control character", "take it out; line breaks are welcome")
    return text.strip()


def language(value: Any) -> str:
    """A language as in `fr` or `pt-BR` (BCP 47)."""
    text = line(value)
    tag = language_tag(text) if text else ""
    if tag is None:
        meant = tag_of_name(text)
        raise wrong(
            f"is no language code: {text!r}", f'write "{meant}"' if meant else 'write two letters, such as "en" or "fr"'
        )
    return tag


def zone_name(value: Any) -> str:
    """A time zone by its IANA name, such as `Europe/Paris`."""
    text = line(value)
    try:
        return time_zone(text) if text else text
    except ValueError as error:
        raise wrong(f"is no time zone: {text!r}", str(error)) from None


def folder_name(value: Any) -> str:
    """The name of one folder, without a path."""
    text = line(value)
    if text in (".", "..") or "/" in text or "\\" in text:
        raise wrong(f"must be a name, not a path: {text!r}", "themes stand side by side; give the folder's name alone")
    return text


def file_path(value: Any) -> str:
    """A path, relative to the configuration file or absolute."""
    text = line(value)
    if text.startswith("~"):
        raise wrong("must not begin with ~, which would differ for each user", "write the path in full")
    return text


def variable_name(value: Any) -> str:
    """The name of an environment variable. A wrong one is never repeated: it may be the secret itself."""
    text = line(value)
    if text and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise wrong(
            "must be the name of an environment variable", 'write "NEWSLETTER_SMTP_PASSWORD", and set that variable'
        )
    return text


def choice(*known: str) -> Callable[[Any], str]:
    """One of a few words."""

    def read(value: Any) -> str:
        text = plain_text(value)
        if text and text not in known:
            listed = f"{', '.join(known[:-1])} or {known[-1]}"
            raise wrong(f"must be {listed}, not {text!r}", did_you_mean(text, known))
        return text

    return read


def whole_number(lowest: int, highest: int, example: int | None = None) -> Callable[[Any], int]:
    """A whole number between two others, both included; `example` is one that somebody may want."""

    def read(value: Any) -> int:
        if type(value) is not int:
            unquoted = isinstance(value, str) and value.strip().isdecimal()
            fix = (
                f"write it without quotes: {value.strip()}"
                if unquoted
                else f"a number such as {lowest if example is None else example}"
            )
            raise wrong(f"must be a whole number, not {_name_of(value)}", fix)
        if not lowest <= value <= highest:
            raise wrong(
                f"must be between {lowest} and {highest}, not {value}", f"write a number from {lowest} to {highest}"
            )
        return value

    return read


def yes_or_no(value: Any) -> bool:
    """A switch."""
    if not isinstance(value, bool):
        raise wrong(f"must be true or false, not {_name_of(value)}", "write it without quotes: true")
    return value


def seconds(value: Any) -> float:
    """A time in seconds, longer than none."""
    if type(value) not in (int, float):
        raise wrong(f"must be a number of seconds, not {_name_of(value)}", "write it without quotes and units: 60")
    if not 0 < value < float("inf"):
        raise wrong(f"must be longer than 0 seconds, not {value}", "60 is a good value")
    return float(value)
