"""Defects planted in good pictures, and changes that are none: what the checks are measured on."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

EXIF_ORIENTATION = 0x0112
WORDS = "the of people say that in a long time we have seen no such thing before and now it is so"


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **({"quality": 88} | options if kind == "JPEG" else options))
    return buffer.getvalue()


def _pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(np.float32)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _unit(image: Image.Image) -> float:
    """Pixels of the picture per pixel of its copy of at most 224: blur is relative to what a
    model sees."""
    return max(1.0, max(image.size) / 224)


def gaussian_blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    sigma = rng.uniform(2.0, 4.0) * _unit(image)
    return _image(cv2.GaussianBlur(_pixels(image), (0, 0), sigma))


def motion_blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    length = round(rng.uniform(9, 18) * _unit(image)) | 1
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), rng.uniform(0, 180), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return _image(cv2.filter2D(_pixels(image), -1, kernel / kernel.sum()))


def over_exposed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return _image(_pixels(image) * rng.uniform(2.5, 4.0))


def under_exposed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return _image(_pixels(image) * rng.uniform(0.06, 0.18))


def thumbnail(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = image.copy()
    small.thumbnail((40, 40))
    return small


def flat(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Nothing but one colour, a soft gradient or a little noise."""
    colour = rng.uniform(40, 215, 3)
    pixels = np.tile(colour, (*image.size[::-1], 1))
    return _image(pixels + rng.normal(0, rng.uniform(0, 1.5), pixels.shape))


def watermark(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A visible line of text: a corner, the middle, or tiled at a slant, half transparent."""
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    size = max(9, int(min(image.size) * rng.uniform(0.07, 0.12)))
    font, draw = ImageFont.load_default(size), ImageDraw.Draw(layer)
    ink = (*((255,) * 3 if rng.random() < 0.5 else (40,) * 3), int(rng.uniform(120, 220)))
    text = str(rng.choice(["shutterstock", "STOCK PHOTO", "(c) agency 2021", "www.photos.example"]))
    width, height = image.size
    style = rng.integers(3)
    if style == 0:
        draw.text((width * 0.05, height - 1.6 * size), text, ink, font)
    elif style == 1:
        draw.text((width * 0.15, height * 0.5), text, ink, font)
    else:
        for y in range(0, height, 4 * size):
            for x in range(0, width, 9 * size):
                draw.text((x, y), text, ink, font)
        layer = layer.rotate(20)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def faint(image: Image.Image, marked: Image.Image) -> bool:
    """The letters differ from what they lie on by less than a tenth of black and white: white ones
    on white, dark ones on dark, which people hardly see either."""
    change = np.abs(_pixels(image) - _pixels(marked)).max(axis=2)
    return float(change.sum()) < 25.5 * max(1, np.count_nonzero(change))


def screenshot(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A page of text, perhaps with the picture in it, as phones and browsers show it."""
    width, height = (360, 640) if rng.random() < 0.5 else (640, 420)
    dark = rng.random() < 0.3
    page = Image.new("RGB", (width, height), (21, 32, 43) if dark else (255, 255, 255))
    draw, y = ImageDraw.Draw(page), 16
    font = ImageFont.load_default(int(rng.integers(12, 19)))
    if rng.random() < 0.5:
        inset = image.copy()
        inset.thumbnail((width - 32, height // 3))
        page.paste(inset, (16, y))
        y += inset.height + 12
    words = WORDS.split()
    while y < height - 24:
        line = " ".join(rng.choice(words, int(rng.integers(5, 12))))
        draw.text((16, y), line, (230, 230, 230) if dark else (20, 20, 20), font)
        y += int(font.size * 1.4)
    return page


def _crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Up to 12 percent off each side, at least 6 percent of a side in all."""
    left, right, top, bottom = rng.uniform(0.03, 0.12, 4)
    width, height = image.size
    return image.crop(
        tuple(
            int(v) for v in (left * width, top * height, width * (1 - right), height * (1 - bottom))
        )
    )


def _resized(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    share = max(rng.uniform(0.4, 0.8), 80 / min(image.size))
    return image.resize([max(1, int(side * share)) for side in image.size])


def _flipped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


NEAR = {
    "crop": lambda image, rng: encoded(_crop(image, rng)),
    "resize": lambda image, rng: encoded(_resized(image, rng)),
    "jpeg": lambda image, rng: encoded(image, quality=int(rng.integers(20, 50))),
    "flip": lambda image, rng: encoded(_flipped(image, rng)),
    "crop and flip": lambda image, rng: encoded(_flipped(_crop(image, rng), rng), quality=60),
}


def _overwritten(content: bytes, rng: np.random.Generator, blank: bool) -> bytes:
    """A block of the file that never arrived (zeros), or that was damaged (noise)."""
    size = min(4096, len(content) // 6)
    start = int(rng.integers(len(content) // 3, len(content) - size - 2))
    block = bytes(size) if blank else rng.bytes(size)
    return content[:start] + block + content[start + size :]


CORRUPT: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "cut off": lambda content, rng: content[: int(len(content) * rng.uniform(0.2, 0.95))],
    "empty": lambda content, rng: b"",
    "an error page": lambda content, rng: b"<html><body>404 Not Found</body></html>",
    "a hole in the file": lambda content, rng: _overwritten(content, rng, blank=True),
    "noise in the file": lambda content, rng: _overwritten(content, rng, blank=False),
    "damaged head": lambda content, rng: rng.bytes(64) + content[64:],
}


def bomb(side: int = 20_000) -> bytes:
    """A PNG of side x side black pixels in a few hundred kilobytes, made without them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    packer = zlib.compressobj(9)
    row = bytes(1 + side)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def exif_rotated(image: Image.Image) -> bytes:
    """The picture stored on its side, with the tag that turns it upright."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    return encoded(image.transpose(Image.Transpose.ROTATE_90), exif=exif.tobytes())


def animated_gif(image: Image.Image, other: Image.Image) -> bytes:
    frames = [f.resize(image.size) for f in (other, image)]
    return encoded(image, "GIF", save_all=True, append_images=frames, duration=100)


HARMLESS: dict[str, Callable[[Image.Image], bytes]] = {
    "as it is": lambda image: encoded(image, quality=92),
    "CMYK": lambda image: encoded(image.convert("CMYK"), quality=92),
    "EXIF-rotated": exif_rotated,
    "progressive": lambda image: encoded(image, progressive=True),
    "WebP": lambda image: encoded(image, "WEBP", quality=85),
    "PNG with alpha": lambda image: encoded(image.convert("RGBA"), "PNG"),
}
DEFECTS: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "gaussian blur": gaussian_blur,
    "motion blur": motion_blur,
    "over-exposed": over_exposed,
    "under-exposed": under_exposed,
    "thumbnail": thumbnail,
    "flat": flat,
    "watermark": watermark,
    "screenshot": screenshot,
}
