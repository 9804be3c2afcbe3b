"""How sharp a picture is at its sharpest, in its least sharp direction.

The variance of the Laplacian alone measures contrast and size as much as focus. Here the power of
fine detail is divided by that of coarse detail: contrast cancels, and blur, which takes the fine
before the coarse, lowers the quotient. It is taken in tiles, since a sharp face before a blurred
background is a good picture, and in eight directions, since motion blurs one of them.
"""

from functools import cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

TILE, HOP = 32, 24
DIRECTIONS = 8
# Half the angle between the borders of a direction.
SPREAD = np.pi / 12
# Frequencies in cycles per pixel.
COARSE, FINE = (0.03, 0.10), (0.10, 0.25)
# Coarse power below which a tile is flat: noise and JPEG blocks would pass for detail.
FLOOR = 2000.0
# Of the tiles with detail, the share that is less sharp than the one that counts.
SHARPEST = 0.8
# Tiles of detail that a direction is judged by, at least.
ENOUGH = 2


def sharpness(grey: np.ndarray) -> float:
    """``grey``: uint8 (h, w), at model scale. Returns about 0.1 for strong blur to over 1; NaN
    where there is no detail to judge by, as in a plain surface."""
    height, width = grey.shape
    missing = max(0, TILE - height), max(0, TILE - width)
    if any(missing):
        grey = cv2.copyMakeBorder(grey, 0, missing[0], 0, missing[1], cv2.BORDER_REFLECT)
    tiles = sliding_window_view(grey, (TILE, TILE))[::HOP, ::HOP].reshape(-1, TILE, TILE)
    window, bands = _window(), _bands()
    pixels = tiles.astype(np.float32)
    pixels -= pixels.mean(axis=(1, 2), keepdims=True)
    spectrum = np.fft.rfft2(pixels * window).reshape(len(pixels), -1)
    power = (spectrum.real**2 + spectrum.imag**2) @ bands
    fine, coarse = power[:, :DIRECTIONS], power[:, DIRECTIONS:]
    found = []
    for direction in range(DIRECTIONS):
        detailed = coarse[:, direction] > FLOOR
        if np.count_nonzero(detailed) >= ENOUGH:
            quotients = np.sort(fine[detailed, direction] / coarse[detailed, direction])
            found.append(float(quotients[int(SHARPEST * (len(quotients) - 1))]))
    return float(np.sqrt(min(found))) if found else float("nan")


@cache
def _window() -> np.ndarray:
    """Fades a tile out, float32 (32, 32), since its borders are no edges."""
    fade = np.hanning(TILE + 2)[1:-1]
    return np.outer(fade, fade).astype(np.float32)


@cache
def _bands() -> np.ndarray:
    """Weights of the frequencies of a tile, float32 (32 * 17, 16): fine detail in each direction,
    then coarse. Power falls with the square of the frequency in photographs: that is undone."""
    down, right = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :]
    frequency, angle = np.hypot(down, right), np.arctan2(down, right)
    columns = []
    for low, high in (FINE, COARSE):
        band = (frequency >= low) & (frequency < high)
        for direction in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
            away = np.abs((angle - direction + np.pi / 2) % np.pi - np.pi / 2)
            columns.append((band & (away <= SPREAD)) * frequency**2)
    return np.stack([column.ravel() for column in columns], axis=1).astype(np.float32)
