"""Settings that are still examples are noticed before mail leaves this machine."""

from __future__ import annotations

import pytest

from newsletter.cli.starter import starter_text
from newsletter.config import Config, parse_config
from newsletter.config_examples import POSTAL_ADDRESS, still_examples
from newsletter.config_providers import Catalogue

PROVIDERS = Catalogue(lambda name: {} if name == "brevo" else None)
FRESH = starter_text(
    "newsletter.toml", title='"A"', language='"en"', theme='"letter"', email='"newsletter@example.org"'
)
MINE = (
    FRESH.replace("https://letter.example.org", "https://letter.nantes.fr")
    .replace('email = "newsletter@example.org"', 'email = "ana@nantes.fr"')
    .replace(POSTAL_ADDRESS, "3 quai de la Fosse, 44000 Nantes")
)


def settings(text: str, host: str) -> Config:
    return parse_config(text.replace('host = "127.0.0.1"', f'host = "{host}"'), "newsletter.toml", PROVIDERS)


def told(config: Config) -> list[str]:
    return [problem.message.split()[0] for problem in still_examples(config, config.chosen_transport())]


def test_each_value_that_init_wrote_is_named_when_mail_would_leave() -> None:
    assert told(settings(FRESH, "smtp.nantes.fr")) == ["base_url", "[sender]", "postal_address"]


def test_values_of_ones_own_are_fine() -> None:
    assert told(settings(MINE, "smtp.nantes.fr")) == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "mailpit", "::1", "unix:/run/smtp.sock", "smtp.example.org"]
)
def test_examples_are_fine_as_long_as_mail_stays_here(host: str) -> None:
    assert told(settings(FRESH, host)) == []


def test_a_provider_is_far_away_unless_it_has_an_endpoint_of_ones_own() -> None:
    text = FRESH.replace('use = "relay"', 'use = "brevo"')
    assert len(told(settings(text + '[transports.brevo]\nkind = "brevo"\n', "127.0.0.1"))) == 3
    here = '[transports.brevo]\nkind = "brevo"\nendpoint = "http://127.0.0.1:9"\n'
    assert told(settings(text + here, "127.0.0.1")) == []


def test_a_folder_is_here() -> None:
    config = settings(FRESH, "smtp.nantes.fr")
    assert still_examples(config, config.chosen_transport("outbox")) == ()
