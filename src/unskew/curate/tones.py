"""Exposure and information of a picture: what its tones tell.

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
# Tones from here to the top are light; a smooth histogram has about as many pixels at the top as at
# a few tones below it.
LIGHT, BELOW = 235, 3
# Of a logistic regression on pictures that are not tested on, about the proportions.
BURNT_TELLS, PILED_UP_TELLS, FRAYED_TELLS = 1 / 3, 2 / 3, 5 / 3
SQUARE = np.ones((3, 3), np.uint8)
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


def over_exposure(rgb: np.ndarray, ground: np.ndarray) -> float:
    """How much of the light is cut off, 0 to 1, by three shares that are high in burnt pictures
    and low in bright ones, or ones before white; weighed by what tells the two apart.

    - burnt: the subject's pixels with a channel at its top, or the subject gone into white;
    - piled up: of its light tones, those at the very top, where the brighter ones were put as well;
    - frayed: the subject's pixels on the border of the white around it, which eats into it.
    """
    if ground.all():
        return 1.0
    subject = ~ground
    eaten = max(0.0, (float(ground.mean()) - MOST_WHITE) / (1 - MOST_WHITE))
    tones = np.bincount(most(rgb)[subject], minlength=256)
    count = tones.sum()
    burnt = max(eaten, float(tones[BURNT:].sum() / count))
    below = BELOW * tones[LIGHT:255].mean()
    piled_up = float(tones[255] / max(1.0, tones[255] + below))
    inside = cv2.erode(subject.astype(np.uint8), SQUARE)
    frayed = 1 - float(np.count_nonzero(inside) / count)
    told = burnt * BURNT_TELLS + piled_up * PILED_UP_TELLS + frayed * FRAYED_TELLS
    return min(1.0, told)


def most(rgb: np.ndarray) -> np.ndarray:
    """The greatest channel of every pixel, uint8 (h, w); many times faster than over an axis."""
    red, green, blue = cv2.split(rgb)
    return cv2.max(cv2.max(red, green), blue)


def least(rgb: np.ndarray) -> np.ndarray:
    """The least channel of every pixel, uint8 (h, w)."""
    red, green, blue = cv2.split(rgb)
    return cv2.min(cv2.min(red, green), blue)
