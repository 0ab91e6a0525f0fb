"""A theme: a folder of templates and tokens, as a value; and the machine that runs its templates.

    theme.toml        tokens: colours (light and dark), fonts, sizes
    layout.mjml.j2    the whole page: head, header, body, footer
    style.css.j2      what is written into the elements' style attributes
    blocks/*.mjml.j2  one file a block
    text.j2           the frame of the text part
    skeleton.md       what a new issue begins with

A file can go on from the one that it replaces: `{% extends "inherited/layout.mjml.j2" %}`.

What a block's template writes decides where it goes: HTML stands in the running text, an MJML element such as
`<mj-button>` in the column, an `<mj-section>` across the page. Runs of text share one section.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from newsletter.errors import NewsletterError, Problem, ThemeError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

    from jinja2 import Environment, Template
    from jinja2.bccache import Bucket

LAYOUT, STYLE, TEXT, PROSE = "layout.mjml.j2", "style.css.j2", "text.j2", "blocks/prose.mjml.j2"
TOKENS, SKELETON = "theme.toml", "skeleton.md"
INHERITED = "inherited/"  # before the path of a file that another one of the same path has replaced
_FIRST = re.compile(rf"""<(?P<tag>[a-z][a-z-]*)|\{{%-?\s*(?:extends|include)\s+["'](?P<file>{INHERITED}[^"']+)""")


class Said(NamedTuple):
    """Where a theme.toml says something: its path to show, the line, and the folder that it lies in."""

    path: str
    line: int
    folder: str


@dataclass(frozen=True, eq=False)
class Theme:
    """A theme with what it inherits: its files' texts by their path within the theme, and where each was read."""

    name: str
    files: Mapping[str, str]
    tokens: Mapping[str, Any]  # theme.toml, merged over the parent's
    origins: Mapping[str, str] = field(default_factory=dict)  # path within the theme → path to show
    logo_said: Mapping[str, Said] = field(default_factory=dict)  # `src` and `dark` of [logo] → where that is said

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all files: two themes with the same one render alike."""
        digest = sha256()
        for path in sorted(self.files):
            digest.update(f"{path}\0{self.files[path]}\0".encode())
        return digest.hexdigest()

    def origin(self, path: str) -> str:
        """The path to show for a file of the theme."""
        return self.origins.get(path, f"{self.name}/{path}")

    def is_own(self, path: str) -> bool:
        """Whether a file is the theme's own, not inherited."""
        return path in self.files and self.origin(path) == f"{self.folder}/{path}"

    @property
    def folder(self) -> str:
        """The path to show for the theme itself."""
        return self.origin(TOKENS).removesuffix(f"/{TOKENS}")

    @property
    def description(self) -> str:
        """One line about the theme, for people."""
        return str(self.tokens.get("theme", {}).get("description", ""))

    @property
    def inherits(self) -> str:
        """The name of the theme that it takes everything else from, or nothing."""
        return str(self.tokens.get("theme", {}).get("inherits", ""))

    @property
    def look(self) -> dict[str, Any]:
        """The tokens that templates read, table by table."""
        return {table: keys for table, keys in self.tokens.items() if table != "theme"}

    @property
    def skeleton(self) -> str:
        """The text that a new issue begins with, below its front matter."""
        return self.files.get(SKELETON, "")

    def over(self, parent: Theme) -> Theme:
        """A theme that takes what it does not have from another one; what it replaces stays at hand."""
        # What a replaced file went on from stays below it: mine → inherited/… → inherited/inherited/….
        moved = {path: f"{INHERITED}{path}" if _plain(path) in self.files else path for path in parent.files}
        return Theme(
            self.name,
            {**{new: parent.files[path] for path, new in moved.items()}, **self.files},
            # What a theme says about itself is said of no other.
            {**merged(parent.tokens, self.tokens), "theme": self.tokens.get("theme", {})},
            {**{new: parent.origin(path) for path, new in moved.items()}, **self.origins},
            {**parent.logo_said, **self.logo_said},
        )

    @property
    def width(self) -> int:
        """The page's width in CSS pixels."""
        return int(self.tokens.get("sizes", {}).get("width", 600))

    @property
    def text_width(self) -> int:
        """What the margins leave of it for running text."""
        return self.width - 2 * int(self.tokens.get("sizes", {}).get("margin", 0))


def _plain(path: str) -> str:
    return path.rpartition(INHERITED)[2]


def merged(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The parent's tokens with the child's over them, table by table."""
    out = dict(parent)
    for name, value in child.items():
        above = out.get(name)
        out[name] = merged(above, value) if isinstance(value, dict) and isinstance(above, dict) else value
    return out


def made(html: str) -> Markup:
    """HTML that was made here, from escaped text: templates put it in as it is."""
    return Markup(html)  # noqa: S704


class _Loader(BaseLoader):
    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def get_source(self, _: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        if template not in self._theme.files:
            raise TemplateNotFound(template)
        return self._theme.files[template], self._theme.origin(template), lambda: True


class _Compiled(BytecodeCache):
    """What templates were compiled to: themes share most of their files, and a save changes one."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code
        _make_room(self._codes, _CODES_KEPT)
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class _Environment(ImmutableSandboxedEnvironment):
    def join_path(self, template: str, parent: str) -> str:
        """A file's name from where another one names it: what `inherited/` means depends on who says it."""
        if not template.startswith(INHERITED):
            return template
        return f"{parent.removesuffix(_plain(parent))}{template}"

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A dot on a mapping means its entry first: a token may be called `items`, and most dots are entries."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


class Machine:
    """A theme's templates, compiled as they are used."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        # Markup is escaped, CSS and plain text are not.
        self._env = _Environment(
            loader=_Loader(theme),
            bytecode_cache=_COMPILED,
            undefined=StrictUndefined,
            autoescape=lambda name: name is None or name.endswith(".mjml.j2"),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals.clear()
        self._templates: dict[str, Template] = {}
        self._is_mjml: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        """Whether the theme has such a file."""
        return path in self.theme.files

    def run(self, path: str, variables: dict[str, Any]) -> str:
        """A template's output. Raises ThemeError with its file and line."""
        template = self._templates.get(path) or self._load(path)
        try:
            # As template.render does, without two copies of the variables.
            return "".join(template.root_render_func(template.new_context(variables, shared=True)))
        except NewsletterError:  # it is told already, by a block within this one
            raise
        except Exception:  # noqa: S110  (told below, with the template's line)
            pass
        try:
            return template.render(variables)
        except TemplateError as error:
            raise self._runtime_error(path, error) from None
        except RecursionError:
            raise self.error(path, "it includes itself, without an end") from None
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise self._runtime_error(path, error) from None

    def is_mjml(self, path: str) -> bool:
        """Whether a template writes MJML rather than HTML, told by its first tag."""
        if path not in self._is_mjml:
            source = re.sub(r"\{#.*?#\}", "", self.theme.files.get(path, ""), flags=re.DOTALL)
            first = _FIRST.search(source)
            if first is not None and first["file"]:
                self._is_mjml[path] = self.is_mjml(self._env.join_path(first["file"], path))
            else:
                self._is_mjml[path] = first is not None and first["tag"].startswith("mj-")
        return self._is_mjml[path]

    def error(self, path: str, message: str, line: int | None = None, fix: str | None = None) -> ThemeError:
        """The error to raise for a template."""
        return ThemeError(Problem(message, self.theme.origin(path), line, fix=fix))

    def _load(self, path: str) -> Template:
        try:
            template = self._env.get_template(path)
        except TemplateNotFound:
            known = sorted(self.theme.files)
            raise ThemeError(
                Problem(f"the theme {self.theme.name!r} has no {path}", fix=did_you_mean(path, known))
            ) from None
        except TemplateSyntaxError as error:
            raise self._syntax_error(error) from None
        self._templates[path] = template
        return template

    def _syntax_error(self, error: TemplateSyntaxError) -> ThemeError:
        return ThemeError(Problem(error.message or "it cannot be read", error.filename, error.lineno))

    def _runtime_error(self, path: str, error: Exception) -> ThemeError:
        if isinstance(error, TemplateSyntaxError):  # in a file that this one includes
            return self._syntax_error(error)
        file, line = self.theme.origin(path), None
        frame = error.__traceback__
        while frame is not None:
            # Jinja rewrites the frames of templates, so that they name the template's file and line.
            if (
                frame.tb_frame.f_code.co_filename in self.theme.origins.values()
                or "jinja_template" in frame.tb_frame.f_globals.get("__name__", "")
            ):
                file, line = frame.tb_frame.f_code.co_filename, frame.tb_lineno
            frame = frame.tb_next
        message = str(error)
        fix = None
        if isinstance(error, UndefinedError):
            message = message.replace("'dict object' has", "there is").replace("no attribute", "no")
            fix = "templates/README.md lists what each file receives"
        if isinstance(error, TemplateNotFound):
            message = f"there is no file {error.name} to include"
            fix = did_you_mean(str(error.name), self.theme.files)
        return ThemeError(Problem(message, file, line, fix=fix))


_MACHINES: dict[tuple[object, ...], Machine] = {}
_MACHINES_KEPT, _CODES_KEPT = 8, 500


def _make_room(kept: dict[Any, Any], most: int) -> None:
    """Let go of what was kept first, where one more would be too many."""
    if len(kept) >= most:
        kept.pop(next(iter(kept)), None)


def machine(theme: Theme) -> Machine:
    """The theme's machine; themes with the same files share one, so that templates are compiled once."""
    key = (theme.name, theme.fingerprint, *sorted(theme.origins.items()))
    if key not in _MACHINES:
        _make_room(_MACHINES, _MACHINES_KEPT)
        _MACHINES[key] = Machine(theme)
    return _MACHINES[key]
