"""The common corruptions of Hendrycks and Dietterich, at the strengths of CIFAR-10-C.

Hendrycks, Dietterich 2019 (arXiv 1903.12261): the recipes and, for every severity of 1 to 5, the
parameters are theirs for images of 32 x 32 pixels. Every function takes an image in [0, 1],
(32, 32, 3), its parameters and a random generator, and gives an image to be clipped to [0, 1].

Written on NumPy, SciPy and Pillow, because no library serves: `imagecorruptions` 1.1.2 fails for
fog, glass blur and Gaussian blur on NumPy 2 and today's scikit-image, and it and its successors
have the parameters of 224-pixel photos and draw from NumPy's global state. What differs from the
published images: frost is a drawn texture instead of six photos of frost; the edges of water drops
are those of the drop's mask instead of Canny's; the affine part and the waves of the elastic
transform are one interpolation instead of two; grey pixels stay grey when saturated.
"""

import io
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from unskew.corpora.biased.classes import Bytes

Picture: TypeAlias = NDArray[np.float64]
Corruption: TypeAlias = Callable[[Picture, Any, np.random.Generator], Picture]

SIZE = 32
GREY = np.array([0.299, 0.587, 0.114])
TURQUOISE, MUD = np.array([175, 238, 238]) / 255, np.array([63, 42, 20]) / 255
ICE = np.array([0.87, 0.94, 1.0])


def corrupted(image: Bytes, name: str, severity: int, rng: np.random.Generator) -> Bytes:
    """A uint8 image (32, 32, 3) under one of `CORRUPTIONS`, at a severity of 1 to 5."""
    corrupt, parameters = CORRUPTIONS[name]
    changed = corrupt(image / 255, parameters[severity - 1], rng)
    return np.rint(np.clip(changed, 0, 1) * 255).astype(np.uint8)


def original(x: Picture, c: None, rng: np.random.Generator) -> Picture:
    """Nothing is changed."""
    return x


def gaussian_noise(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """Normal noise in every value; c: its standard deviation."""
    return x + rng.normal(0, c, x.shape)


def shot_noise(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """Poisson noise of light; c: the photons of a white value."""
    return rng.poisson(x * c) / c


def impulse_noise(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """Values that turn black or white; c: their share."""
    struck, white = rng.random(x.shape) < c, rng.random(x.shape) < 0.5
    return np.where(struck, white, x)


def speckle_noise(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """Normal noise in proportion to the value; c: its standard deviation."""
    return x + x * rng.normal(0, c, x.shape)


def gaussian_blur(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """c: standard deviation in pixels."""
    return ndimage.gaussian_filter(x, (c, c, 0), mode="nearest")


def defocus_blur(x: Picture, c: tuple[float, float], rng: np.random.Generator) -> Picture:
    """Blur by a disk; c: its radius, and the standard deviation that smooths its edge."""
    side = np.arange(-8, 9)
    disk = (side**2 + side[:, None] ** 2 <= c[0] ** 2).astype(np.float64)
    kernel = ndimage.gaussian_filter(disk / disk.sum(), c[1], radius=1)
    return ndimage.convolve(x, kernel[6:11, 6:11, None], mode="mirror")


def glass_blur(x: Picture, c: tuple[float, int], rng: np.random.Generator) -> Picture:
    """Pixels take the place of a neighbour; c: blur before and after, and how often they do."""
    blurred = gaussian_blur(x, c[0], rng)
    rows, columns = np.mgrid[2:SIZE, 2:SIZE]
    for _ in range(c[1]):
        up, left = rng.integers(0, 2, (2, *rows.shape))
        blurred[2:, 2:] = blurred[rows - up, columns - left]
    return gaussian_blur(blurred, c[0], rng)


def motion_blur(x: Picture, c: tuple[int, float], rng: np.random.Generator) -> Picture:
    """c: length in pixels, and standard deviation of the trail."""
    return _trail(x, *c, rng.uniform(-45, 45))


def zoom_blur(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """The mean of the image and of zooms of it in steps of 0.01; c: where they end."""
    zooms = [_zoomed(x, factor) for factor in np.arange(1, c, 0.01)]
    return np.mean([x, *zooms], axis=0)


def snow(x: Picture, c: tuple[float, ...], rng: np.random.Generator) -> Picture:
    """Flakes on a whitened image.

    c: mean and standard deviation of the layer, its zoom, the least value that is a flake, length
    and standard deviation of the flakes' trail, and how much of the colour stays.
    """
    flakes = _zoomed(rng.normal(c[0], c[1], (SIZE, SIZE, 1)), c[2])
    flakes = np.clip(np.where(flakes < c[3], 0, flakes), 0, 1)
    flakes = _trail(flakes, int(c[4]), c[5], rng.uniform(-135, -45))
    grey = (x @ GREY)[..., None]
    whitened = c[6] * x + (1 - c[6]) * np.maximum(x, 1.5 * grey + 0.5)
    return whitened + flakes + np.rot90(flakes, 2)


def frost(x: Picture, c: tuple[float, float], rng: np.random.Generator) -> Picture:
    """Ice crystals over the image; c: weights of the image and of the ice."""
    needles = 1 - np.abs(2 * _plasma(2.0, rng) - 1)
    return c[0] * x + c[1] * (0.3 + 0.7 * needles[..., None] ** 2) * ICE


def fog(x: Picture, c: tuple[float, float], rng: np.random.Generator) -> Picture:
    """c: weight of the fog, and how much smoother it gets with every halving of the scale."""
    brightest = x.max()
    return (x + c[0] * _plasma(c[1], rng)[..., None]) * brightest / (brightest + c[0])


def spatter(x: Picture, c: tuple[float, ...], rng: np.random.Generator) -> Picture:
    """Drops of water or mud.

    c: mean and standard deviation of the layer, its blur, the least value that is liquid, the
    strength of water or the blur of mud, and 1 for mud.
    """
    liquid = ndimage.gaussian_filter(rng.normal(c[0], c[1], (SIZE, SIZE)), c[2], mode="nearest")
    liquid = np.where(liquid < c[3], 0, liquid)
    if c[5]:
        mud = ndimage.gaussian_filter((liquid > c[3]).astype(np.float64), c[4], mode="nearest")
        mud = np.where(mud < 0.8, 0, mud)[..., None]
        return x * (1 - mud) + MUD * mud
    water = _drops(liquid)
    return x + c[4] * water[..., None] / max(water.max(), 1e-12) * TURQUOISE


def contrast(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """c: what the distance to the mean colour is multiplied by."""
    mean = x.mean(axis=(0, 1))
    return (x - mean) * c + mean


def brightness(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """Hue and saturation stay; c: what is added to the value of HSV."""
    value = x.max(axis=2, keepdims=True)
    brighter = np.minimum(value + c, 1)
    return np.where(value > 0, x * brighter / np.maximum(value, 1e-12), brighter)


def saturate(x: Picture, c: tuple[float, float], rng: np.random.Generator) -> Picture:
    """Hue and value stay; c: factor of the saturation of HSV, and what is added to it."""
    value, least = x.max(axis=2, keepdims=True), x.min(axis=2, keepdims=True)
    saturation = (value - least) / np.maximum(value, 1e-12)
    wanted = np.clip(saturation * c[0] + c[1], 0, 1)
    return value - (value - x) * wanted / np.maximum(saturation, 1e-12)


def jpeg(x: Picture, c: int, rng: np.random.Generator) -> Picture:
    """c: quality of the compression."""
    file = io.BytesIO()
    _picture(x).save(file, "jpeg", quality=c)
    return np.asarray(Image.open(file)) / 255


def pixelate(x: Picture, c: float, rng: np.random.Generator) -> Picture:
    """c: what height and width are multiplied by, before they are restored."""
    small = (int(SIZE * c), int(SIZE * c))
    picture = _picture(x).resize(small, Image.Resampling.BOX)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX)) / 255


def elastic(x: Picture, c: tuple[float, float, float], rng: np.random.Generator) -> Picture:
    """Shears and waves; c: size and smoothness of the waves, and how far corners are drawn.

    All three are in units of the image's width.
    """
    size, smoothness, reach = (SIZE * value for value in c)
    corners = SIZE // 2 + SIZE // 3 * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = corners + rng.uniform(-reach, reach, (3, 2))
    back = np.linalg.solve(np.column_stack([moved, np.ones(3)]), corners)
    waves = [
        size * ndimage.gaussian_filter(rng.uniform(-1, 1, (SIZE, SIZE)), smoothness, truncate=3)
        for _ in range(2)
    ]
    places = np.mgrid[:SIZE, :SIZE] + waves
    where = np.moveaxis(places, 0, -1) @ back[:2] + back[2]
    channels = [
        ndimage.map_coordinates(x[..., channel], np.moveaxis(where, -1, 0), order=1, mode="mirror")
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1)


def _picture(x: Picture) -> Image.Image:
    return Image.fromarray(np.rint(x * 255).astype(np.uint8))


def _zoomed(x: Picture, factor: float) -> Picture:
    """The middle of (32, 32, channels), enlarged to the same size."""
    side = int(np.ceil(SIZE / factor))
    top = (SIZE - side) // 2
    large = ndimage.zoom(x[top : top + side, top : top + side], (factor, factor, 1), order=1)
    trim = (len(large) - SIZE) // 2
    return large[trim : trim + SIZE, trim : trim + SIZE]


def _trail(x: Picture, length: int, sigma: float, angle: float) -> Picture:
    """Every pixel with those behind it, along a direction in degrees, by a half Gaussian."""
    steps = np.arange(2 * length + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    down = np.rint(steps * np.sin(np.radians(angle))).astype(int)
    right = np.rint(steps * np.cos(np.radians(angle))).astype(int)
    grid = np.arange(SIZE)
    blurred = np.zeros_like(x)
    for weight, dy, dx in zip(weights / weights.sum(), down, right, strict=True):
        rows, columns = np.clip(grid + dy, 0, SIZE - 1), np.clip(grid + dx, 0, SIZE - 1)
        blurred += weight * x[rows[:, None], columns]
    return blurred


def _plasma(decay: float, rng: np.random.Generator) -> Picture:
    """A cloudy height map (32, 32) in [0, 1] that wraps around, by the diamond-square method."""
    heights, step, wobble = np.zeros((SIZE, SIZE)), SIZE, 1.0
    while step >= 2:
        half, n = step // 2, SIZE // step
        corners = heights[::step, ::step]
        across = corners + np.roll(corners, -1, 0)
        squares = (across + np.roll(across, -1, 1)) / 4 + wobble * rng.uniform(-1, 1, (n, n))
        heights[half::step, half::step] = squares
        rows = corners + np.roll(corners, -1, 1) + squares + np.roll(squares, 1, 0)
        heights[::step, half::step] = rows / 4 + wobble * rng.uniform(-1, 1, (n, n))
        columns = corners + np.roll(corners, -1, 0) + squares + np.roll(squares, 1, 1)
        heights[half::step, ::step] = columns / 4 + wobble * rng.uniform(-1, 1, (n, n))
        step, wobble = half, wobble / decay
    heights -= heights.min()
    return heights / heights.max()


def _drops(liquid: Picture) -> Picture:
    """How much light water (32, 32) throws: its mask, embossed by the distance to its edge."""
    mask = liquid > 0
    edges = mask & ~ndimage.binary_erosion(mask)
    if not edges.any():
        return np.zeros_like(liquid)
    distance = np.minimum(ndimage.distance_transform_edt(~edges), 20)
    distance = ndimage.uniform_filter(distance, 3, mode="mirror").astype(np.uint8)
    shares = np.cumsum(np.bincount(distance.ravel())) / distance.size
    emboss = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    relief = ndimage.correlate(255 * shares[distance], emboss, mode="mirror")
    return liquid * ndimage.uniform_filter(np.clip(relief, 0, 255), 3, mode="mirror")


CORRUPTIONS: dict[str, tuple[Corruption, tuple[Any, ...]]] = {
    "snow": (
        snow,
        (
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ),
    ),
    "frost": (frost, ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))),
    "fog": (fog, ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))),
    "brightness": (brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": (contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "spatter": (
        spatter,
        (
            (0.62, 0.1, 0.7, 0.7, 0.5, 0),
            (0.65, 0.1, 0.8, 0.7, 0.5, 0),
            (0.65, 0.3, 1, 0.69, 0.5, 0),
            (0.65, 0.1, 0.7, 0.69, 0.6, 1),
            (0.65, 0.1, 0.5, 0.68, 0.6, 1),
        ),
    ),
    "elastic": (
        elastic,
        (
            (0, 0, 0.08),
            (0.05, 0.2, 0.07),
            (0.08, 0.06, 0.06),
            (0.1, 0.04, 0.05),
            (0.1, 0.03, 0.03),
        ),
    ),
    "JPEG": (jpeg, (80, 65, 58, 50, 40)),
    "pixelate": (pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
    "saturate": (saturate, ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))),
    "Gaussian noise": (gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.1)),
    "shot noise": (shot_noise, (500, 250, 100, 75, 50)),
    "impulse noise": (impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "speckle noise": (speckle_noise, (0.06, 0.1, 0.12, 0.16, 0.2)),
    "Gaussian blur": (gaussian_blur, (0.4, 0.6, 0.7, 0.8, 1)),
    "defocus blur": (defocus_blur, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    "glass blur": (glass_blur, ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))),
    "motion blur": (motion_blur, ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))),
    "zoom blur": (zoom_blur, (1.06, 1.11, 1.16, 1.21, 1.26)),
    "original": (original, (None,) * 5),
}
