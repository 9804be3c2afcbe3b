"""Faces in a picture: where they are, set upright, and cut out.

The detector is YuNet (Wu, Peng and Yu 2023), which OpenCV runs; its weights are in this package.
docs/faces.md says why it, whom it misses, and what its boxes may not be used for: it tells where a
face is, never whose, and a picture without a found face may well have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from unskew.curate.curation import Face
from unskew.curate.opencv_log import only_errors_told
from unskew.errors import InputError

__all__ = ["Face", "FaceDetector", "align", "crop", "subject"]

# Part of every kept result: raise it when the faces of the same bytes change.
VERSION = 1
WEIGHTS = Path(__file__).with_name("data") / "face_detection_yunet_2023mar.onnx"
# YuNet was trained for faces of about 10 to 300 pixels. Each picture is therefore looked at twice:
# small, where the longer side of a copy has so many pixels, for faces that fill it, and large.
SIDES = (192, 896)
THRESHOLD = 0.8
# Boxes of one face: the share of the smaller box that both have in common.
OVERLAP = 0.5
# Of one look; the best are kept before boxes of one face are joined.
_TOP = 500
# Where both eyes, the nose and the corners of the mouth lie in an aligned face of side 1: on
# average in 180 faces of FairFace, made symmetric; the scale leaves room for hair and chin.
TEMPLATE = np.array([(0.34, 0.376), (0.66, 0.376), (0.5, 0.577), (0.367, 0.736), (0.633, 0.736)])


class FaceDetector:
    """Finds faces in one picture after another. It is not for two threads at once."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        """`threshold`: faces of a lower score (0 to 1) are not told."""
        if not 0 < threshold < 1:
            raise InputError(f"the threshold of faces must lie between 0 and 1, got {threshold}")
        with only_errors_told():
            self._net = cv2.FaceDetectorYN.create(
                str(WEIGHTS), "", (SIDES[0], SIDES[0]), threshold, OVERLAP, _TOP
            )

    def detect(self, rgb: np.ndarray) -> tuple[Face, ...]:
        """The faces of an upright picture, uint8 (h, w, 3); the highest score first."""
        rows = np.concatenate([self._look(rgb, side) for side in SIDES])
        rows = rows[np.lexsort((*rows[:, :4].T, -rows[:, 14]))]
        return tuple(_face(row) for row in _one_each(rows))

    def _look(self, rgb: np.ndarray, side: int) -> np.ndarray:
        """Float (n, 15), in pixels of `rgb`: box, five points, score."""
        height, width = rgb.shape[:2]
        scale = side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(rgb, size, interpolation=how)
        self._net.setInputSize(size)
        found = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        if found is None:
            return np.empty((0, 15))
        back = np.tile([width / size[0], height / size[1]], 7)
        return np.column_stack([found[:, :14] * back, found[:, 14]])


def align(rgb: np.ndarray, face: Face, side: int = 224) -> np.ndarray:
    """The face alone, uint8 (side, side, 3): turned, shifted and scaled, and nothing else, so that
    its eyes, nose and mouth come as close as may be to `TEMPLATE`. What lies outside of the
    picture repeats its edge."""
    turn = _similarity(np.array(face.landmarks), TEMPLATE * side)
    # Shrunk first where much is thrown away: warping looks at four pixels only.
    shrink = float(np.hypot(*turn[0, :2]))
    if shrink < 0.5:
        rgb = cv2.resize(rgb, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        turn[:, :2] /= shrink
    return cv2.warpAffine(
        rgb, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def crop(rgb: np.ndarray, face: Face, margin: float = 0.25) -> np.ndarray:
    """The square around a face's box, with so many sides of it added on every edge, uint8.

    It is not turned. Where the picture ends, it ends.
    """
    x, y, width, height = face.box
    half = max(width, height) * (0.5 + margin)
    middle = (x + width / 2, y + height / 2)
    left, top = (max(0, round(at - half)) for at in middle)
    right, bottom = (max(1, round(at + half)) for at in middle)
    return rgb[top:bottom, left:right].copy()


def subject(faces: Sequence[Face], width: int, height: int) -> int | None:
    """The place of the face that the picture is most likely of; None of no faces.

    It is the one of the largest area, where area counts less the farther a face is from the
    middle: in a corner of the picture, half.
    """
    if not faces:
        return None
    weights = []
    for face in faces:
        x, y, w, h = face.box
        off = np.hypot((x + w / 2) / width - 0.5, (y + h / 2) / height - 0.5) / np.hypot(0.5, 0.5)
        weights.append(w * h * (1 - min(off, 1.0) / 2))
    return int(np.argmax(weights))


def _one_each(rows: np.ndarray) -> np.ndarray:
    """Without boxes that overlap one of a higher score; rows by score, highest first."""
    kept: list[np.ndarray] = []
    for row in rows:
        if not any(_shared(row, other) > OVERLAP for other in kept):
            kept.append(row)
    return np.array(kept).reshape(-1, 15)


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    start = np.maximum(a[:2], b[:2])
    end = np.minimum(a[:2] + a[2:4], b[:2] + b[2:4])
    smaller = min(a[2] * a[3], b[2] * b[3])
    return float(np.prod(np.maximum(end - start, 0)) / max(smaller, 1e-9))


def _face(row: np.ndarray) -> Face:
    x, y, w, h, *points = (round(float(value), 2) for value in row[:14])
    landmarks = tuple(zip(points[::2], points[1::2], strict=True))
    return Face(box=(x, y, w, h), score=round(float(row[14]), 4), landmarks=landmarks)


def _similarity(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The turn, scale and shift, (2, 3), that brings points (n, 2) closest to their targets, in
    least squares; in complex numbers it is a line."""
    z = points @ [1, 1j]
    w = target @ [1, 1j]
    centred = z - z.mean()
    spread = float(np.vdot(centred, centred).real)
    if spread < 1e-9:
        raise InputError("a face whose landmarks are all in one place cannot be aligned")
    factor = np.vdot(centred, w - w.mean()) / spread
    shift = w.mean() - factor * z.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )
