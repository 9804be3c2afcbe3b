"""Bystanders made unrecognisable, for good."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from unskew.curate.faces import Face, subject

# Cells across a face: what is left of it are as many colours, squared. A light blur or a fine
# mosaic can be undone, or recognised by comparison with other pictures of the same person.
CELLS = 4
# Sides of the box that are added on every edge: hair, ears and chin identify too.
MARGIN = 0.3


def blur_bystanders(image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """A copy of an upright picture, uint8 (h, w, 3), with all faces hidden but the subject's.

    The subject is the largest and most central face (`subject`); where it overlaps another's
    margin, it stays. Hidden faces become a mosaic of four by four cells, which is then blurred:
    the detail is gone from the file, not covered.
    """
    result = image.copy()
    height, width = image.shape[:2]
    clear = subject(faces, width, height)
    for place, face in enumerate(faces):
        if place != clear:
            _hide(result, face)
    if clear is not None:
        left, top, right, bottom = _inside(faces[clear], width, height, 0.0)
        result[top:bottom, left:right] = image[top:bottom, left:right]
        for place, face in enumerate(faces):
            if place != clear:
                _hide(result, face, margin=0.0)
    return result


def _hide(image: np.ndarray, face: Face, margin: float = MARGIN) -> None:
    height, width = image.shape[:2]
    left, top, right, bottom = _inside(face, width, height, margin)
    region = image[top:bottom, left:right]
    if not region.size:
        return
    cells = cv2.resize(region, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    size = (right - left, bottom - top)
    mosaic = cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST)
    image[top:bottom, left:right] = cv2.GaussianBlur(mosaic, (0, 0), max(size) / CELLS / 2)


def _inside(face: Face, width: int, height: int, margin: float) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the box with its margin, within the picture."""
    x, y, w, h = face.box
    left, right = x - margin * w, x + w * (1 + margin)
    top, bottom = y - margin * h, y + h * (1 + margin)
    return (
        int(np.clip(np.floor(left), 0, width)),
        int(np.clip(np.floor(top), 0, height)),
        int(np.clip(np.ceil(right), 0, width)),
        int(np.clip(np.ceil(bottom), 0, height)),
    )
