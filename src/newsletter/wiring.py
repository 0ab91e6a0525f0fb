"""Wiring: from the settings to the parts. The only file that chooses."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, Problem, ThemeError
from newsletter.message import Frame, Mailbox, list_id
from newsletter.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from newsletter.actions.archive import Archive
    from newsletter.actions.examine import Signing
    from newsletter.actions.send import Post
    from newsletter.config import Config
    from newsletter.config_transports import TransportConfig
    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.limits import Limits
    from newsletter.picture import Enclosed, Picture
    from newsletter.providers import Account, Provider
    from newsletter.render.pictures import Use
    from newsletter.render.snippets import Snippet
    from newsletter.render.theme import Theme
    from newsletter.render.web_pages import Entry, Journal, Pages
    from newsletter.signing.dkim import DkimKey
    from newsletter.sources.dns_records import Dns
    from newsletter.sources.images.cache import Cache
    from newsletter.sources.intake import Intake
    from newsletter.sources.next_hop import Trial
    from newsletter.store.database import Database
    from newsletter.transports import Transport

# Where no base_url is set yet, the links of a rendering lead here: nothing is ever sent with it.
_NO_BASE_URL = "https://example.org"


def has_store(config: Config) -> bool:
    """Whether there is a list yet. Raises StoreError for an address that no store can have."""
    from newsletter.store.database import path_of

    return path_of(config.store_url).exists()


def store(config: Config, *, create: bool = True) -> Database:
    """The list and the ledger, opened. Raises StoreError."""
    from newsletter.store.database import open_database

    return open_database(config.store_url, create=create)


def theme(config: Config, issue: Issue, name: str | None = None) -> Theme:
    """The theme that an issue is set in: named here, by the issue, or by the settings. Raises ThemeError."""
    from newsletter.sources.themes import read_theme

    try:
        return read_theme(name or issue.theme or config.theme, config.templates)
    except ThemeError as error:
        if name or not issue.theme:
            raise
        # A theme that is not there has no place of its own: the issue that asks for it has.
        place = issue.place("theme")
        raise ThemeError(
            *(each if each.path else replace(each, path=issue.path, line=place.line, column=place.column)
              for each in error.problems)
        ) from error  # fmt: skip


def snippets(config: Config) -> Mapping[str, Snippet]:
    """What issues can include, by name. Raises IssueError."""
    from newsletter.sources.snippets import read_snippets

    return read_snippets(config.templates)


def site(config: Config) -> Site:
    """What every issue says of the newsletter. Raises ThemeError for a word of the author's that cannot be used."""
    from newsletter.sources.words import read_words

    return Site(
        title=config.title or config.sender.name or "Newsletter",
        language=config.language,
        base_url=config.base_url or _NO_BASE_URL,
        postal_address=config.postal_address,
        sender_name=config.sender.name,
        sender_email=config.sender.email,
        timezone=config.timezone,
        words=read_words(config.templates),
    )


def pictures(
    config: Config, uses: Sequence[Use], issue: Issue, theme: Theme
) -> tuple[Mapping[str, Picture], Sequence[Problem]]:
    """What to show for the images that an issue names, and what its author should know. Raises IssueError."""
    if not uses or config.images.place == "link":
        return {}, ()
    from newsletter.sources.images import Desk, prepare

    desk = Desk(
        config.folder,
        image_cache(config),
        config.images.folder,
        config.images.base_url,
        config.base_url,
    )
    done = prepare(uses, issue, Path(issue.path), theme.width, desk)
    return done.pictures, done.notes


def addresses(config: Config, calendars: Sequence[Enclosed]) -> Mapping[str, str]:
    """Where readers find an issue's calendars, by their digests, when images go into a folder. Raises IssueError."""
    if not calendars or config.images.folder is None:
        return {}
    from newsletter.sources.images import put_files

    return put_files(calendars, config.images.folder, config.images.base_url)


def web_pages(config: Config, look: Theme | None = None) -> Pages:
    """The templates of the archive, in the newsletter's theme or in another one. Raises ThemeError."""
    from newsletter.render.web_pages import Pages
    from newsletter.sources.themes import read_theme
    from newsletter.sources.web_templates import read_web_templates

    return Pages(read_web_templates(config.templates), look or read_theme(config.theme, config.templates))


def journal(config: Config, base_url: str = "", entries: tuple[Entry, ...] = ()) -> Journal:
    """What the archive says of the newsletter, below the configured address or another one."""
    from newsletter.render.web_pages import Journal

    about = site(config)
    base_url = base_url.rstrip("/") or about.base_url
    # The page is served beside the archive, or else where the settings say.
    subscribe = "subscribe" if base_url == about.base_url else f"{about.base_url}/subscribe"
    publisher = about.sender_name or about.title
    return Journal(about.title, about.language, base_url, subscribe, publisher, entries, config.feeds == "full")


def archive(config: Config, database: Database, base_url: str = "") -> Archive:
    """The archive of what was sent. Raises ThemeError."""
    from newsletter.actions.archive import Archive

    made = Archive(database, web_pages(config), journal(config, base_url))
    made.refresh()
    return made


def image_cache(config: Config) -> Cache:
    """Where images are kept that were fetched and made."""
    from newsletter.sources.images.cache import Cache

    return Cache(config.folder / ".cache" / "images")


def link_cache(config: Config) -> Cache:
    """Where is kept what servers said to links."""
    from newsletter.sources.images.cache import Cache

    return Cache(config.folder / ".cache" / "links")


def sender(config: Config) -> Mailbox:
    """Who the messages come from."""
    return Mailbox(config.sender.email or "nobody@example.org", config.sender.name or config.title)


def frame(config: Config, *, test: bool = False) -> Frame:
    """What every message says of its sender and its list."""
    who = sender(config)
    return Frame(
        sender=who,
        reply_to=config.sender.reply_to,
        list_title=config.title,
        list_id=list_id(who.email),
        unsubscribe_email=config.sender.reply_to or who.email,
        return_path=config.sender.bounces or who.email,
        subject_prefix="[Test] " if test else "",
        is_test=test,
        one_click=config.base_url.startswith("https:"),
    )


def post(
    config: Config,
    edition: Edition,
    issue: str,
    keys: Mapping[int, bytes],
    mailing: int = 0,
    *,
    test: bool = False,
    through: str = "",
) -> Post:
    """All that turns a recipient into a message of this edition; `issue` ends its address in the archive.

    `through` is the name of the transport: some take messages in parts, and some sign them.
    """
    from urllib.parse import quote

    from newsletter.actions.send import Post
    from newsletter.letter import Letters
    from newsletter.links import Signer
    from newsletter.message import Compiled
    from newsletter.render.slots import evaluator

    way, said = config.transports.get(through), frame(config, test=test)
    can = provider_of(way).CAPABILITIES if way and way.is_provider else None
    return Post(
        compiled=Letters(edition, said, issue) if can and can.form == "letter" else Compiled(edition, said),
        evaluate=evaluator(edition),
        signer=Signer(keys),
        base_url=config.base_url or _NO_BASE_URL,
        issue=quote(issue, safe="~"),
        domain=sender(config).email.rpartition("@")[2],
        mailing=mailing,
        bounces="" if test else config.sender.bounces,
        dkim=() if can and can.signs else dkim_keys(config),
    )


def provider_of(settings: TransportConfig) -> Provider:
    """The provider that a transport leads to. Raises ConfigError when there is none of its name."""
    from newsletter.errors import did_you_mean
    from newsletter.providers import names, provider

    try:
        return provider(settings.kind)
    except KeyError:
        fix = did_you_mean(settings.kind, names())
        raise ConfigError(Problem(f"there is no provider {settings.kind!r}", fix=fix)) from None


def fitting(config: Config, edition: Edition, through: str) -> tuple[str, ...]:
    """What an author should know before the edition goes through the transport of that name, one sentence each.

    Raises ConfigError when it cannot go that way.
    """
    way = config.transports.get(through)
    if way is None or not way.is_provider:
        return ()
    from newsletter.providers.fitting import fit

    provider = provider_of(way)
    found = fit(
        provider.NAME,
        provider.CAPABILITIES,
        edition,
        frame(config),
        signs=bool(config.dkim_keys),
        tags=bool(config.sender.bounces),
    )
    if found.refusals:
        raise ConfigError(*(replace(each, path=str(config.path)) for each in found.refusals))
    return found.notes


def provider_told(config: Config, way: TransportConfig, environ: Mapping[str, str]) -> tuple[str, str, tuple[str, ...]]:
    """For `doctor`: the provider of a transport, what keeps it from being used ("" for nothing), and what to know."""
    from newsletter.providers.fitting import notes

    provider = provider_of(way)
    try:
        _provider(way, environ).close()
        missing = ""
    except ConfigError as error:
        missing = str(error)
    signs, tags = bool(config.dkim_keys), bool(config.sender.bounces)
    told = tuple(notes(provider.NAME, provider.CAPABILITIES, frame(config), signs=signs, tags=tags))
    return provider.NAME, missing, told


def account(
    settings: TransportConfig, environ: Mapping[str, str], keys: Mapping[int, bytes], *, sends: bool = True
) -> Account:
    """Our account with the provider of a transport; `keys` read our references. Raises ConfigError.

    Who only hears what it tells, and never sends, needs no key.
    """
    from newsletter.links import Signer
    from newsletter.providers import Account
    from newsletter.sources.settings import read_key

    provider = provider_of(settings)
    chosen = {}
    for name, setting in provider.SETTINGS.items():
        said = settings.endpoint if name == "endpoint" else settings.settings.get(name, "")
        chosen[name] = said or environ.get(setting.env, "") or setting.default
        if sends and setting.required and not chosen[name]:
            fix = f"set {setting.env}, or write {name} below [transports.{settings.name}]"
            raise ConfigError(Problem(f"the transport {settings.name!r} has no {name}: {setting.help}", fix=fix))
    return Account(
        key=read_key(settings, "key", provider.KEY_ENV, environ).reveal() if sends else "",
        settings=chosen,
        endpoint=settings.endpoint,
        webhook_secret=read_key(settings, "webhook_secret", "", environ).reveal(),
        fetch=_fetched,
        read_reference=Signer(keys).read_message_id if keys else lambda _: None,
    )


def listener(
    config: Config, name: str, environ: Mapping[str, str], keys: Mapping[int, bytes]
) -> tuple[str, Provider, Account] | None:
    """Who calls at /webhooks/NAME: the transport of that name, or the first one through the provider that is called so.

    The transport's name, its provider and our account there; None when nobody does. Raises ConfigError.
    """
    through = [each for each in config.transports.values() if each.is_provider]
    settings = next((each for each in through if each.name == name), None)
    settings = settings or next((each for each in through if each.kind == name), None)
    if settings is None:
        return None
    return settings.name, provider_of(settings), account(settings, environ, keys, sends=False)


@lru_cache(maxsize=16)
def _fetched(url: str) -> bytes:
    from newsletter.transports.fetching import fetch

    return fetch(url)


def dkim_keys(config: Config) -> tuple[DkimKey, ...]:
    """The keys to sign with, read from their files. Raises ConfigError."""
    if not config.dkim_keys:
        return ()
    from newsletter.sources.settings import text_of

    try:
        from newsletter.signing.dkim import read_key
    except ImportError:
        raise ConfigError(
            Problem("[dkim] needs the package cryptography", str(config.path), fix="pip install 'newsletter[dkim]'")
        ) from None
    domain = config.dkim_domain or sender(config).email.rpartition("@")[2]
    return tuple(
        read_key(text_of(each.path).encode(), domain, each.selector, str(each.path)) for each in config.dkim_keys
    )


def transport(config: Config, name: str | None, environ: Mapping[str, str], *, jobs: int = 1) -> Transport:
    """The way out that is named here or by the settings; one of `jobs` that share its connections.

    Raises ConfigError, also for a secret that is missing.
    """
    settings = config.chosen_transport(name)
    settings = replace(settings, connections=-(-settings.connections // jobs))
    return _TRANSPORTS.get(settings.kind, _provider)(settings, environ)


def limits(config: Config, name: str | None, transport: Transport | None = None) -> Limits | None:
    """What holds for a mailing through the transport of that name; None when nothing does. Raises ConfigError.

    Some providers say how fast an account may send: `transport`, when it is given, is asked.
    """
    settings = config.chosen_transport(name)
    rates = {**config.limits.rates}
    if settings.rate:
        rates[f"transport {settings.name}"] = settings.rate
    elif settings.is_provider and transport is not None:
        from newsletter.limits import Rate
        from newsletter.transports.http import quota_of

        if fastest := quota_of(transport):
            rates[f"transport {settings.name}"] = Rate(max(1, int(fastest)), 1)
    return replace(config.limits, rates=rates) or None


def mail_servers(config: Config) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """What asks the DNS where the mail of domains goes."""
    from newsletter.sources.mail_servers import ask_for_mail_servers

    return lambda domains: ask_for_mail_servers(domains, config.name_servers)


def dns(config: Config) -> Dns:
    """The DNS, by the name servers of the settings."""
    from newsletter.sources.dns_records import Dns

    return Dns(config.name_servers)


def signing(config: Config) -> tuple[Signing, ...]:
    """The keys that sign, as they are to be found in the DNS. Raises ConfigError."""
    from newsletter.actions.examine import Signing

    return tuple(
        Signing(f"{key.selector}._domainkey.{key.domain}", key.domain, key.record) for key in dkim_keys(config)
    )


def next_hop(config: Config, name: str | None, environ: Mapping[str, str]) -> Trial:
    """What comes of trying the mail server out. Raises ConfigError for a secret that is missing."""
    from newsletter.sources.next_hop import try_out
    from newsletter.sources.settings import read_secret

    settings = config.chosen_transport(name)
    secret = read_secret(settings, environ)
    return try_out(settings, secret.reveal() if secret else "", sender(config).email)


def public_address(address: str) -> str:
    """An IP address that anybody can reach; "" for another one."""
    from ipaddress import ip_address

    from newsletter.sources.images.guard import is_public

    return address if address and is_public(ip_address(address)) else ""


def keys(database: Database) -> Mapping[int, bytes]:
    """The keys that sign links."""
    from newsletter.store.keys import load_keys

    return load_keys(database)


def posting() -> Callable[[str], tuple[int, str]]:
    """A one-click POST as mail programs send it (RFC 8058 section 3.2): the status, or 0 and why there is none."""
    from requests import RequestException, post

    def send(url: str) -> tuple[int, str]:
        try:
            answer = post(url, data={"List-Unsubscribe": "One-Click"}, timeout=10, allow_redirects=False)
        except RequestException as error:
            return 0, type(error).__name__
        return answer.status_code, answer.reason

    return send


def bounces(config: Config, environ: Mapping[str, str], *, read_only: bool = False) -> Intake:
    """The mailbox that reports come back to. Raises ConfigError when there is none, and what opening it raises."""
    settings = config.bounces
    if settings.kind == "imap":
        from newsletter.sources.imap import ImapIntake
        from newsletter.sources.settings import read_secret

        return ImapIntake(settings, read_secret(settings, environ), read_only=read_only)
    if settings.path is None:
        fix = 'name a SOURCE, or write a section [bounces] with kind = "imap", "maildir" or "mbox"'
        raise ConfigError(Problem("no mailbox for bounces is configured", str(config.path), fix=fix))
    from newsletter.sources.intake import Maildir, Mbox

    return Maildir(settings.path) if settings.kind == "maildir" else Mbox(settings.path)


def _smtp(settings: TransportConfig, environ: Mapping[str, str]) -> Transport:
    from newsletter.sources.settings import read_secret
    from newsletter.transports.smtp import SmtpTransport
    from newsletter.transports.smtp_session import Server

    secret = read_secret(settings, environ)
    server = Server(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=secret.reveal() if secret else "",
        auth=settings.auth,
        lmtp=settings.kind == "lmtp",
        local_hostname=settings.local_hostname or _our_name(settings.host),
        timeout=settings.timeout,
        ca_file=str(settings.ca_file or ""),
    )
    window = settings.window if settings.chunking else 1
    return SmtpTransport(server, settings.connections, max_messages=settings.max_messages, window=window)


def _our_name(host: str) -> str:
    """How we present ourselves. A server of this machine does not care, and asking the resolver may take seconds."""
    if host.startswith(("127.", "localhost", "unix:")) or host == "::1":
        return "localhost"
    return socket.getfqdn()


def _folder(settings: TransportConfig, _environ: Mapping[str, str]) -> Transport:
    from newsletter.transports.folder import FolderTransport

    if settings.path is None:
        raise ConfigError(Problem(f"the transport {settings.name!r} has no path"))
    return FolderTransport(settings.path)


def _memory(_settings: TransportConfig, _environ: Mapping[str, str]) -> Transport:
    from newsletter.transports.memory import MemoryTransport

    # From the command line nobody can look into it: it serves measurements, whose memory must not grow.
    return MemoryTransport(keep=1)


def _provider(settings: TransportConfig, environ: Mapping[str, str]) -> Transport:
    from newsletter.transports.http import HttpTransport

    # The secret of the webhooks is for those who receive them, and need not be here.
    sending = replace(settings, webhook_secret_env="", webhook_secret_file=None)
    return HttpTransport(
        provider_of(settings),
        account(sending, environ, {}),
        connections=settings.connections,
        timeout=settings.timeout,
        batch=settings.batch,
    )


_TRANSPORTS: dict[str, Callable[[TransportConfig, Mapping[str, str]], Transport]] = {
    "smtp": _smtp,
    "lmtp": _smtp,
    "folder": _folder,
    "memory": _memory,
}
