"""Asking: from the settings to those who know whether mails arrive, and to what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import ConfigError, Problem
from newsletter.wiring.identity import dkim_keys, sender

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from newsletter.actions.examine_domain import Signing
    from newsletter.config import Config
    from newsletter.sources.dns_records import Dns
    from newsletter.sources.intake import Intake
    from newsletter.sources.next_hop import Trial


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


def dns(config: Config) -> Dns:
    """The DNS, by the name servers of the settings."""
    from newsletter.sources.dns_records import Dns

    return Dns(config.name_servers)


def signing(config: Config) -> tuple[Signing, ...]:
    """The keys that sign, as they are to be found in the DNS. Raises ConfigError."""
    from newsletter.actions.examine_domain import Signing

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


def posting() -> Callable[[str], tuple[int, str]]:
    """A one-click POST as mail programs send it (RFC 8058 section 3.2): the status, or 0 and why there is none."""
    from requests import RequestException, Timeout, post
    from requests.exceptions import SSLError

    def send(url: str) -> tuple[int, str]:
        try:
            answer = post(url, data={"List-Unsubscribe": "One-Click"}, timeout=10, allow_redirects=False)
        except SSLError:
            return 0, "its certificate is not valid"
        except Timeout:
            return 0, "no answer within 10 s"
        except RequestException:
            return 0, "no connection"
        return answer.status_code, answer.reason

    return send
