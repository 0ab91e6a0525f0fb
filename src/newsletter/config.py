"""Config: newsletter.toml as frozen values. Every mistake in it is reported at once, with its line and a way out.

    [newsletter]         title language timezone base_url postal_address issues templates theme
    [sender]             name email reply_to bounces
    [store]              url
    [transport]          use
    [transports.NAME]    kind, and what that kind takes
    [dkim]               domain rsa_selector rsa_key_file ed25519_selector ed25519_key_file
    [bounces]            kind, and what that kind takes
    [images]             place folder base_url
    [archive]            feeds
    [web]                fields topics confirm welcome goodbye consent privacy proxies, and limits for the pages
    [fields]             NAME = a type, a list of choices, or a table: type choices label public
    [segments]           NAME = a rule
    [limits]             rate daily warmup warmup_from
    [limits.GROUP]       rate in_flight daily domains mx
    [dns]                servers
    [retry]              minutes give_up_after_hours

The same stands in pyproject.toml under [tool.newsletter], [tool.newsletter.sender] and so on.

A secret is never written here: the file names an environment variable or another file, and `sources/settings.py` reads
that one when the transport is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.config_addresses import in_folder
from newsletter.config_bounces import BouncesConfig, bounces_config, mistakes_in_bounces
from newsletter.config_fields import fields_of, segments_of
from newsletter.config_images import ImagesConfig, images_config, mistakes_in_images
from newsletter.config_keys import GROUP_LIMITS, SECTIONS
from newsletter.config_limits import mistakes_in_limits
from newsletter.config_providers import NO_PROVIDERS, Catalogue, Setting, keys_of, mistakes_in_provider
from newsletter.config_reading import (
    PYPROJECT,
    Mistakes,
    heading,
    home_of,
    sections_of,
    transport_fix,
    values_of,
    written,
)
from newsletter.config_transports import (
    KINDS,
    TransportConfig,
    keys_of_any_kind,
    mistakes_in_transport,
    transport_config,
)
from newsletter.config_web import WebConfig, web_config
from newsletter.delivery import Schedule
from newsletter.errors import ConfigError, Problem, did_you_mean
from newsletter.limits import ALL, Limit, Limits
from newsletter.toml_places import read_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from newsletter.field import Field
    from newsletter.toml_places import KeyPath

_NEEDED_TO_SEND = (
    ("newsletter", "title", "readers and their filters know the list by it", '"My letter"'),
    ("newsletter", "base_url", "every message links to the page where a reader leaves", '"https://letter.example.org"'),
    ("newsletter", "postal_address", "the law wants one in every newsletter", '"12 Lilac Street, Springfield"'),
    ("sender", "email", "every message comes from somebody", '"letter@example.org"'),
    ("transport", "use", "the messages need a way out", '"relay"'),
)

# ── What was read ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Secret:
    """A password or key. Only `reveal()` shows it: no log line, error or repr does."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself, for the one place that hands it to a server."""
        return self._value

    def __str__(self) -> str:
        return "(secret)"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the messages come from; all empty until the author has filled them in."""

    name: str = ""
    email: str = ""
    reply_to: str = ""
    bounces: str = ""  # where messages come back to; each gets a tag of its own. "": to `email`, without tags


@dataclass(frozen=True, slots=True)
class DkimKeyFile:
    """A key that messages are signed with: where receivers look for its other half, and where ours is."""

    selector: str
    path: Path


@dataclass(frozen=True, slots=True)
class Config:
    """A newsletter's settings. Paths stand below the file's folder already, and `store_url` names its file in full."""

    path: Path  # the file that this was read from
    issues: Path
    templates: Path  # may not exist: the author's own themes are optional
    store_url: str
    title: str = ""
    language: str = "en"
    timezone: str = ""  # IANA; "": hours are those of wherever the reader is
    base_url: str = ""  # without a slash at its end
    postal_address: str = ""  # may have several lines
    theme: str = "letter"
    sender: Sender = Sender()
    transport: str = ""  # the name of the transport that is used unless another one is asked for
    transports: Mapping[str, TransportConfig] = field(default_factory=dict)
    dkim_domain: str = ""  # "": the sender's
    dkim_keys: tuple[DkimKeyFile, ...] = ()  # empty: the mail server signs, or nobody
    bounces: BouncesConfig = field(default_factory=BouncesConfig)
    images: ImagesConfig = field(default_factory=ImagesConfig)
    feeds: str = "full"  # what the archive's feeds have of each issue: "full" or "summary"
    web: WebConfig = field(default_factory=WebConfig)
    fields: Mapping[str, Field] = field(default_factory=dict)  # those that have more than a name
    segments: Mapping[str, str] = field(default_factory=dict)  # name → rule
    limits: Limits = field(default_factory=Limits)  # whatever the transport
    name_servers: tuple[tuple[str, int], ...] = ()  # addresses and ports; empty: the system's
    schedule: Schedule = field(default_factory=Schedule)

    @property
    def folder(self) -> Path:
        """Where the newsletter lives: what the file names is relative to this."""
        return self.path.parent

    def chosen_transport(self, name: str | None = None) -> TransportConfig:
        """The named transport (as by `--transport`), or the one that [transport] says to use. Raises ConfigError."""
        wanted = name or self.transport
        if wanted in self.transports:
            return self.transports[wanted]
        problem = f"there is no transport {wanted!r}" if wanted else "no transport is chosen"
        fix = transport_fix(wanted, self.transports, str(self.path))
        raise ConfigError(Problem(problem, str(self.path), fix=fix))

    def problems_before_sending(self) -> tuple[Problem, ...]:
        """What a real send needs and the file does not say yet, each with the line to add; empty when all is there."""
        path = str(self.path)
        said = {
            "title": self.title,
            "base_url": self.base_url,
            "postal_address": self.postal_address,
            "email": self.sender.email,
            "use": self.transport,
        }
        return tuple(
            Problem(f"{key} is missing: {reason}", path, fix=f"write below {heading(section, path)}: {key} = {example}")
            for section, key, reason, example in _NEEDED_TO_SEND
            if not said[key]
        )


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_config(text: str, path: str, providers: Catalogue = NO_PROVIDERS) -> Config:
    """The settings in the text of a newsletter.toml, or of a pyproject.toml (told by the path's last part).

    `providers` are those whose names a transport may have as its kind.

    Raises ConfigError with a Problem for each mistake, in the order of the text.
    """
    document, places = read_toml(text, path, ConfigError)
    mistakes = Mistakes(path, places)
    home: KeyPath = ()
    if Path(path).name == PYPROJECT:
        home = ("tool", "newsletter")
        document = _table(_table(document, "tool"), "newsletter")
        if not document:
            mistakes.add((), "there is no section [tool.newsletter]", "add it, or run newsletter init")
    sections = dict(sections_of(document, home, mistakes))
    values = {
        name: values_of(*sections[name], keys, mistakes) if name in sections else {}
        for name, keys in SECTIONS.items()
        if name != "limits"
    }
    transports = list(_transports(*sections["transports"], mistakes, providers)) if "transports" in sections else []
    transport = _used(sections, values["transport"].get("use", ""), mistakes)
    dkim_keys = _dkim_keys(sections, values["dkim"], Path(path).parent, mistakes)
    for key, message, fix in mistakes_in_bounces(values["bounces"], sections.get("bounces", ({}, ()))[0]):
        mistakes.add((*sections["bounces"][1], key), message, fix)
    for key, message, fix in mistakes_in_images(values["images"]):
        mistakes.add((*sections["images"][1], key), message, fix)
    limits = _limits(*sections.get("limits", ({}, ())), mistakes)
    fields = fields_of(*_table_and_report(sections, "fields", mistakes))
    segments = segments_of(*_table_and_report(sections, "segments", mistakes))
    mistakes.report()
    settings, folder = values["newsletter"], Path(path).parent
    return Config(
        path=Path(path),
        issues=folder / (settings.pop("issues", "") or "issues"),
        templates=folder / (settings.pop("templates", "") or "templates"),
        store_url=in_folder(values["store"].get("url") or "sqlite:///newsletter.db", folder),
        sender=Sender(**values["sender"]),
        transport=transport,
        transports={each.name: each for each in transports},
        dkim_domain=values["dkim"].get("domain", ""),
        dkim_keys=dkim_keys,
        bounces=bounces_config(values["bounces"], folder),
        images=images_config(values["images"], folder),
        feeds=values["archive"].get("feeds") or "full",
        web=web_config(values["web"]),
        fields=fields,
        segments=segments,
        limits=limits,
        name_servers=values["dns"].get("servers", ()),
        schedule=Schedule(**values["retry"]),
        **{key: value for key, value in settings.items() if value},
    )


def _table_and_report(
    sections: Mapping[str, tuple[dict[str, Any], KeyPath]], name: str, mistakes: Mistakes
) -> tuple[dict[str, Any], Callable[[KeyPath, str, str], None]]:
    """A section whose keys are the author's own names, and where to tell what is wrong below it."""
    table, where = sections.get(name, ({}, ()))
    return table, lambda key, message, fix: mistakes.add((*where, *key), message, fix)


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    inner = document.get(name)
    return inner if isinstance(inner, dict) else {}


def _transports(
    table: dict[str, Any], where: KeyPath, mistakes: Mistakes, providers: Catalogue
) -> Iterator[TransportConfig]:
    folder = Path(mistakes.path).parent
    for name, settings in table.items():
        at = (*where, name)
        if isinstance(settings, dict):
            kind, own = _kind(settings.get("kind"), name, at, mistakes, providers)
            others = {key: value for key, value in settings.items() if key != "kind"}
            keys = keys_of_any_kind() if not kind else KINDS[kind] if own is None else keys_of(own)
            values = values_of(others, at, keys, mistakes)
            for key, message, fix, at_value in (
                mistakes_in_transport(name, kind, settings)
                if own is None
                else mistakes_in_provider(name, own, settings)
            ):
                mistakes.add((*at, *key), message, fix, at_value=at_value)
            if kind:
                yield transport_config(name, kind, values, folder)
        else:
            fix = (
                home_of(name, settings, where, mistakes.path)
                or f"each transport is a section: [{written((*where, 'relay'))}]"
            )
            mistakes.add(at, f"[{written(where)}] has no key {name!r}", fix)


def _kind(
    kind: object, name: str, at: KeyPath, mistakes: Mistakes, providers: Catalogue
) -> tuple[str, Mapping[str, Setting] | None]:
    """The kind, "" when it is wrong; and of a provider, what may be set besides what all of them take."""
    if isinstance(kind, str) and kind in KINDS:
        return kind, None
    if isinstance(kind, str) and kind and (own := providers.settings_of(kind)) is not None:
        return kind, own
    known = (*KINDS, *providers.names())
    if kind:
        fix = did_you_mean(str(kind), known)
        mistakes.add((*at, "kind"), f"there is no kind of transport {kind!r}", fix, at_value=True)
    else:
        mistakes.add(at, f"the transport {name!r} has no kind", f"write below it: kind = …, one of {', '.join(known)}")
    return "", None


def _dkim_keys(
    sections: Mapping[str, tuple[dict[str, Any], KeyPath]], values: dict[str, Any], folder: Path, mistakes: Mistakes
) -> tuple[DkimKeyFile, ...]:
    """The keys to sign with: each needs its selector and its file."""
    keys = []
    for kind in ("rsa", "ed25519"):
        selector, file = values.get(f"{kind}_selector", ""), values.get(f"{kind}_key_file", "")
        if selector and file:
            keys.append(DkimKeyFile(selector, folder / file))
        elif selector or file:
            there, missing = ("selector", "key_file") if selector else ("key_file", "selector")
            where = (*sections["dkim"][1], f"{kind}_{there}")
            mistakes.add(where, f"{kind}_{there} needs {kind}_{missing}", f"write {kind}_{missing}, or take both away")
    return tuple(keys)


def _used(sections: Mapping[str, tuple[dict[str, Any], KeyPath]], name: str, mistakes: Mistakes) -> str:
    """The name of the transport to use: as said, or the only one that there is."""
    transports, _ = sections.get("transports", ({}, ()))
    if not name:
        return next(iter(transports)) if len(transports) == 1 else ""
    if name not in transports:
        where = (*sections["transport"][1], "use")
        fix = transport_fix(name, transports, mistakes.path)
        mistakes.add(where, f"there is no transport {name!r}", fix, at_value=True)
    return name


def _limits(table: dict[str, Any], where: KeyPath, mistakes: Mistakes) -> Limits:
    """What holds for every message, and in sections below it for a group of recipients."""
    sections = {name: inner for name, inner in table.items() if isinstance(inner, dict)}
    values = values_of(
        {key: raw for key, raw in table.items() if key not in sections}, where, SECTIONS["limits"], mistakes
    )
    groups = {
        name: Limit(**values_of(inner, (*where, name), GROUP_LIMITS, mistakes)) for name, inner in sections.items()
    }
    for key, message, fix in mistakes_in_limits(table, groups):
        mistakes.add((*where, *key), message, fix)
    rate = values.pop("rate", None)
    return Limits(rates={ALL: rate} if rate else {}, groups=groups, **values)
