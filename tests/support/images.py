"""Images to put into issues: photographs, drawings and animations, made on the spot, the same at each time."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageCms, ImageDraw, ImageFile

if TYPE_CHECKING:
    from collections.abc import Mapping


def photo(width: int = 1600, height: int = 1200, mode: str = "RGB") -> Image.Image:
    """What looks like a photograph to a program: many soft colours."""
    shade = Image.linear_gradient("L").resize((width, height))
    ring = Image.radial_gradient("L").resize((width, height))
    return Image.merge("RGB", (shade, ring, shade.rotate(180))).convert(mode)


def drawing(width: int = 800, height: int = 600, mode: str = "RGB") -> Image.Image:
    """What looks like a drawing: a few flat colours."""
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((width // 8, height // 8, width // 2, height // 2), fill="#94391f")
    pen.ellipse((width // 3, height // 3, width - 2, height - 2), fill="#2b4c7e")
    return image.quantize(8) if mode == "P" else image.convert(mode)


def saved(image: Image.Image, form: str = "PNG", **settings: object) -> bytes:
    """The image as a file."""
    out = BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def animated(form: str = "GIF", frames: int = 3, size: int = 60) -> bytes:
    """A square that changes its colour."""
    images = [Image.new("RGB", (size, size), f"hsl({360 * at // frames}, 80%, 50%)") for at in range(frames)]
    return saved(images[0], form, save_all=True, append_images=images[1:], duration=100)


def exif(orientation: int = 1, **tags: str) -> Image.Exif:
    """What a camera writes: how it was held, and where the photograph was taken."""
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010F] = tags.get("make", "A camera")
    found[0x8825] = {1: "N", 2: (47.0, 13.0, 6.0), 3: "W", 4: (1.0, 33.0, 13.0)}
    return found


def opened(content: bytes) -> ImageFile.ImageFile:
    """The file as an image, decoded."""
    image = Image.open(BytesIO(content))
    image.load()
    return image


def words_in(info: Mapping[Any, Any]) -> set[Any]:
    """What an opened image says beside its pixels and how they are stored."""
    return set(info) & {"exif", "xmp", "comment", "photoshop", "mp", "XML:com.adobe.xmp", "Author", "icc_profile"}


def profile(*, swapped: bool = False) -> bytes:
    """The colour profile sRGB, or one in which what is red there is green."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if swapped:
        made = made.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
        made = made.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))
    return made
