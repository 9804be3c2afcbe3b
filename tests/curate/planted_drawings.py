"""Drawings and photographs as a pile holds them: laid on grounds, made small, compressed.

Drawings come from a folder that scripts/gather_drawings.py makes, or are drawn here.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import planted_defects as planted
from PIL import Image, ImageDraw

# The shorter side at least, so that no other check stands in for this one.
LEAST = 64
FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
WHITE = 255.0


def families(folder: Path, part: str) -> Iterator[tuple[str, Image.Image]]:
    """The families of `part` ("chosen-on" or "test") and their drawings, RGBA."""
    for family in sorted(path for path in (folder / part).iterdir() if path.is_dir()):
        for path in sorted(family.glob("*.png")):
            with Image.open(path) as image:
                yield family.name, image.convert("RGBA")


def cartoon(rng: np.random.Generator, side: int = 320) -> Image.Image:
    """A face, drawn: shapes of one colour with an outline, in one of many makes."""
    image = Image.new("RGB", (side, side), tuple(rng.integers(0, 256, 3).tolist()))
    draw, unit = ImageDraw.Draw(image), side / 16

    def blot(x: float, y: float, wide: float, high: float, dark: int = 0) -> None:
        x, y, wide, high = (v * unit * rng.uniform(0.85, 1.15) for v in (x, y, wide, high))
        colour = tuple(rng.integers(0, 256 - dark, 3).tolist())
        line = int(rng.integers(1, 5))
        box = (x - wide, y - high, x + wide, y + high)
        shape = draw.ellipse if rng.random() < 0.7 else draw.rectangle
        shape(box, fill=colour, outline=(20, 20, 20), width=line)

    for _ in range(int(rng.integers(0, 8))):
        blot(*rng.uniform(0, 16, 2), *rng.uniform(0.5, 3, 2))
    for part in ((8, 15, 5, 3), (8, 6.5, 4.5, 5), (8, 7.5, 3.5, 4.2)):
        blot(*part)
    for x in (6.5, 9.5):
        blot(x, 7, 0.7, 0.6, dark=150)
    blot(8, 9.5, 1.6, 0.4)
    return image.rotate(float(rng.uniform(-10, 10)), FILTERS[1], fillcolor=image.getpixel((0, 0)))


def laid(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A drawing on white, on one colour or on a gradient, with a margin; or a part of it alone."""
    image = image.convert("RGBA")
    if rng.random() < 0.2:
        sides = [round(side * rng.uniform(0.5, 0.8)) for side in image.size]
        left, top = (
            int(rng.integers(0, full - side + 1))
            for full, side in zip(image.size, sides, strict=True)
        )
        image = image.crop((left, top, left + sides[0], top + sides[1]))
    margin = 1 + (rng.uniform(0, 0.35) if rng.random() < 0.6 else 0)
    width, height = (int(side * margin) for side in image.size)
    kind, ends = rng.random(), rng.uniform(0, 255, (2, 3))
    if kind < 0.6:
        ends[:] = WHITE
    elif kind < 0.85:
        ends[1] = ends[0]
    share = np.linspace(0, 1, height)[:, None, None]
    colours = np.broadcast_to(ends[0] * (1 - share) + ends[1] * share, (height, width, 3))
    page = Image.fromarray(colours.astype(np.uint8)).convert("RGBA")
    page.alpha_composite(image, ((width - image.width) // 2, (height - image.height) // 2))
    return page.convert("RGB")


def cut_out(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """An oval of a photograph before one colour, white mostly, as portraits are shown."""
    width, height = image.size
    mask = np.zeros((height, width), np.float32)
    axes = int(width * rng.uniform(0.25, 0.45)), int(height * rng.uniform(0.35, 0.5))
    cv2.ellipse(mask, (width // 2, int(height * 0.55)), axes, 0, 0, 360, 1, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.8, 3))[..., None]
    colour = np.full(3, WHITE) if rng.random() < 0.6 else rng.uniform(60, 255, 3)
    pixels = np.asarray(image) * mask + colour * (1 - mask)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def contrasted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = (np.asarray(image).astype(np.float32) - 128) * rng.uniform(1.2, 1.8) + 128
    pixels += rng.uniform(-20, 30)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def photograph(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """As it is, or with a defect, cut out, or with more contrast: still a photograph."""
    changes = (
        (0.15, cut_out),
        (0.19, planted.gaussian_blur),
        (0.23, planted.motion_blur),
        (0.27, planted.over_exposed),
        (0.31, planted.under_exposed),
        (0.40, contrasted),
    )
    drawn = rng.random()
    for below, change in changes:
        if drawn < below:
            return change(image, rng)
    return image


def stored(image: Image.Image, rng: np.random.Generator) -> bytes:
    """In another size, sometimes grey, as JPEG, WebP or PNG, more or less compressed."""
    share = np.exp(rng.uniform(np.log(80), np.log(500))) / max(image.size)
    share = max(min(share, 1.5), LEAST / min(image.size))
    size = [max(1, round(side * share)) for side in image.size]
    image = image.resize(size, FILTERS[rng.integers(len(FILTERS))])
    if rng.random() < 0.15:
        image = image.convert("L").convert("RGB")
    kind = rng.random()
    if kind < 0.15:
        return planted.encoded(image, "PNG")
    if kind < 0.3:
        return planted.encoded(image, "WEBP", quality=int(rng.integers(40, 95)))
    return planted.encoded(image, quality=int(rng.integers(25, 96)))
