"""What newsletter.toml may say, and what the author hears when it says something else."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Config, Secret, Sender, parse_config
from newsletter.config_keys import SECTIONS
from newsletter.config_transports import KINDS, TransportConfig
from newsletter.delivery import Schedule
from newsletter.errors import ConfigError, Problem
from newsletter.limits import ALL, Limit, Limits, Rate

CONTRACT = """\
[newsletter]
title = "La lettre"
language = "fr"
base_url = "https://lettre.example.org"
postal_address = "12 rue des Lilas, 44000 Nantes"
issues = "issues"
templates = "templates"
theme = "letter"

[sender]
name = "La lettre"
email = "lettre@example.org"
reply_to = "bonjour@example.org"

[store]
url = "sqlite:///newsletter.db"

[transport]
use = "relay"

[transports.relay]
kind = "smtp"
host = "127.0.0.1"
port = 2525
security = "none"
username = ""
password_env = "NEWSLETTER_SMTP_PASSWORD"
connections = 10

[transports.outbox]
kind = "folder"
path = "outbox"
"""

HOME = Path("/home/ana/letter")


def parse(text: str, name: str = "newsletter.toml") -> Config:
    return parse_config(text, str(HOME / name))


def problems_of(text: str, name: str = "newsletter.toml") -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as refusal:
        parse_config(text, name)
    return refusal.value.problems


def problems_if_any(text: str) -> tuple[Problem, ...]:
    try:
        parse(text)
    except ConfigError as refusal:
        return refusal.problems
    return ()


def relay(settings: str, kind: str = "smtp") -> str:
    return f'[transports.relay]\nkind = "{kind}"\nhost = "mail.example.org"\n{settings}\n'


# ── What is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_whole_contract_is_read() -> None:
    assert parse(CONTRACT) == Config(
        path=HOME / "newsletter.toml",
        issues=HOME / "issues",
        templates=HOME / "templates",
        store_url=f"sqlite:///{HOME.as_posix()}/newsletter.db",
        title="La lettre",
        language="fr",
        base_url="https://lettre.example.org",
        postal_address="12 rue des Lilas, 44000 Nantes",
        theme="letter",
        sender=Sender("La lettre", "lettre@example.org", "bonjour@example.org"),
        transport="relay",
        transports={
            "relay": TransportConfig(
                "relay", "smtp", host="127.0.0.1", port=2525, password_env="NEWSLETTER_SMTP_PASSWORD"
            ),
            "outbox": TransportConfig("outbox", "folder", path=HOME / "outbox"),
        },
    )


def test_an_empty_file_is_a_newsletter_with_defaults() -> None:
    config = parse("")
    assert (config.language, config.theme, config.transport, config.transports) == ("en", "letter", "", {})
    assert (config.issues, config.folder) == (HOME / "issues", HOME)


def test_pyproject_says_the_same_below_tool_newsletter() -> None:
    in_pyproject = CONTRACT.replace("[newsletter]", "[newsletter.]").replace("[", "[tool.newsletter.")
    in_pyproject = in_pyproject.replace("[tool.newsletter.newsletter.]", "[tool.newsletter]")
    other = '[project]\nname = "letter"\n[tool.ruff]\nline-length = 100\n'
    config, same = parse(other + in_pyproject, "pyproject.toml"), parse(CONTRACT)
    assert {name: getattr(config, name) for name in config.__slots__ if name != "path"} == {
        name: getattr(same, name) for name in same.__slots__ if name != "path"
    }


def test_the_values_are_frozen_and_travel_to_other_processes() -> None:
    config = parse(CONTRACT)
    with pytest.raises(FrozenInstanceError):
        config.title = "another"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("sqlite:///newsletter.db", "sqlite:////home/ana/letter/newsletter.db"),
        ("sqlite:///data/list.db?timeout=5", "sqlite:////home/ana/letter/data/list.db?timeout=5"),
        ("sqlite:////var/list.db", "sqlite:////var/list.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://ana@db.example.org/letter", "postgresql://ana@db.example.org/letter"),
        ("postgresql+psycopg:///letter", "postgresql+psycopg:///letter"),
    ],
)
def test_a_database_file_is_found_beside_the_configuration(url: str, resolved: str) -> None:
    assert parse(f'[store]\nurl = "{url}"').store_url == resolved


def test_name_servers_are_addresses_with_a_port_or_without() -> None:
    config = parse('[dns]\nservers = ["192.0.2.53", "192.0.2.54:5353", "2001:db8::53", "[2001:db8::54]:5353"]')
    assert config.name_servers == (
        ("192.0.2.53", 53), ("192.0.2.54", 5353), ("2001:db8::53", 53), ("2001:db8::54", 5353),
    )  # fmt: skip


def test_a_group_of_ones_own_may_have_mail_servers_alone() -> None:
    limits = parse('[limits.club]\nmx = ["mail.example.net", "*.example.com."]\ndaily = 5').limits
    assert limits.groups["club"].mx == (".mail.example.net", ".example.com")
    assert limits.asks_for_servers


def test_a_path_may_be_absolute() -> None:
    assert parse('[newsletter]\nissues = "/srv/issues"').issues == Path("/srv/issues")


@pytest.mark.parametrize(
    ("kind", "security", "port"),
    [
        ("smtp", "none", 25),
        ("smtp", "starttls", 587),
        ("smtp", "tls", 465),
        ("lmtp", "none", 24),
        ("lmtp", "tls", 465),
    ],
)
def test_the_port_follows_from_the_security(kind: str, security: str, port: int) -> None:
    assert parse(relay(f'security = "{security}"', kind)).chosen_transport().port == port


def test_a_server_is_spoken_to_under_tls_unless_the_file_says_otherwise() -> None:
    assert parse(relay("")).chosen_transport().security == "starttls"


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("mail.example.org", "mail.example.org"),
        ("münchen.example.org", "xn--mnchen-3ya.example.org"),
        ("localhost", "localhost"),
        ("192.0.2.25", "192.0.2.25"),
        ("::1", "::1"),
        ("[2001:db8::25]", "2001:db8::25"),
        ("unix:/run/dovecot/lmtp", "unix:/run/dovecot/lmtp"),
    ],
)
def test_a_mail_server_is_a_name_an_address_or_a_socket(host: str, kept: str) -> None:
    assert parse(f'[transports.x]\nkind = "smtp"\nhost = "{host}"').chosen_transport().host == kept


@pytest.mark.parametrize("kind", ["smtp", "lmtp"])
def test_a_socket_of_this_machine_needs_no_encryption(kind: str) -> None:
    socket = parse(f'[transports.x]\nkind = "{kind}"\nhost = "unix:/run/mail"').chosen_transport()
    assert socket.security == "none"


def test_a_servers_own_certificate_login_and_limit_are_read() -> None:
    settings = parse(relay('ca_file = "ca.pem"\nauth = "xoauth2"\nmax_messages = 100')).chosen_transport()
    assert (settings.ca_file, settings.auth, settings.max_messages) == (HOME / "ca.pem", "xoauth2", 100)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost/", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("HTTPS://Example.org/Letter//", "https://Example.org/Letter"),
        ("https://élan.example:8443/l'été 1", "https://xn--lan-9la.example:8443/l'%C3%A9t%C3%A9%201"),
        ("https://example.org/%C3%A9", "https://example.org/%C3%A9"),
    ],
)
def test_a_base_url_is_kept_as_a_header_can_hold_it_and_paths_can_be_added(url: str, kept: str) -> None:
    assert parse(f'[newsletter]\nbase_url = "{url}"').base_url == kept


def test_a_postal_address_may_have_lines() -> None:
    config = parse('[newsletter]\npostal_address = """\n12 rue des Lilas\n44000 Nantes\n"""')
    assert config.postal_address == "12 rue des Lilas\n44000 Nantes"


def test_a_language_is_kept_in_its_usual_spelling() -> None:
    assert parse('[newsletter]\nlanguage = "fr_fr"').language == "fr-FR"


def test_a_domain_outside_ascii_is_kept_in_ascii() -> None:
    assert parse('[sender]\nemail = "ana@élan.example"').sender.email == "ana@xn--lan-9la.example"


# ── Which transport ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_transport_is_the_one_in_use_or_the_one_asked_for() -> None:
    config = parse(CONTRACT)
    assert config.chosen_transport().name == "relay"
    assert config.chosen_transport("outbox").kind == "folder"


def test_an_only_transport_needs_no_mention() -> None:
    assert parse(relay("")).transport == "relay"


def test_a_misspelt_transport_asked_for_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'outbox'"):
        parse(CONTRACT).chosen_transport("outbx")


@pytest.mark.parametrize(
    ("text", "fix"), [("", "[transports.relay]"), (CONTRACT.replace('use = "relay"', ""), "outbox, relay")]
)
def test_no_transport_at_all_is_refused_with_a_way_out(text: str, fix: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse(text).chosen_transport()
    assert fix in str(refusal.value)


# ── Mistakes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MISTAKES = [
    ('[newsletter]\ntitel = "x"', 2, 1, "[newsletter] has no key 'titel'", "did you mean 'title'?"),
    ('[newsletter]\n"email" = "x"', 2, 1, "no key 'email'", "it belongs in [sender]"),
    ("[sender]\nport = 25", 2, 1, "no key 'port'", "[transports.relay]"),
    ('[sendr]\nname = "x"', 1, 2, "no section [sendr]", "did you mean 'sender'?"),
    ('title = "x"', 1, 1, "'title' stands outside", "it belongs in [newsletter]"),
    ("sender = 5", 1, 1, "sender must be a section", "write [sender]"),
    ("[[sender]]", 1, 3, "sender must be a section", "write [sender]"),
    ("[newsletter]\ntitle = 5", 2, 9, "title must be text, not a number", 'write "5"'),
    ("[newsletter]\ntitle = ['x']", 2, 9, "title must be text, not a list", "one text in quotes"),
    ("[newsletter]\ntitle = true", 2, 9, "not true or false", "quotes"),
    ("[newsletter]\ntitle = 2026-01-01", 2, 9, "not a date", "quotes"),
    ('[newsletter]\ntitle = "a\\nb"', 2, 9, "one line", "line break"),
    ('[newsletter]\nlanguage = "french"', 2, 12, "'french'", 'write "fr"'),
    ('[newsletter]\nlanguage = "klingon!"', 2, 12, "'klingon!'", "two letters"),
    ('[newsletter]\nbase_url = "letter.example.org"', 2, 12, "https://", '"https://letter.example.org"'),
    ('[newsletter]\nbase_url = "ftp://example.org"', 2, 12, "'ftp://example.org'", "https://"),
    ('[newsletter]\nbase_url = "https://"', 2, 12, "names no host", "https://"),
    ('[newsletter]\nbase_url = "https://exa mple.org"', 2, 12, "names no host", "https://"),
    ('[newsletter]\nbase_url = "https://example.org:port"', 2, 12, "no web address", "https://"),
    ('[web]\ntopics = ["walks, concerts"]', 2, 10, "'walks, concerts', which is several tags", "in quotes of its own"),
    ('[web]\nfields = ["Ville de départ"]', 2, 10, "holds no name for a field: 'Ville de départ'", "small letters"),
    ('[newsletter]\nbase_url = "https://example.org/?a=1"', 2, 12, "before ? and #", '"https://example.org/"'),
    ('[newsletter]\ntheme = "../letter"', 2, 9, "a name, not a path", "alone"),
    ('[newsletter]\nissues = "~/issues"', 2, 10, "~", "in full"),
    ('[sender]\nemail = "Ana <ana@example.org>"', 2, 9, "the address alone", '"ana@example.org"'),
    ('[sender]\nemail = "ana.example.org"', 2, 9, "no email address", "looks like"),
    ('[sender]\nemail = "ana@example"', 2, 9, "no email address", "looks like"),
    ('[sender]\nreply_to = "ana@example.org, bo@example.org"', 2, 12, "no email address", "looks like"),
    ('[store]\nurl = "newsletter.db"', 2, 7, "no database address", '"sqlite:///newsletter.db"'),
    ('[store]\nurl = "postgres://db/letter"', 2, 7, "'postgres'", "postgresql"),
    ('[store]\nurl = "mysql://db/letter"', 2, 7, "'mysql'", "sqlite"),
    ('[store]\nurl = "sqlite://letter.db"', 2, 7, "three slashes", '"sqlite:///letter.db"'),
    ('[transport]\nuse = "relais"\n' + relay(""), 2, 7, "no transport 'relais'", "did you mean 'relay'?"),
    ('[transport]\nuse = "relay"', 2, 7, "no transport 'relay'", "add a section [transports.relay]"),
    ('[transport.relay]\nkind = "smtp"', 1, 12, "no key 'relay'", "[transports.relay]"),
    ('[transports]\nuse = "relay"', 2, 1, "no key 'use'", "it belongs in [transport]"),
    ("[transports]\nrelay = 'smtp'", 2, 1, "no key 'relay'", "[transports.relay]"),
    ('[transports.relay]\nhost = "x"', 1, 13, "'relay' has no kind", "smtp, lmtp, folder, memory"),
    ('[transports.relay]\nkind = "stmp"', 2, 8, "no kind of transport 'stmp'", "did you mean 'smtp'?"),
    ("[transports.relay]\nkind = 5", 2, 8, "no kind of transport 5", "smtp"),
    ('[transports.relay]\nkind = "smtp"', 1, 13, "'relay' has no host", 'host = "smtp.example.org"'),
    ('[transports.outbox]\nkind = "folder"', 1, 13, "'outbox' has no path", 'path = "outbox"'),
    ('[transports.x]\nkind = "memory"\npath = "x"', 3, 1, "no key 'path'", "known are: rate"),
    ('[transports.x]\nkind = "folder"\npath = "x"\nhost = "y"', 4, 1, "no key 'host'", "path"),
    (relay('security = "ssl"'), 4, 12, "none, starttls or tls", "known are"),
    (relay('security = "STARTTLS"'), 4, 12, "not 'STARTTLS'", "did you mean 'starttls'?"),
    (relay('auth = "plian"'), 4, 8, "plain, login, cram-md5 or xoauth2", "did you mean 'plain'?"),
    (relay("max_messages = 0"), 4, 16, "between 1 and 1000000", "from 1"),
    ('[transports.r]\nkind = "smtp"\nhost = "mail example"', 3, 8, "no name or address", '"smtp.example.org"'),
    ('[transports.r]\nkind = "smtp"\nhost = "smtp://mail.example.org/"', 3, 8, "no name", '"mail.example.org"'),
    ('[transports.r]\nkind = "smtp"\nhost = "mail.example.org:2525"', 3, 8, "a host alone", "and port = 2525"),
    ('[transports.r]\nkind = "lmtp"\nhost = "unix:lmtp"', 3, 8, "by its whole path", '"unix:/run/dovecot/lmtp"'),
    ('[transports.r]\nkind = "lmtp"\nhost = "unix:/l"\nsecurity = "tls"', 4, 12, "a UNIX socket", '"none"'),
    (relay("port = 0"), 4, 8, "between 1 and 65535", "from 1 to 65535"),
    (relay("port = 65536"), 4, 8, "between 1 and 65535", "from 1 to 65535"),
    (relay('port = "25"'), 4, 8, "a whole number, not text", "without quotes: 25"),
    (relay("port = 25.0"), 4, 8, "a whole number", "a number such as 587"),
    (relay("port = true"), 4, 8, "a whole number, not true or false", "number"),
    (relay("connections = 0"), 4, 15, "between 1 and 1000", "from 1 to 1000"),
    (relay('timeout = "30 s"'), 4, 11, "a number of seconds", "without quotes"),
    (relay("timeout = 0"), 4, 11, "longer than 0", "60"),
    (relay("timeout = nan"), 4, 11, "longer than 0", "60"),
    (relay('username = "ana"'), 4, 1, "a username and no password", "password_env"),
    (relay('password_env = "A"\npassword_file = "b"'), 5, 1, "two passwords", "one of them"),
    (relay('rate = "fast"'), 4, 8, "no rate: 'fast'", '"50/s"'),
    ("[limits]\nrate = 50", 2, 8, "no rate: 50", '"50/s"'),
    ('[limits]\nrate = "50 per second"', 2, 8, "no rate", '"20000/day"'),
    ('[limits.club]\nmx = "example.net"', 2, 6, "a list", '["mail.example.net"]'),
    ('[limits.club]\nmx = ["10.0.0.1 mx"]', 2, 6, "holds no name", "mail.example.net"),
    ('[limits.club]\nmx = ["google.com"]', 2, 1, "google.com is in the group 'google'", "out of one"),
    ('[dns]\nservers = "192.0.2.53"', 2, 11, "a list", '["192.0.2.53"]'),
    ('[dns]\nservers = ["ns.example.org"]', 2, 11, "no name server: 'ns.example.org'", "IP address"),
    ('[dns]\nservers = ["192.0.2.53:99999"]', 2, 11, "no name server", "192.0.2.53:5353"),
    ('[limits]\nrates = "50/s"', 2, 1, "no key 'rates'", "did you mean 'rate'?"),
    ("[limits]\nin_flight = 2", 2, 1, "no key 'in_flight'", "[limits.GROUP]"),
    ('[newsletter]\nrate = "50/s"', 2, 1, "no key 'rate'", "it belongs in [limits]"),
    ('[limits]\ndaily = "5000"', 2, 9, "a whole number", "without quotes: 5000"),
    ("[limits]\nwarmup = 200\nwarmup_from = 2026-11-21", 2, 10, "a list", "[5, 15, 30]"),
    ("[limits]\nwarmup = [0]\nwarmup_from = 2026-11-21", 2, 10, "holds 0", "from 1"),
    ("[limits]\nwarmup = [200, 500]", 2, 1, "warmup needs warmup_from", "warmup_from = 2026-11-21"),
    ("[limits]\nwarmup_from = 2026-11-21", 2, 1, "warmup_from needs warmup", "[200, 500"),
    ('[limits]\nwarmup = [1]\nwarmup_from = "2026-11-21"', 3, 15, "must be a day", "without quotes"),
    ('[limits.ornage]\nrate = "2/s"', 1, 9, "no group of recipients 'ornage'", "did you mean 'orange'?"),
    ('[limits.club]\ndomains = "example.org"', 2, 11, "a list", '["example.org"'),
    ('[limits.club]\ndomains = ["ana@example.org"]', 2, 11, "no domain: 'ana@example.org'", "behind the @"),
    ('[limits.club]\ndomains = ["gmail.com"]', 2, 1, "in the group 'google' already", "out of one"),
    ("[limits.orange]\nin_flight = 0", 2, 13, "between 1 and 1000", "from 1"),
    ("[limits.orange]\nwarmup = [1]", 2, 1, "no key 'warmup'", "[limits]"),
    ("[retry]\nminutes = []", 2, 11, "a list", "[5, 15, 30]"),
    ('[retry]\nminutes = ["5"]', 2, 11, "holds '5'", "without quotes"),
    ("[retry]\ngive_up_after_hours = 0", 2, 23, "between 1 and 168", "from 1"),
]


@pytest.mark.parametrize(("text", "line", "column", "message", "fix"), MISTAKES)
def test_a_mistake_is_named_with_its_place_and_a_way_out(
    text: str, line: int, column: int, message: str, fix: str
) -> None:
    (problem,) = problems_of(text)
    assert (problem.path, problem.line, problem.column) == ("newsletter.toml", line, column)
    assert message in problem.message
    assert fix in (problem.fix or "")


def test_limits_and_the_retry_schedule_are_text() -> None:
    config = parse(
        """
        [limits]
        rate = "50/s"
        daily = 5000
        warmup = [200, 500, 1000]
        warmup_from = 2026-11-21
        [limits.orange]
        rate = "2/s"
        in_flight = 2
        [limits.club]
        domains = ["Example.org", "@example.com"]
        daily = 100
        [retry]
        minutes = [10, 60]
        give_up_after_hours = 48
        [transports.relay]
        kind = "smtp"
        host = "127.0.0.1"
        rate = "3000/h"
        """
    )
    assert config.limits == Limits(
        rates={ALL: Rate(50, 1)},
        daily=5000,
        warmup=(200, 500, 1000),
        warmup_from=date(2026, 11, 21),
        groups={
            "orange": Limit(rate=Rate(2, 1), in_flight=2),
            "club": Limit(daily=100, domains=("example.org", "example.com")),
        },
    )
    assert config.schedule == Schedule((10, 60), 48)
    assert config.transports["relay"].rate == Rate(3000, 3600)


def test_without_a_word_nothing_is_limited_and_retries_take_a_day() -> None:
    config = parse('[limits]\nrate = ""\n')
    assert not config.limits
    assert config.schedule == Schedule((5, 15, 30, 60, 120, 240), 24)


def test_all_mistakes_are_reported_together_in_the_order_of_the_text() -> None:
    text = '[sender]\nemail = "x"\nnme = "y"\n[newsletter]\nlanguage = "english"\n[transport]\nuse = "z"\n[sotre]\n'
    assert [problem.line for problem in problems_of(text)] == [2, 3, 5, 7, 8]


def test_a_kind_that_is_not_known_hides_no_other_mistake() -> None:
    text = (
        '[transports.relay]\nkind = "stmp"\nhots = "x"\nport = 99999\nusername = "ana"\n'
        '[transports.other]\nconnections = 0\n[bounces]\nkind = "imapp"\nport = 0\nnme = 1\n'
    )
    told = [(problem.line, problem.message.split()[0]) for problem in problems_of(text)]
    assert told == [
        (2, "there"), (3, "[transports.relay]"), (4, "port"), (5, "the"), (6, "the"), (7, "connections"),
        (9, "kind"), (10, "port"), (11, "[bounces]"),
    ]  # fmt: skip


def test_a_key_is_found_also_where_the_text_tries_to_hide_it() -> None:
    text = 'newsletter = { title = """\n[sender]\nemail = 5\n""", theme = "a/b" }\nsender.email = 5\n'
    assert [(problem.line, problem.column) for problem in problems_of(text)] == [(1, 24), (4, 14), (5, 16)]


def test_a_mistake_in_pyproject_speaks_of_its_sections() -> None:
    (problem,) = problems_of('[tool.newsletter.sender]\ntitle = "x"', "pyproject.toml")
    assert "[tool.newsletter.sender] has no key 'title'" in problem.message
    assert problem.fix == "it belongs in [tool.newsletter]"


@pytest.mark.parametrize("text", ["", "[tool.ruff]\nselect = []", "tool = 1", "[tool]\nnewsletter = 'x'"])
def test_a_pyproject_without_the_section_is_refused(text: str) -> None:
    (problem,) = problems_of(text, "pyproject.toml")
    assert "no section [tool.newsletter]" in problem.message


@given(st.text())
def test_any_text_is_a_configuration_or_is_refused(text: str) -> None:
    for problem in problems_if_any(text):
        assert problem.fix


toml_values = st.sampled_from(
    ["1", "1.5", "true", '""', '"x"', "[]", "{}", "1979-05-27", '"a@b.c"', '"https://x.y"', '"smtp"', "-1", '"\\u0000"']
)
keys = st.sampled_from(sorted({"zzz", "password", "kind"}.union(*SECTIONS.values(), *KINDS.values())))
headings = st.sampled_from(
    ["newsletter", "sender", "store", "transport", "transports", "transports.a", "transports.b", "zzz", "transport.a"]
)


@given(st.dictionaries(headings, st.dictionaries(keys, toml_values, max_size=4), max_size=4))
def test_any_value_under_any_key_is_kept_or_refused(sections: dict[str, dict[str, str]]) -> None:
    lines = [
        line
        for heading, pairs in sections.items()
        for line in (f"[{heading}]", *(f"{key} = {value}" for key, value in pairs.items()))
    ]
    for problem in problems_if_any("\n".join(lines)):
        assert problem.fix
        assert problem.line is not None


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        relay('username = "ana"\npassword = "geheim"'),
        relay('token = "geheim"'),
        relay('pasword = "geheim"'),
        relay('password_env = "geheim!"'),
        relay("password_env = 'geheim geheim'"),
        '[store]\nurl = "postgresql://ana:geheim@db/letter"',
        '[store]\nurl = "postgresql://db/letter?password=geheim"',
        '[newsletter]\nbase_url = "https://ana:geheim@example.org"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(text: str) -> None:
    (problem,) = problems_of(text)
    assert "geheim" not in str(problem)
    assert problem.fix


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("geheim")
    assert "geheim" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "geheim"


# ── Before sending ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_complete_file_is_ready_to_send() -> None:
    assert parse(CONTRACT).problems_before_sending() == ()


def test_what_a_real_send_needs_is_named_with_the_line_to_add() -> None:
    fixes = [problem.fix for problem in parse("").problems_before_sending()]
    assert fixes == [
        'write below [newsletter]: title = "My letter"',
        'write below [newsletter]: base_url = "https://letter.example.org"',
        'write below [newsletter]: postal_address = "12 Lilac Street, Springfield"',
        'write below [sender]: email = "letter@example.org"',
        'write below [transport]: use = "relay"',
    ]


@pytest.mark.parametrize("key", ["title", "base_url", "postal_address", "email"])
def test_each_thing_that_is_missing_is_named_alone(key: str) -> None:
    without = "\n".join(line for line in CONTRACT.splitlines() if not line.startswith(f"{key} ="))
    (problem,) = parse(without).problems_before_sending()
    assert problem.message.startswith(f"{key} is missing")


def test_in_pyproject_the_line_to_add_stands_below_tool_newsletter() -> None:
    first, *_, last = parse("[tool.newsletter]\nlanguage = 'fr'", "pyproject.toml").problems_before_sending()
    assert "below [tool.newsletter]:" in str(first)
    assert "below [tool.newsletter.transport]:" in str(last)
