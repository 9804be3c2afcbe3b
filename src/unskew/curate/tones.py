"""Exposure, information and flatness of a picture: what its colours tell.

Brightness at a high percentile and entropy are the measures of cleanvision, taken from one
histogram. Its measure of over-exposure is not used: studio portraits before white, of which
scraped piles are full, look over-exposed to it, and burnt faces do not.
"""

import cv2
import numpy as np

BURNT = 252
WHITE = 244
# Of the upper, left and right border, the part that is white before a studio background.
STUDIO = 0.7
# Greys between neighbours of one colour at most, and between the channels of a colour at least.
EVEN, COLOURED = 2, 48
# White to this share of a picture is a small subject; more, and the subject may be burnt.
MOST_WHITE = 0.75


def brightness(grey: np.ndarray) -> float:
    """The grey, 0 to 1, below which 99 percent of the pixels lie: low for a dark picture."""
    counts = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    return float(np.searchsorted(counts, 0.99 * counts[-1])) / 255


def entropy(grey: np.ndarray) -> float:
    """Of the greys, in bits: 0 for one colour, at most 8."""
    counts = np.bincount(grey.ravel(), minlength=256)
    shares = counts[counts > 0] / grey.size
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def background(rgb: np.ndarray) -> np.ndarray:
    """Boolean (h, w): the white that surrounds a subject in the studio, if the picture has it."""
    white = least(rgb) >= WHITE
    border = np.concatenate([white[0], white[:, 0], white[:, -1]])
    if border.mean() < STUDIO:
        return np.zeros(white.shape, dtype=bool)
    _, regions = cv2.connectedComponents(white.astype(np.uint8), connectivity=4)
    rim = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    touching = np.zeros(regions.max() + 1, dtype=bool)
    touching[rim] = True
    touching[0] = False
    return touching[regions]


def burnt(rgb: np.ndarray, ground: np.ndarray) -> float:
    """The share of the subject with a channel at its top; or, if that is more, how far the white
    around it has eaten it up."""
    subject = ~ground
    eaten = max(0.0, (float(ground.mean()) - MOST_WHITE) / (1 - MOST_WHITE))
    if not subject.any():
        return 1.0
    return max(eaten, float((most(rgb) >= BURNT)[subject].mean()))


def flatness(rgb: np.ndarray, ground: np.ndarray) -> float:
    """The share of the subject whose colour is that of its neighbours: paint, not light.

    Noise and texture leave few photographs so even; drawings, logos and emoji are little else.
    Even greys count half: shadows, dark clothes and studio walls are even, too.
    """
    square = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(rgb, square) - cv2.erode(rgb, square)
    subject = ~cv2.dilate(ground.astype(np.uint8), square).astype(bool)
    if not subject.any():
        return 0.0
    coloured = most(rgb) - least(rgb) >= COLOURED
    paint = (most(spread) <= EVEN) * np.where(coloured, 1.0, 0.5)
    return float(paint[subject].mean())


def most(rgb: np.ndarray) -> np.ndarray:
    """The greatest channel of every pixel, uint8 (h, w); many times faster than over an axis."""
    red, green, blue = cv2.split(rgb)
    return cv2.max(cv2.max(red, green), blue)


def least(rgb: np.ndarray) -> np.ndarray:
    """The least channel of every pixel, uint8 (h, w)."""
    red, green, blue = cv2.split(rgb)
    return cv2.min(cv2.min(red, green), blue)
