"""How likely a picture is a drawing: by how steep it is, and whether its edges have tones between.

Light fades, and a lens softens: between two surfaces of a photograph lie tones of neither, and
within one, its colour drifts. Of a drawing most is exactly even and the rest steps from one tone to
another. Both are shares between 0 and 1 that a logistic regression weighs; its weights were chosen
by scripts/weigh_drawings.py. None of them knows a colour or how light a picture is, and so the skin
of who is shown.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from unskew.curate.tones import WHITE, least, most

WEIGHTS = Path(__file__).with_name("drawing.json")
# Greys between neighbours: the shares of the subject below each of these tell how steep it is.
STEPS = (3, 6, 12, 24, 48, 96)
# Pixels across a window, and greys between its lightest and darkest pixel, where there is an edge.
WINDOW, EDGE = 5, 40
# Pixels at edges by which they are judged, and of the subject, at least.
ENOUGH = 30
# Where a pixel lies between the darkest and the lightest of its window: at one of them below the
# first two, 0.5 being halfway; a tone of its own above the last.
SAME, NEAR, BETWEEN = 0.03, 0.1, 0.3
FEATURES = (*(f"below {step}" for step in STEPS), "between", "same", "near", "own")


def drawn(rgb: np.ndarray, ground: np.ndarray) -> float:
    """The probability, 0 to 1, that the picture is drawn, were half of all.

    ``rgb``: uint8 (h, w, 3), at model scale; ``ground``: boolean (h, w), the white around the
    subject, which is not judged (`tones.background`).
    """
    weights = _weights()
    found = features(rgb, ground)
    edges = found[len(STEPS) :]
    edges[np.isnan(edges)] = weights.usual[np.isnan(edges)]
    return float(1 / (1 + np.exp(-(weights.of @ found + weights.offset))))


def features(rgb: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """What is weighed, float64 (10,), by name in FEATURES; see `drawn` for the arguments.

    Without edges the last four are NaN; `drawn` then takes what is usual in photographs.
    """
    square, window = np.ones((3, 3), np.uint8), np.ones((WINDOW, WINDOW), np.uint8)
    if ground.any():
        # Through a wheel or under an arm the same white is seen.
        ground = least(rgb) >= WHITE
    subject = cv2.dilate(ground.astype(np.uint8), square) == 0
    if np.count_nonzero(subject) < ENOUGH:
        subject = np.ones_like(subject)
    spread = most(cv2.dilate(rgb, square) - cv2.erode(rgb, square))[subject]
    below = np.cumsum(np.bincount(spread, minlength=256)) / spread.size
    steepness = below[np.array(STEPS) - 1]
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    dark, light = cv2.erode(grey, window), cv2.dilate(grey, window)
    edge = (light - dark >= EDGE) & subject
    if np.count_nonzero(edge) < ENOUGH:
        return np.concatenate([steepness, np.full(4, np.nan)])
    grey, dark, light = grey[edge], dark[edge], light[edge]
    place = np.minimum(grey - dark, light - grey) / (light - dark).astype(np.float64)
    shares = [place.mean(), (place < SAME).mean(), (place < NEAR).mean(), (place > BETWEEN).mean()]
    return np.concatenate([steepness, shares])


@dataclass(frozen=True)
class _Weights:
    """``of``: float64 (10,), of the features; ``usual``: float64 (4,), edges of photographs."""

    of: np.ndarray
    offset: float
    usual: np.ndarray


@cache
def _weights() -> _Weights:
    said = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    of = np.array([said["weights"][name] for name in FEATURES])
    return _Weights(of, said["offset"], np.array([said["usual"][name] for name in FEATURES[-4:]]))
