"""Services: from the settings to a provider, both ways."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, Problem
from newsletter.wiring.identity import frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from newsletter.actions.hear import Heard
    from newsletter.config import Config
    from newsletter.config_transports import TransportConfig
    from newsletter.edition import Edition
    from newsletter.providers import Account, Provider, Quota
    from newsletter.store.database import Database
    from newsletter.store.hooks import Call, State
    from newsletter.transports import Transport


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
        through_provider(way, environ).close()
        missing = ""
    except ConfigError as error:
        missing = str(error)
    signs, tags = bool(config.dkim_keys), bool(config.sender.bounces)
    told = tuple(notes(provider.NAME, provider.CAPABILITIES, frame(config), signs=signs, tags=tags))
    return provider.NAME, missing, told


def provider_quota(way: TransportConfig, environ: Mapping[str, str]) -> Quota | None:
    """How much our account may send now; None where the provider does not say. Raises ConfigError."""
    from newsletter.transports.http import allowance_of

    transport = through_provider(way, environ)
    try:
        return allowance_of(transport)
    finally:
        transport.close()


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


def hear_again(
    config: Config, database: Database, environ: Mapping[str, str], state: State, now: int
) -> Iterator[tuple[Call, Heard]]:
    """Take in what providers told and what came no further then; see newsletter.actions.hear."""
    from newsletter.actions import hear
    from newsletter.store.keys import load_keys

    keys = load_keys(database)

    def known(name: str) -> tuple[Provider, Account] | None:
        settings = config.transports.get(name)
        if settings is None or not settings.is_provider:
            return None
        # It was proved when it came: the secret for that need not be here.
        bare = replace(settings, webhook_secret_env="", webhook_secret_file=None)
        return provider_of(settings), account(bare, environ, keys, sends=False)

    return hear.hear_again(database, state, known, now)


@lru_cache(maxsize=16)
def _fetched(url: str) -> bytes:
    from newsletter.transports.fetching import fetch

    return fetch(url)


def through_provider(settings: TransportConfig, environ: Mapping[str, str]) -> Transport:
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
