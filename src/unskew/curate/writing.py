"""Writing in a picture, and whether it was laid over it, as watermarks and captions are.

A small network sees both: the text detector of PP-OCRv3, of PaddleOCR, whose last layers were
replaced and which was trained further, on writing laid over photographs and on signs in them, by
scripts/train_writing.py. ONNX Runtime runs it; its weights are in this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

WEIGHTS = Path(__file__).with_name("data") / "writing.onnx"
# The small copy is enlarged until its longer side has so many pixels, so that letters 8 pixels high
# are found, but no more than so many times: faces of few pixels, enlarged, look like letters. The
# network halves either side five times.
SIDE, LARGEST, STRIDE = 416, 2.1, 32
# Of the colours that the network was trained on, in the order blue, green, red.
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
# How sure the network is of a picture: in the mean over so many of its cells of 4 x 4 pixels where
# it is surest, or over this share of them.
HIGHEST = 8, 0.004
# A cell is written on from this probability.
WRITTEN = 0.3


@dataclass(frozen=True)
class Writing:
    """``share``: of the picture that is written on, 0 to 1. ``laid_over``: the probability, 0 to 1,
    that writing was laid over the picture."""

    share: float
    laid_over: float


def writing(rgb: np.ndarray) -> Writing:
    """``rgb``: uint8 (h, w, 3), the small upright copy."""
    return told(logits(rgb))


def told(logits: np.ndarray) -> Writing:
    """``logits``: float32 (2, rows, columns), of writing that was laid over, and of any."""
    over, written = logits.astype(np.float64)
    count = min(over.size, max(HIGHEST[0], int(HIGHEST[1] * over.size)))
    surest = np.partition(over, over.size - count, axis=None)[-count:].mean()
    share = np.mean(_probability(written) > WRITTEN)
    return Writing(float(share), float(_probability(surest)))


def logits(rgb: np.ndarray) -> np.ndarray:
    """Float32 (2, rows, columns), for every cell of 4 x 4 pixels of the picture as the network sees
    it: that it is written on by something laid over the picture, and by anything."""
    return _network().run(None, {"x": shown(rgb)})[0][0]


def shown(rgb: np.ndarray) -> np.ndarray:
    """The picture as the network sees it: float32 (1, 3, height, width)."""
    height, width = rgb.shape[:2]
    scale = min(LARGEST, SIDE / max(height, width))
    size = [max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (width, height)]
    bgr = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)[..., ::-1].astype(np.float32)
    return np.ascontiguousarray(((bgr / 255 - MEAN) / SPREAD).transpose(2, 0, 1)[None])


def _probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


@cache
def _network() -> onnxruntime.InferenceSession:
    """One for all threads, of which each works on its own picture."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(WEIGHTS), options, providers=["CPUExecutionProvider"])
