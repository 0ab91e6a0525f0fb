"""Make: any image into one that every mail program shows, as small as it can be without looking smaller.

    read ─ refuse what is none ─ keep an animation ─ shrink ─ turn upright ─ sRGB ─ without metadata ─ encode

    JPEG                         JPEG
    WebP, AVIF, BMP, GIF, PNG    PNG, or JPEG when that is less than half as large and nothing is transparent
    animated GIF                 as it is, up to a limit; beyond that, and of other animations, the first picture

An image that is small and good already is not touched. The same image becomes the same bytes at each time.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, NoReturn

from newsletter.errors import IssueError, Problem
from newsletter.sources.images.kinds import READ, kind_of, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

RECIPE = 1  # to be raised when the same image would become other bytes: what is in the cache was made by this one
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif"}

_MOST_PIXELS = 80_000_000  # of an image as it comes: a third of a gigabyte in memory
_LARGEST_ANIMATION = 1_500_000  # bytes
_MOST_ANIMATED_PIXELS = 400_000_000  # of all its frames together, which each reader's machine has to draw
_SMALL = 20_000  # bytes: not worth another thought
_WORTHWHILE = 0.9  # of the size: an image that would lose less is left as it is
_QUALITY = 82

# The decoders that are let at the content, by its first bytes. MPO: a JPEG with a second one behind it.
_FORMATS = {
    "JPEG": ("JPEG", "MPO"),
    "PNG": ("PNG",),
    "GIF": ("GIF",),
    "WebP": ("WEBP",),
    "AVIF": ("AVIF",),
    "BMP": ("BMP",),
}
_SHOWN = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif"}
_ORIENTATION = 0x0112  # Exif: how the camera was held
_QUARTER_TURNS = (5, 6, 7, 8)
# What a file may say of itself without telling anything about its author.
_HARMLESS = (
    {"adobe", "adobe_transform", "jfif", "jfif_density", "jfif_unit", "jfif_version", "progression", "progressive"}
    | {"background", "duration", "extension", "gamma", "interlace", "loop", "srgb", "version"}
    | {"dpi", "icc_profile", "transparency"}
)


@dataclass(frozen=True, slots=True)
class Made:
    """An image ready to be sent, and what its author should know."""

    content: bytes
    type: str
    width: int  # pixels
    height: int
    note: str = ""


def make(content: bytes, most: int) -> Made:
    """The image at most `most` pixels wide.

    Raises IssueError, without a place, whose message goes on after the image's name ("… is damaged").
    """
    from PIL import Image

    kind = kind_of(content)
    if kind not in READ:
        _refuse(*refusal(kind, most))
    # Pillow would warn in its own words: of its size, which is looked at below, and of broken Exif, which is dropped.
    Image.MAX_IMAGE_PIXELS = None
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with Image.open(BytesIO(content), formats=_FORMATS[kind]) as image:
            return _made(image, kind, content, most)
    except IssueError:
        raise
    except MemoryError:
        _refuse("needs more memory than there is", "save it smaller")
    except Exception as error:  # whatever the decoders trip over
        detail = str(error)[:100].rstrip(".").lower()
        _refuse(f"is damaged: {detail}", "open it in an image program, and save it anew")


def _refuse(message: str, fix: str) -> NoReturn:
    raise IssueError(Problem(message, fix=fix))


def _made(image: Image, kind: str, content: bytes, most: int) -> Made:
    width, height = image.size
    if width * height > _MOST_PIXELS:
        _refuse(
            f"has {width} × {height} pixels, more than {_MOST_PIXELS // 1_000_000} million",
            f"save it smaller: {most} pixels of width fill the page",
        )
    frames = getattr(image, "n_frames", 1) if kind != "JPEG" else 1
    image.load()
    note = ""
    if frames > 1:
        if kind == "GIF" and len(content) <= _LARGEST_ANIMATION and width * height * frames <= _MOST_ANIMATED_PIXELS:
            return Made(content, "image/gif", width, height)
        note = _about_animation(kind, len(content))
    if frames == 1 and _is_good(image, kind, most):
        if len(content) <= _SMALL:
            return Made(content, _SHOWN[kind], width, height)
        better = _encoded(image, kind, most)
        if len(better.content) >= _WORTHWHILE * len(content):
            return Made(content, _SHOWN[kind], width, height)
        return better
    return _encoded(image, kind, most, note)


def _about_animation(kind: str, size: int) -> str:
    if kind == "GIF":
        return f"is an animation of {size / 1e6:.1f} MB; readers get its first picture, because it would weigh too much"
    return "is animated, which mail programs show in GIF alone; readers get its first picture"


def _is_good(image: Image, kind: str, most: int) -> bool:
    """Whether an image can be sent as it is: shown by all, not too wide, upright, in sRGB, and silent on its author."""
    return (
        kind in _SHOWN
        and image.width <= most
        and image.mode in ("1", "L", "LA", "P", "RGB", "RGBA")
        and image.info.keys() <= _HARMLESS
        and not image.getexif()
        and _profile(image) is None
    )


def _encoded(image: Image, kind: str, most: int, note: str = "") -> Made:
    upright = _upright(image, most)
    if kind != "JPEG":
        content, content_type = _as_png_or_jpeg(upright)
    else:
        content, content_type = min(_jpegs(image, upright), key=len), "image/jpeg"
    return Made(content, content_type, *upright.size, note)


def _upright(image: Image, most: int) -> Image:
    """The image at most so wide, as its author held the camera, in sRGB, and without another word on it."""
    from PIL import ImageOps
    from PIL.Image import Resampling

    profile = _profile(image)
    image = _plain(image)
    width = image.height if image.getexif().get(_ORIENTATION) in _QUARTER_TURNS else image.width
    if width > most:
        size = (max(1, round(image.width * most / width)), max(1, round(image.height * most / width)))
        image = image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)
    image = _in_srgb(ImageOps.exif_transpose(image), profile)
    if image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert(image.mode.removesuffix("A"))
    image.info.clear()
    return image


def _plain(image: Image) -> Image:
    """The image in a mode whose pixels can be mixed with each other; CMYK waits for its profile."""
    if image.mode in ("RGB", "RGBA", "L", "LA", "CMYK") and "transparency" not in image.info:
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode.startswith("I;16"):
        image = image.convert("I")
    if image.mode == "I":
        return image.point(lambda value: value * (1 / 257)).convert("L")
    return image.convert("L" if image.mode in ("1", "F") else "RGB")


def _profile(image: Image) -> bytes | None:
    """The colour profile, if it is another one than sRGB, which is meant where none is said."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if not profile or image.mode in ("1", "L", "LA"):
        return None
    try:
        is_srgb = "srgb" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).lower()
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if is_srgb else bytes(profile)


def _in_srgb(image: Image, profile: bytes | None) -> Image:
    from PIL import ImageCms

    if profile is not None:
        theirs, ours = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            changed = ImageCms.profileToProfile(image, theirs, ours, outputMode=mode)
        except ImageCms.PyCMSError:  # a profile for another kind of image: its colours are taken as they are
            changed = None
        if changed is not None:
            return changed
    return image.convert("RGB") if image.mode == "CMYK" else image


def _as_png_or_jpeg(image: Image) -> tuple[bytes, str]:
    """PNG for what was drawn, JPEG for what was photographed, told by what they weigh."""
    if image.mode in ("RGBA", "LA"):
        return _as_png(image), "image/png"
    jpeg = _as_jpeg(image)
    # A quick PNG tells a photograph for certain; the best one takes a second.
    if 3 * len(jpeg) < len(_saved(image, "PNG", compress_level=1)):
        return jpeg, "image/jpeg"
    png = _as_png(image)
    return (jpeg, "image/jpeg") if 2 * len(jpeg) < len(png) else (png, "image/png")


def _as_png(image: Image) -> bytes:
    return _saved(_paletted(image), "PNG", optimize=True)


def _jpegs(image: Image, upright: Image) -> Iterator[bytes]:
    """The image as it is wanted; and once more with its own tables, if only its words have to go."""
    yield _as_jpeg(upright)
    turned = image.getexif().get(_ORIENTATION, 1) != 1
    same = image.size == upright.size and image.mode == upright.mode and not turned and _profile(image) is None
    if same and image.format == "JPEG":
        yield _saved(image, "JPEG", quality="keep", optimize=True, comment=b"")


def _as_jpeg(image: Image) -> bytes:
    return _saved(image, "JPEG", quality=_QUALITY, optimize=True, progressive=True)


def _paletted(image: Image) -> Image:
    """The same pixels by numbers, if there are few enough colours for that: a third of the size."""
    from PIL import ImageChops
    from PIL.Image import Dither, Quantize

    if image.mode not in ("RGB", "RGBA") or image.getcolors(256) is None:
        return image
    method = Quantize.FASTOCTREE if image.mode == "RGBA" else Quantize.MEDIANCUT
    few = image.quantize(256, method, dither=Dither.NONE)
    return few if ImageChops.difference(few.convert(image.mode), image).getbbox() is None else image


def _saved(image: Image, form: str, **settings: object) -> bytes:
    out = BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()
