"""Where bounces come back to: `[sender] bounces` and `[bounces]` in newsletter.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config import parse_config
from newsletter.config_bounces import BouncesConfig
from newsletter.errors import ConfigError

HOME = Path("/home/ana/letter")
IMAP = 'kind = "imap"\nhost = "imap.example.org"\nusername = "bounces@example.org"\npassword_env = "IMAP_PASSWORD"\n'


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("", BouncesConfig()),
        (
            IMAP,
            BouncesConfig(
                "imap", "imap.example.org", 993, "tls", username="bounces@example.org", password_env="IMAP_PASSWORD"
            ),
        ),
        (
            IMAP + 'security = "starttls"\nfolder = "Bounces"\nprocessed = "Bounces/Read"\n',
            BouncesConfig(
                "imap",
                "imap.example.org",
                143,
                "starttls",
                username="bounces@example.org",
                password_env="IMAP_PASSWORD",
                folder="Bounces",
                processed="Bounces/Read",
            ),
        ),
        ('kind = "maildir"\npath = "Maildir"', BouncesConfig("maildir", path=HOME / "Maildir")),
        ('kind = "mbox"\npath = "/var/mail/bounces"', BouncesConfig("mbox", path=Path("/var/mail/bounces"))),
        ('kind = ""\nhost = ""', BouncesConfig()),
    ],
)
def test_a_mailbox_is_read_as_it_is_meant(section: str, meant: BouncesConfig) -> None:
    assert parse_config(f"[bounces]\n{section}", str(HOME / "newsletter.toml")).bounces == meant


@pytest.mark.parametrize(
    ("section", "place", "message", "fix"),
    [
        ('host = "imap.example.org"', "2:1", "[bounces] has no kind", "one of imap, maildir, mbox"),
        ('kind = "pop3"', "2:8", "must be imap, maildir or mbox", "known are"),
        (IMAP.replace('host = "imap.example.org"\n', ""), "2:1", "needs host", 'host = "imap.example.org"'),
        (IMAP.replace('password_env = "IMAP_PASSWORD"\n', ""), "4:1", "and no password", "password_env = "),
        (IMAP + 'password_file = "secret"', "6:1", "names two passwords", "keep one"),
        (IMAP + 'path = "Maildir"', "6:1", "path does not go with", "take it away"),
        ('kind = "maildir"', "2:1", "needs path", 'path = "/home/bounces/Maildir"'),
        ('kind = "mbox"\npath = "x"\nhost = "imap.example.org"', "4:1", "host does not go with", "take it away"),
        ('kind = "imap"\nmaibox = "x"', "3:1", "has no key 'maibox'", ""),
        (IMAP + 'password = "x"', "6:1", "must not stand in this file", "names a variable"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_a_way_out(section: str, place: str, message: str, fix: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_config(f"[bounces]\n{section}\n", "newsletter.toml")
    problems = {f"{problem.line}:{problem.column}": problem for problem in told.value.problems}
    assert place in problems
    assert message in problems[place].message
    assert fix in str(problems[place].fix)


def test_where_messages_come_back_to_is_an_address_with_room_for_a_tag() -> None:
    config = parse_config('[sender]\nbounces = "newsletter-bounces-here@example.org"', "newsletter.toml")
    assert config.sender.bounces == "newsletter-bounces-here@example.org"
    with pytest.raises(ConfigError, match="at most 23 characters before the @"):
        parse_config('[sender]\nbounces = "newsletter-bounces-there@example.org"', "newsletter.toml")
    with pytest.raises(ConfigError, match="is no email address"):
        parse_config('[sender]\nbounces = "bounces"', "newsletter.toml")
