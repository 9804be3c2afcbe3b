"""One image, however it came: read its bytes, name its content, give its RGB pixels.

Orientation follows EXIF, transparency is laid over white, 16-bit and floating-point greys are
scaled to the full range instead of being clipped. What cannot be read says why.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from unskew.errors import InputError

EXIF_ORIENTATION = 0x0112
# Models that scale the shorter side to 224 would blow a longer strip up to gigabytes.
MAX_ASPECT = 100
# Part of every cache key: raise it when the pixels that `to_rgb` gives for a file change.
READING_VERSION = 1
# Open files and lazily opened images have one position, and a list may hold the same one twice.
_ONE_AT_A_TIME = threading.Lock()


class UnreadableImageError(ValueError):
    """Why one item is not an image; it never leaves the encoders room."""


@dataclass(frozen=True)
class Picture:
    """An image whose content has a name (`key`, 32 bytes) before its pixels are asked for."""

    key: bytes
    rgb: Callable[[], Image.Image]


def to_rgb(item: Any) -> Image.Image:
    """RGB pixels of a path, bytes, open file, array, PIL image or datasets dict.

    Arrays are height x width or height x width x {1, 3, 4}: 8-bit, 16-bit, boolean, or floating
    point in [0, 1].

    Raises:
        UnreadableImageError: the item is no image, or a damaged one; the message says why.
    """
    return read_picture(item).rgb()


def read_picture(item: Any) -> Picture:
    """Read an item as far as its key needs: encoded images are hashed undecoded.

    Raises:
        UnreadableImageError: the item is no image, or its file cannot be read.
    """
    data = _encoded(item)
    if data is not None:
        if not data:
            raise UnreadableImageError("it is empty (0 bytes)")
        return Picture(hashlib.sha256(data).digest(), lambda: _decode(data))
    if isinstance(item, Image.Image):
        with _ONE_AT_A_TIME:
            image = _pixels_of(item)
    elif isinstance(item, np.ndarray):
        image = _from_array(item)
    else:
        raise UnreadableImageError(f"a {type(item).__name__} is not an image")
    digest = hashlib.sha256(b"RGB %d %d " % image.size)
    digest.update(image.tobytes())
    return Picture(digest.digest(), lambda: image)


def name_of(item: Any, index: int) -> str:
    """What to call an item in a message: its path when it has one, else its position."""
    if isinstance(item, str | Path):
        return str(item)
    if isinstance(item, dict) and item.get("path"):
        return str(item["path"])
    path = getattr(item, "filename", None) or getattr(item, "name", None)
    return str(path) if isinstance(path, str | Path) and str(path) else f"image {index}"


def undecoded(images: Iterable[Any]) -> Iterable[Any]:
    """The items of `images`; a column of a `datasets.Dataset` gives files instead of pixels.

    The column's own decoding would run in the caller's thread and stop at the first bad file.

    Raises:
        InputError: a single image or a whole data set was given instead of a list of images.
    """
    if isinstance(images, str | bytes | Path | Image.Image | dict):
        raise InputError(
            f"expected a list of images, got one {type(images).__name__}: put it in a list"
        )
    if hasattr(images, "column_names"):
        raise InputError(
            f"expected images, got a data set with columns {images.column_names}: pass its image "
            'column, for example data["image"]'
        )
    source, column = getattr(images, "source", None), getattr(images, "column_name", None)
    if source is None or column is None or getattr(source, "features", None) is None:
        return images
    import datasets

    feature = source.features.get(column)
    if isinstance(source, datasets.Dataset) and source.format["type"] is not None:
        return images  # the person's own transform decides what the items are
    if isinstance(feature, datasets.Image) and feature.decode:
        return source.cast_column(column, datasets.Image(decode=False))[column]
    return images


def _encoded(item: Any) -> bytes | None:
    """The file content of an item that has one, else None."""
    if isinstance(item, bytes | bytearray | memoryview):
        return bytes(item)
    if isinstance(item, dict):
        if item.get("bytes") is not None:
            return bytes(item["bytes"])
        item = item.get("path")
        if item is None:
            raise UnreadableImageError("a dict with neither bytes nor path is not an image")
    if isinstance(item, str | os.PathLike):
        return _file_content(Path(item))
    if hasattr(item, "read") and not isinstance(item, Image.Image):
        with _ONE_AT_A_TIME:
            item.seek(0)
            return bytes(item.read())
    if item is None:
        raise UnreadableImageError("it is missing (None)")
    return None


def _file_content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableImageError("there is no such file") from None
    except IsADirectoryError:
        raise UnreadableImageError("it is a folder") from None
    except OSError as error:
        raise UnreadableImageError(error.strerror or str(error)) from None


def _decode(data: bytes) -> Image.Image:
    try:
        image = Image.open(BytesIO(data))
    except UnidentifiedImageError:
        raise UnreadableImageError("it is not in an image format Pillow can read") from None
    except Exception as error:
        raise UnreadableImageError(_one_line(error)) from error
    return _pixels_of(image)


def _pixels_of(image: Image.Image) -> Image.Image:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise UnreadableImageError(
            f"its {image.width} x {image.height} pixels exceed the limit of {limit} "
            "(PIL.Image.MAX_IMAGE_PIXELS)"
        )
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise UnreadableImageError(
            f"its {image.width} x {image.height} pixels are a line rather than a picture"
        )
    try:
        return _flatten(_upright(image))
    except UnreadableImageError:
        raise
    except Exception as error:  # damaged files make decoders raise nearly anything
        raise UnreadableImageError(_one_line(error)) from error


def _upright(image: Image.Image) -> Image.Image:
    # Loaded first: PNG keeps its EXIF block behind the pixels.
    image.load()
    if image.getexif().get(EXIF_ORIENTATION, 1) == 1:
        return image
    return ImageOps.exif_transpose(image)


def _flatten(image: Image.Image) -> Image.Image:
    """To mode RGB, without the loss or the black background of a plain `convert`."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        if image.mode == "La":
            image = image.convert("LA")
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if image.mode.startswith("I") or image.mode == "F":
        return _from_array(_wide_grey(image))
    return image.convert("RGB")


def _wide_grey(image: Image.Image) -> np.ndarray:
    """Greys beyond 8 bits as uint16 or as float in [0, 1]."""
    grey = np.asarray(image)
    if grey.dtype.kind == "u":
        return grey.astype(np.uint16)
    low, high = float(grey.min()), float(grey.max())
    if image.mode == "F" and low >= 0 and high <= 1:
        return grey
    # Pillow gives the 16-bit files of some formats 32-bit pixels; others hold 8-bit values.
    top = 65535 if high > 255 or (image.mode == "I" and image.format == "PNG") else 255
    if not (low >= 0 and high <= top):
        raise UnreadableImageError(
            f"its greys run from {low:g} to {high:g}: give values in [0, 1] or [0, 65535]"
        )
    return grey.astype(np.float64) / top


def _from_array(array: np.ndarray) -> Image.Image:
    shape_ok = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not shape_ok or 0 in array.shape:
        raise UnreadableImageError(
            f"an array of shape {array.shape} is not an image: give height x width or "
            "height x width x {1, 3, 4}"
        )
    pixels = _to_uint8(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)
    return _flatten(Image.fromarray(np.ascontiguousarray(pixels)))


def _to_uint8(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return np.rint(array / 257.0).astype(np.uint8)
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # also false for NaN
            raise UnreadableImageError("its floating-point values are not all in [0, 1]")
        return np.rint(array.astype(np.float64) * 255).astype(np.uint8)
    if array.dtype.kind in "iu" and array.min() >= 0 and array.max() <= 255:
        return array.astype(np.uint8)
    raise UnreadableImageError(f"its {array.dtype} values are not all in [0, 255]")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
