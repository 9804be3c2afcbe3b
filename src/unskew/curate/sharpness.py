"""How sharp a picture is at its sharpest, in its least sharp direction.

The variance of the Laplacian alone measures contrast and size as much as focus. Here it is divided
by the same variance taken four pixels apart: contrast cancels, and blur, which takes fine detail
before coarse, lowers the quotient. It is taken in tiles, since a sharp face before a blurred
background is a good picture, and in four directions, since motion blurs one of them.
"""

import cv2
import numpy as np

TILE = 16
STEP = 4
# Variance of flat tiles: below it, noise and JPEG blocks would pass for detail.
FLOOR = 60.0
# Of the tiles with detail, those whose quotient counts.
SHARPEST = 80.0
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def sharpness(grey: np.ndarray) -> float:
    """``grey``: uint8 (h, w), at model scale. Returns about 0.02 for strong blur to 1; NaN where
    there is no detail to judge by, as in a plain surface."""
    pixels = grey.astype(np.float32)
    height, width = grey.shape
    tiles = (max(1, width // TILE), max(1, height // TILE))
    found = []
    for direction in DIRECTIONS:
        fine = _energy(pixels, direction, 1, tiles)
        coarse = _energy(pixels, direction, STEP, tiles)
        detailed = coarse > FLOOR
        if detailed.any():
            found.append(float(np.percentile(fine[detailed] / coarse[detailed], SHARPEST)))
    return float(np.sqrt(min(found))) if found else float("nan")


def _energy(
    pixels: np.ndarray, direction: tuple[int, int], step: int, tiles: tuple[int, int]
) -> np.ndarray:
    """Mean squared second difference along ``direction``, per tile."""
    kernel = np.zeros((2 * step + 1, 2 * step + 1), np.float32)
    down, right = direction
    kernel[step, step] = -2
    kernel[step + down * step, step + right * step] = 1
    kernel[step - down * step, step - right * step] = 1
    difference = cv2.filter2D(pixels, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(difference * difference, tiles, interpolation=cv2.INTER_AREA)
