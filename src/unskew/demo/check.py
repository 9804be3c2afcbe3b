"""Whether a file that a stranger hands in is a picture and nothing else."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from dataclasses import dataclass

from PIL import Image

from unskew.demo.limits import MEGA, Limits
from unskew.demo.shelf import Upload
from unskew.encoders.images import UnreadableImageError, to_rgb

FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 92

_KINDS = (
    (re.compile(rb"<svg[\s>]", re.I), "it is an SVG drawing, which can hold programs"),
    (re.compile(rb"<!doctype html|<html[\s>]|<script|<iframe", re.I), "it is a web page"),
    (re.compile(rb"\s*<\?xml", re.I), "it is an XML document"),
    (re.compile(rb"%PDF-"), "it is a PDF document"),
    (re.compile(rb"PK\x03\x04|\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!"), "it is an archive"),
    (re.compile(rb"MZ|\x7fELF|#!"), "it is a program"),
    (re.compile(rb"GIF8|.{4}ftyp(qt|isom|mp4)|RIFF.{4}AVI ", re.S), "it is an animation or a film"),
    (re.compile(rb"BM|II\*\x00|MM\x00\*|.{4}ftyp", re.S), "it is a picture of another format"),
)
"""What a file that is no picture seems to be, by its beginning."""

_HIDDEN = re.compile(
    rb"<script|<!doctype html|<html[\s>]|<svg\s|<iframe|<\?php|javascript:|%PDF-1", re.I
)
"""What no picture needs to contain, wherever it stands."""

_HEAD = 1024
_SCAN = b"\xff\xda"
_SCANS = 64
"""Passes over a progressive JPEG. Cameras and programs make about ten; each costs a decoding."""


@dataclass(frozen=True)
class Picture:
    """A picture made anew from the pixels of an upload: nothing else of the file is left.

    ``jpeg``: no side longer than the limit; without place, time or any other note of the camera.
    """

    jpeg: bytes


@dataclass(frozen=True)
class Refused:
    """``name`` is what the browser called the file: shown as text and never used as a path."""

    name: str
    reason: str


def looked_at(upload: Upload, limits: Limits) -> Picture | Refused:
    """The picture in an upload, or why there is none. Never raises for what a file holds."""
    content = upload.content
    if content is None:
        reason = f"it is larger than {limits.file_bytes // MEGA} MB"
    elif not content:
        reason = "it is empty (0 bytes)"
    else:
        reason = _objection(content, limits)
    if reason or content is None:
        return Refused(shown_name(upload.name), reason)
    try:
        rgb = to_rgb(content)
    except UnreadableImageError as error:
        return Refused(shown_name(upload.name), f"it cannot be read: {error}")
    rgb.thumbnail((limits.side, limits.side))
    out = io.BytesIO()
    # Pixels alone: an image that Pillow opened still carries notes and profiles.
    Image.frombytes("RGB", rgb.size, rgb.tobytes()).save(out, "JPEG", quality=_QUALITY)
    return Picture(out.getvalue())


def shown_name(name: str) -> str:
    """A name for a message: one line, and not longer than can be read."""
    visible = readable(name)
    return visible if len(visible) <= 60 else visible[:40] + "…" + visible[-19:]


def readable(text: str) -> str:
    """A text of printable characters alone: no control characters, no halves of a character."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _objection(content: bytes, limits: Limits) -> str:
    """Why these bytes are not taken, before anything is decoded; empty if nothing speaks
    against it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Exception as error:  # damaged headers make Pillow raise nearly anything
        if isinstance(error, Image.DecompressionBombError):
            return _too_large(limits)
        return f"{_kind(content)}; hand in JPEG, PNG or WebP"
    if image.width * image.height > limits.pixels:
        return _too_large(limits)
    jpeg = image.format in ("JPEG", "MPO")  # some phones put several JPEGs into one: MPO
    if not jpeg and getattr(image, "is_animated", False):
        return "it is an animation; hand in a still picture"
    if jpeg and content.count(_SCAN) > _SCANS:
        return "it is built of too many layers to be read in good time"
    if _HIDDEN.search(content):
        return "there is code or a document in it beside the picture"
    if zipfile.is_zipfile(io.BytesIO(content)):
        return "there is an archive in it beside the picture"
    return ""


def _too_large(limits: Limits) -> str:
    return f"it has more than {limits.pixels // 1_000_000} million pixels"


def _kind(content: bytes) -> str:
    """What a file that is no picture we take seems to be."""
    if content[257:262] == b"ustar":
        return "it is an archive"
    head = content[:_HEAD]
    for pattern, kind in _KINDS:
        if pattern.match(head) or (b"<" in pattern.pattern and pattern.search(head)):
            return kind
    return "it is no picture, or a damaged one"
