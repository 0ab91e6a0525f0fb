"""Making images: whatever an author has becomes what every mail program shows, small, upright and discreet."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from newsletter.errors import IssueError, Problem
from newsletter.sources.images.make import make
from tests.support.images import animated, drawing, exif, opened, photo, profile, saved, words_in

MOST = 1200
JPEG, PNG, GIF = "image/jpeg", "image/png", "image/gif"
SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NOT_SVG = "is an SVG drawing, which Gmail and Outlook do not show"
EXPORT_IT = "export it as PNG, 1200 pixels wide, from the program that it was drawn in"
NO_IMAGE = "is no image, or is damaged at its beginning"
NAME_ONE = "name a JPEG, PNG, GIF, WebP or AVIF file"


def refused(content: bytes, most: int = MOST) -> Problem:
    with pytest.raises(IssueError) as refusal:
        make(content, most)
    (found,) = refusal.value.problems
    assert found.fix
    return found


@pytest.mark.parametrize(
    ("content", "type", "size"),
    [
        (saved(photo(), "JPEG", quality=95), JPEG, (1200, 900)),
        (saved(photo(900, 700), "JPEG", quality=98), JPEG, (900, 700)),
        (saved(photo(mode="CMYK"), "JPEG"), JPEG, (1200, 900)),
        (saved(photo(mode="L"), "JPEG"), JPEG, (1200, 900)),
        (saved(photo(), "JPEG", exif=exif(6)), JPEG, (1200, 1600)),
        (saved(photo(900, 700), "JPEG", exif=exif(8)), JPEG, (700, 900)),
        (saved(photo(2000, 300), "MPO", save_all=True, append_images=[photo(2000, 300)]), JPEG, (1200, 180)),
        (saved(photo()), JPEG, (1200, 900)),
        (saved(drawing(3000, 2000)), PNG, (1200, 800)),
        (saved(drawing(3000, 2000, "P")), PNG, (1200, 800)),
        (saved(drawing(3000, 2000, "RGBA")), PNG, (1200, 800)),
        (saved(Image.new("RGBA", (1300, 1300), (9, 9, 9, 128))), PNG, (1200, 1200)),
        (saved(Image.new("LA", (1300, 1300), (9, 128))), PNG, (1200, 1200)),
        (saved(Image.new("I;16", (1300, 1300), 40_000)), PNG, (1200, 1200)),
        (saved(Image.new("1", (1300, 1300), 1)), PNG, (1200, 1200)),
        (saved(photo(), "WEBP"), JPEG, (1200, 900)),
        (saved(drawing(), "WEBP", lossless=True), PNG, (800, 600)),
        (saved(Image.new("RGBA", (100, 100), (9, 9, 9, 128)), "WEBP"), PNG, (100, 100)),
        (saved(photo(1400, 700), "AVIF", speed=10), JPEG, (1200, 600)),
        (saved(drawing(), "BMP"), PNG, (800, 600)),
        (saved(drawing(1300, 1300, "P"), "GIF"), PNG, (1200, 1200)),
        (animated(), GIF, (60, 60)),
        (saved(Image.new("RGB", (5000, 1), "red")), PNG, (1200, 1)),
        (saved(Image.new("RGB", (1, 5000), "red")), PNG, (1, 5000)),
    ],
)  # fmt: skip
def test_an_image_becomes_one_that_all_mail_programs_show(content: bytes, type: str, size: tuple[int, int]) -> None:
    made = make(content, MOST)
    image = opened(made.content)
    assert (made.type, (made.width, made.height)) == (type, size)
    assert (image.size, image.get_format_mimetype()) == (size, type)
    assert image.mode != "CMYK"
    assert not words_in(image.info)


@pytest.mark.parametrize(
    "content",
    [
        saved(drawing(20, 20)),
        saved(drawing(20, 20), "JPEG"),
        saved(drawing(20, 20, "P"), "GIF"),
        saved(photo(800, 600), "JPEG", quality=80, optimize=True, progressive=True),
        saved(drawing(1200, 900, "P"), optimize=True),
        animated(),
    ],
)
def test_an_image_that_is_small_and_good_is_not_touched(content: bytes) -> None:
    assert make(content, MOST).content == content


def test_pixels_turn_upright_as_the_camera_was_held() -> None:
    image = Image.new("RGB", (400, 200), "white")
    image.paste("red", (0, 0, 200, 200))
    for orientation, corner in ((3, (390, 10)), (6, (10, 10)), (8, (10, 390))):
        made = opened(make(saved(image, "JPEG", exif=exif(orientation)), MOST).content)
        found = made.getpixel(corner)
        assert isinstance(found, tuple)
        assert found[0] > 200 > found[1], orientation


def test_nothing_of_what_a_camera_wrote_leaves_the_house() -> None:
    content = saved(
        photo(900, 600),
        "JPEG",
        quality=50,
        exif=exif(make="Secret camera"),
        comment=b"Secret comment",
        xmp=b"<x>Secret</x>",
    )
    assert content.count(b"Secret") == 3
    made = make(content, MOST)
    assert b"Secret" not in made.content
    assert b"Exif" not in made.content
    assert len(made.content) <= len(content)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("icc_profile", "shown"),
    [
        (profile(swapped=True), (200, 120, 80)),
        (profile(), (120, 200, 80)),
        (b"not a profile", (120, 200, 80)),
        (b"", (120, 200, 80)),
    ],
)
def test_colours_are_brought_to_the_space_of_the_web(form: str, icc_profile: bytes, shown: tuple[int, ...]) -> None:
    content = saved(Image.new("RGB", (1300, 300), (120, 200, 80)), form, icc_profile=icc_profile)
    found = opened(make(content, MOST).content).convert("RGB").getpixel((5, 5))
    assert isinstance(found, tuple)
    assert max(abs(one - other) for one, other in zip(found, shown, strict=True)) < 12


def test_a_pixel_of_sixteen_bits_keeps_its_brightness() -> None:
    made = opened(make(saved(Image.new("I;16", (300, 300), 0x8080)), MOST).content).convert("L")
    assert made.getpixel((5, 5)) == 128


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (animated("GIF", frames=2) + b"\0" * 1_500_000, "is an animation of 1.5 MB; readers get its first picture"),
        (animated("WEBP"), "is animated, which mail programs show in GIF alone; readers get its first picture"),
        (animated("PNG"), "is animated, which mail programs show in GIF alone; readers get its first picture"),
        (animated("AVIF"), "is animated, which mail programs show in GIF alone; readers get its first picture"),
    ],
)
def test_of_other_animations_the_first_picture_is_shown_and_the_author_told(content: bytes, note: str) -> None:
    made = make(content, MOST)
    assert note in made.note
    assert getattr(opened(made.content), "n_frames", 1) == 1


@pytest.mark.parametrize(
    ("content", "message", "fix"),
    [
        (SVG, NOT_SVG, EXPORT_IT),
        (b"  <svg>", NOT_SVG, EXPORT_IT),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC photo, which only Apple's programs show", "save it as JPEG"),
        (b"II*\0" + b"\0" * 90, "is a TIFF file, which mail programs do not show", "save it as JPEG or PNG"),
        (b"%PDF-1.7", "is a PDF document, not an image", "export the page as PNG, or link to the document"),
        (b"<!DOCTYPE html><svg>", "is a web page, not an image", "name the image itself"),
        (b"root:x:0:0:root:/root:/bin/bash", NO_IMAGE, NAME_ONE),
        (b"", NO_IMAGE, NAME_ONE),
    ],
)  # fmt: skip
def test_what_no_mail_program_shows_is_refused_with_a_word(content: bytes, message: str, fix: str) -> None:
    said = refused(content)
    assert (said.message, said.fix) == (message, fix)


def test_a_photo_whose_notes_are_damaged_is_shown_without_a_word_of_pillows() -> None:
    content = saved(photo(900, 600), "JPEG", exif=exif())
    at = content.index(b"Exif\0\0") + 20
    assert make(content[:at] + b"\xff" * 20 + content[at + 20 :], MOST).width == 900


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP"])
def test_a_file_that_breaks_off_is_damaged(form: str) -> None:
    content = saved(photo(200, 200), form)
    assert refused(content[: len(content) // 2]).message.startswith("is damaged")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int) -> bytes:
    """A small file that stands for a huge image of one colour."""
    rows = zlib.compress(b"\0" * 2_000_000, 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif_of(width: int, height: int, frames: int = 1) -> bytes:
    """A small file whose frames are all as large as GIF allows."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * frames + b";"


@pytest.mark.parametrize("content", [png_of(50_000, 50_000), gif_of(65_535, 65_535), gif_of(20_000, 20_000, 500)])
def test_an_image_that_would_fill_the_memory_is_refused(content: bytes) -> None:
    assert len(content) < 20_000
    assert "more than 80 million" in refused(content).message


def test_an_animation_that_would_keep_every_reader_busy_is_reduced_to_its_first_picture() -> None:
    still = saved(drawing(1000, 1000, "P"), "GIF", save_all=True, append_images=[drawing(1000, 1000, "P").rotate(90)])
    head, trailer = still[:-1], still[-1:]
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1000, 1000, 0) + b"\x02\x02\x44\x01\x00"
    made = make(head + frame * 500 + trailer, MOST)
    assert made.type == PNG
    assert "first picture" in made.note


def speckled(mode: str, width: int, height: int, form: str, seed: bytes) -> bytes:
    """An image of any pixels."""
    size = width * height * 3
    return saved(Image.frombytes("RGB", (width, height), (seed * (size // len(seed) + 1))[:size]).convert(mode), form)


images = st.builds(
    speckled,
    st.sampled_from(["RGB", "L"]),
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]),
    st.binary(min_size=1, max_size=64),
)


@given(images, st.integers(1, 120))
@settings(max_examples=60)
def test_any_image_becomes_a_sound_one_and_the_same_at_each_time(content: bytes, most: int) -> None:
    made = make(content, most)
    assert made == make(content, most)
    image = opened(made.content)
    assert image.size == (made.width, made.height)
    assert made.width <= max(most, 1)
    assert image.get_format_mimetype() == made.type


@given(images, st.integers(0, 4_000), st.binary(min_size=1, max_size=9))
@settings(max_examples=80)
def test_damage_ends_in_an_image_or_in_an_error_that_helps(content: bytes, at: int, damage: bytes) -> None:
    at %= len(content)
    try:
        made = make(content[:at] + damage + content[at + len(damage) :], 60)
    except IssueError as error:
        said = error.problems[0]
    else:
        assert opened(made.content).size == (made.width, made.height)
        return
    assert said.fix
