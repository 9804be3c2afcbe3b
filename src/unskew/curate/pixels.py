"""One file's bytes as the small upright copy that every check looks at; decoded once.

A JPEG is decoded at a fraction of its size (the decoder leaves out the finest frequencies), which
is most of the speed. Its decoder is asked to be strict: Pillow passes over damage in the middle of
a file, and gives grey or shifted blocks. Transparency is laid over white.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

# The longer side of the copy: about what models look at, so that blur counts where it matters.
SIDE = 256
# More are refused: decoded, they take four to sixteen bytes each. A JPEG is decoded at a fraction,
# but a progressive one is first kept whole, at six bytes.
MAX_PIXELS, MAX_JPEG_PIXELS = 64_000_000, 128_000_000
EXIF_ORIENTATION = 0x0112
# Orientations that lay the picture on its side.
ON_ITS_SIDE = (5, 6, 7, 8)


class UnreadableError(ValueError):
    """Why one file is not a picture; it never leaves the checks."""


@dataclass(frozen=True)
class Copy:
    """``rgb``: uint8 (h, w, 3), h and w at most the side asked for, never enlarged. ``width``,
    ``height``: of the upright picture in its file. ``animated``: it has more than one frame; the
    first is looked at."""

    rgb: np.ndarray
    width: int
    height: int
    animated: bool


def small_copy(content: bytes, side: int = SIDE) -> Copy:
    """Decode a file; ``side``: of the copy, the longer one, at most.

    Raises:
        UnreadableError: it is empty, no picture, damaged, or too large to decode.
    """
    if not content:
        raise UnreadableError("it is empty (0 bytes)")
    try:
        return _decoded(content, side)
    except UnreadableError:
        raise
    except UnidentifiedImageError:
        raise UnreadableError("it is not in an image format that Pillow can read") from None
    except Image.DecompressionBombError:
        raise UnreadableError("its pixels are too many to decode") from None
    except Exception as error:  # damaged files make decoders raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableError(reason) from error


def _decoded(content: bytes, side: int) -> Copy:
    image = Image.open(BytesIO(content))
    width, height = image.size
    share = min(1.0, side / max(width, height))
    target = (max(1, round(width * share)), max(1, round(height * share)))
    # MPO: what some telephones write, a JPEG with others behind it.
    jpeg = image.format in ("JPEG", "MPO")
    limit = MAX_JPEG_PIXELS if jpeg else MAX_PIXELS
    if width * height > limit:
        raise UnreadableError(f"its {width} x {height} pixels exceed the limit of {limit}")
    if jpeg and image.mode in ("RGB", "L"):
        small = _strict_jpeg(content, target)
    else:
        image.draft(None, target)
        image.load()
        small = _flattened(image)
    if small.size != target:
        small = small.resize(target, Image.Resampling.BOX, reducing_gap=2.0)
    # Loaded first: PNG keeps its EXIF block behind the pixels.
    orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    if orientation != 1:
        small.getexif()[EXIF_ORIENTATION] = orientation
        small = ImageOps.exif_transpose(small)
    if orientation in ON_ITS_SIDE:
        width, height = height, width
    animated = image.format != "MPO" and bool(getattr(image, "is_animated", False))
    return Copy(np.asarray(small), width, height, animated)


def _strict_jpeg(content: bytes, target: tuple[int, int]) -> Image.Image:
    """At least ``target`` pixels of a JPEG; any damage raises."""
    pixels = simplejpeg.decode_jpeg(
        content, "RGB", fastdct=True, min_width=target[0], min_height=target[1], strict=True
    )
    return Image.fromarray(pixels)


def _flattened(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.asarray(image, dtype=np.float64)
        top = 65535.0 if grey.max() > 255 else 255.0
        return Image.fromarray(np.clip(grey / top * 255, 0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
