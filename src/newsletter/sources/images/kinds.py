"""Kinds: what a file is, told by its first bytes and not by its name, and what to say of one that cannot be shown."""

from __future__ import annotations

import re

# What is read here. Mail programs show the first three; the others become one of them.
READ = frozenset(("JPEG", "PNG", "GIF", "WebP", "AVIF", "BMP"))

_SIGNS = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (re.compile(rb"GIF8[79]a"), "GIF"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebP"),
    (re.compile(rb"....ftyp.{0,24}avi[fs]", re.DOTALL), "AVIF"),
    (re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL), "HEIC"),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), "BMP"),
    (re.compile(rb"II\*\0|MM\0\*"), "TIFF"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "JPEG XL"),
    (re.compile(rb"8BPS"), "Photoshop"),
    (re.compile(rb"%PDF"), "PDF"),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?)?(?:<!--.*?-->\s*)*(?:<!DOCTYPE svg.*?)?<svg\b", re.DOTALL), "SVG"),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE), "HTML"),
)
_LOOKED_AT = 4096  # bytes

# What is said of the others: after the image's name, and then what to do.
_REFUSED = {
    "SVG": (
        "is an SVG drawing, which Gmail and Outlook do not show",
        # Drawing it here would take the fonts of whatever machine this is: other letters on the next one.
        "export it as PNG, {most} pixels wide, from the program that it was drawn in",
    ),
    "HEIC": ("is a HEIC photo, which only Apple's programs show", "save it as JPEG"),
    "HTML": ("is a web page, not an image", "name the image itself"),
    "PDF": ("is a PDF document, not an image", "export the page as PNG, or link to the document"),
}


def kind_of(content: bytes) -> str | None:
    """The kind of the content, or None for what is unknown."""
    beginning = content[:_LOOKED_AT]
    return next((kind for sign, kind in _SIGNS if sign.match(beginning)), None)


def refusal(kind: str | None, most: int) -> tuple[str, str]:
    """Why an image of this kind is not shown, and what to do; `most` is how many pixels fill the page."""
    if kind in _REFUSED:
        message, fix = _REFUSED[kind]
        return message, fix.format(most=most)
    if kind is not None:
        return f"is a {kind} file, which mail programs do not show", "save it as JPEG or PNG"
    return "is no image, or is damaged at its beginning", "name a JPEG, PNG, GIF, WebP or AVIF file"
