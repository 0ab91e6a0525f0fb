"""[images] in newsletter.toml: where the images of an issue go, and what an author hears who is not clear about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config import parse_config
from newsletter.config_images import ImagesConfig
from newsletter.errors import ConfigError

HOME = Path("/home/ana/letter")
SERVED = 'base_url = "https://letter.example.org/i/"\n'
URL = "https://letter.example.org/i"
NEEDS = "needs base_url, the address where readers find "


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("", ImagesConfig("cid")),
        ('place = ""', ImagesConfig("cid")),
        ('place = "cid"', ImagesConfig("cid")),
        ('place = "link"', ImagesConfig("link")),
        (SERVED, ImagesConfig("folder", HOME / "public/images", URL)),
        (f'{SERVED}folder = "out/i"', ImagesConfig("folder", HOME / "out/i", URL)),
        (f'{SERVED}folder = "/srv/i"', ImagesConfig("folder", Path("/srv/i"), URL)),
        (f'{SERVED}place = "folder"', ImagesConfig("folder", HOME / "public/images", URL)),
        (f'{SERVED}place = "cid"\nfolder = "out"', ImagesConfig("cid")),
        ('place = "link"\nfolder = "out"', ImagesConfig("link")),
    ],
)
def test_images_go_where_the_section_says_and_by_default_into_the_message(section: str, meant: ImagesConfig) -> None:
    assert parse_config(f"[images]\n{section}", str(HOME / "newsletter.toml")).images == meant


@pytest.mark.parametrize(
    ("section", "place", "message", "fix"),
    [
        ('place = "message"', "2:9", "place must be cid, folder or link, not 'message'", "known are: cid,"),
        ('place = "folders"', "2:9", "place must be cid, folder or link, not 'folders'", "did you mean 'folder'?"),
        ('place = "folder"', "2:1", f'place = "folder" {NEEDS}that folder', "base_url = "),
        ('folder = "out"', "2:1", f"folder {NEEDS}it", "base_url = "),
        ('base_url = "/i"', "2:12", "base_url must begin with https:// or http://: '/i'", "write it in full"),
        ('plase = "cid"', "2:1", "[images] has no key 'plase'", "did you mean 'place'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(section: str, place: str, message: str, fix: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_config(f"[images]\n{section}\n", "newsletter.toml")
    (found,) = refusal.value.problems
    assert (found.place, found.message) == (f"newsletter.toml:{place}", message)
    assert found.fix is not None
    assert fix in found.fix
