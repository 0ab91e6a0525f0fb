"""[transports.NAME] of a provider: what may stand in it, and what an author is told who mistypes."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config import Config, parse_config
from newsletter.config_providers import Catalogue, Setting
from newsletter.errors import ConfigError
from newsletter.limits import Rate

HOME = Path("/letters")
KNOWN = {
    "postmark": {"stream": Setting("the stream", default="broadcast")},
    "mailgun": {
        "domain": Setting("the domain that sends", required=True, example="mg.example.org"),
        "region": Setting("where it is", default="us", choices=("us", "eu")),
    },
    "ses": {"region": Setting("where it is", required=True, env="AWS_REGION")},
}
PROVIDERS = Catalogue(KNOWN.get, lambda: list(KNOWN))


def parse(text: str) -> Config:
    return parse_config(text, str(HOME / "newsletter.toml"), PROVIDERS)


def test_a_provider_takes_what_all_of_them_take_and_its_own() -> None:
    config = parse(
        '[transports.api]\nkind = "mailgun"\ndomain = "mg.example.org"\nregion = "eu"\nkey_env = "MY_KEY"\n'
        'webhook_secret_file = "hook.txt"\nendpoint = "https://api.example.org/"\nconnections = 8\nbatch = 100\n'
        'rate = "20/s"\ntimeout = 30\n'
    )
    found = config.transports["api"]
    assert found.is_provider
    assert found.settings == {"domain": "mg.example.org", "region": "eu"}
    assert (found.key_env, found.webhook_secret_file) == ("MY_KEY", HOME / "hook.txt")
    assert (found.endpoint, found.connections, found.batch) == ("https://api.example.org", 8, 100)
    assert (found.rate, found.timeout) == (Rate(20, 1), 30.0)


def test_what_is_not_said_is_the_providers_own_and_four_requests_at_once() -> None:
    found = parse('[transports.api]\nkind = "postmark"\nkey_env = ""\n').transports["api"]
    assert (found.connections, found.batch, found.endpoint, found.key_env) == (4, 0, "", "")


@pytest.mark.parametrize(
    ("section", "line", "column", "message", "fix"),
    [
        ('kind = "postmrk"', 2, 8, "no kind of transport 'postmrk'", "did you mean 'postmark'?"),
        ('kind = "mailgun"', 1, 13, "'api' has no domain: the domain that sends", 'domain = "mg.example.org"'),
        ('kind = "postmark"\nsteam = "x"', 3, 1, "no key 'steam'", "did you mean 'stream'?"),
        ('kind = "postmark"\nhost = "x.example.org"', 3, 1, "no key 'host'", "known are: batch"),
        ('kind = "mailgun"\ndomain = "x"\nregion = "ue"', 4, 10, "must be us or eu", "known are: eu, us"),
        ('kind = "postmark"\nkey = "abc"', 3, 1, "key must not stand in this file", "key_env ="),
        ('kind = "postmark"\ntoken = "abc"', 3, 1, "token must not stand in this file", "key_env ="),
        ('kind = "postmark"\nkey_env = "a-b"', 3, 11, "key_env", None),
        ('kind = "postmark"\nkey_env = "A"\nkey_file = "b"', 4, 1, "names two of its keys", "keep one"),
        ('kind = "postmark"\nbatch = 0', 3, 9, "between 1 and", None),
        ('kind = "postmark"\nendpoint = "api.example.org"', 3, 12, "no address of an API", '"https://'),
        ('kind = "postmark"\nendpoint = "http://api.example.org"', 3, 12, "must begin with https", '"https://api.'),
        ('kind = "postmark"\nendpoint = "https://me:pw@api.example.org"', 3, 12, "no address of an API", None),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_way_out(
    section: str, line: int, column: int, message: str, fix: str | None
) -> None:
    with pytest.raises(ConfigError) as wrong:
        parse(f"[transports.api]\n{section}\n")
    (problem,) = wrong.value.problems
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message
    assert problem.fix
    assert fix is None or fix in problem.fix
    assert "abc" not in str(wrong.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "http://localhost:8000", "http://kumo:8000", "http://10.0.0.5"]
)
def test_an_api_of_ones_own_network_may_be_spoken_to_in_the_clear(address: str) -> None:
    assert parse(f'[transports.api]\nkind = "postmark"\nendpoint = "{address}"\n').transports["api"].endpoint == address


def test_what_a_variable_may_say_need_not_stand_in_the_file() -> None:
    assert parse('[transports.api]\nkind = "ses"\n').transports["api"].settings == {}


def test_without_a_kind_all_that_there_are_are_named() -> None:
    with pytest.raises(ConfigError, match="memory, postmark, mailgun, ses"):
        parse('[transports.api]\nkey_env = "X"\n')
