"""Lines of writing in a picture, found by their strokes: a baseline, no reader of text.

A line of writing is a low, wide and dense band of edges with many strokes side by side.
"""

from dataclasses import dataclass

import cv2
import numpy as np

EDGE = 36
# Heights and widths in pixels of the small copy.
LOWEST, HIGHEST, SHORTEST = 3, 32, 18
# A line is at least so many times as wide as high, and so densely filled with edges.
ELONGATION, DENSITY = 3.0, 0.45
# Strokes per height of line: letters are about half as wide as high.
STROKES = 0.8


@dataclass(frozen=True)
class Lettering:
    """``share``: of the picture that lines of writing cover. ``longest``: the longest line's part
    of the picture's width. Both 0 to 1."""

    share: float
    longest: float


def lettering(grey: np.ndarray) -> Lettering:
    """``grey``: uint8 (h, w)."""
    edges = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > EDGE
    strokes = edges.astype(np.uint8)
    joined = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, np.ones((1, 7), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    wide = boxes[1:]
    low = (wide[:, 3] >= LOWEST) & (wide[:, 3] <= HIGHEST) & (wide[:, 2] >= SHORTEST)
    lines = [box for box in wide[low].tolist() if _is_line(box, grey, joined)]
    covered = sum(width * height for _, _, width, height, _ in lines)
    longest = max((width for _, _, width, _, _ in lines), default=0)
    return Lettering(min(1.0, covered / grey.size), longest / grey.shape[1])


def _is_line(box: list[int], grey: np.ndarray, joined: np.ndarray) -> bool:
    left, top, width, height, filled = box
    if width < ELONGATION * height or filled < DENSITY * width * height:
        return False
    middle = grey[top : top + height, left : left + width].astype(np.float32)
    profile = middle[height // 4 : max(height // 4 + 1, 3 * height // 4)].mean(axis=0)
    above = profile > profile.mean()
    return bool(np.count_nonzero(above[1:] != above[:-1]) >= STROKES * width / height)
