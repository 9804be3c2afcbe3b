"""Lines of writing in a picture: where a text-detection network sees them.

The network is the detector of PP-OCRv3, of PaddleOCR: differentiable binarisation (Liao and others
2020), made small. OpenCV runs it; its weights are in this package. It cannot tell writing of the
scene, such as signs and shirts, from writing laid over it: docs/curation.md has what it finds.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from unskew.curate.opencv_log import only_errors_told

WEIGHTS = Path(__file__).with_name("data") / "ch_PP-OCRv3_det_infer.onnx"
# The small copy is enlarged until its longer side has so many pixels, so that letters 8 pixels high
# are found, but no more than so many times: faces of few pixels, enlarged, look like letters. The
# network halves either side five times.
SIDE, LARGEST, STRIDE = 416, 2.1, 32
# Of the colours that the network was trained on, in the order blue, green, red.
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
# A pixel is written on from this probability; patches of fewer pixels are specks.
WRITTEN, SPECK = 0.3, 12
# A patch so many times as long as high, times its probability, is a line.
LINE = 3.0

_of_thread = threading.local()


@dataclass(frozen=True)
class Writing:
    """``share``: of the picture that lines cover, 0 to 1. ``line``: how many times as long as high
    the most marked patch of writing is, times its mean probability; 0 without any."""

    share: float
    line: float


def writing(rgb: np.ndarray) -> Writing:
    """``rgb``: uint8 (h, w, 3), the small upright copy."""
    written = probabilities(rgb)
    patches = _patches(written)
    covered = sum(area for marked, area in patches if marked >= LINE)
    longest = max((marked for marked, _ in patches), default=0.0)
    return Writing(min(1.0, covered / written.size), longest)


def probabilities(rgb: np.ndarray) -> np.ndarray:
    """Of writing at every pixel of the picture as the network sees it, float32 (h, w), 0 to 1; of
    a line it marks the inner part."""
    height, width = rgb.shape[:2]
    scale = min(LARGEST, SIDE / max(height, width))
    size = [max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (width, height)]
    bgr = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)[..., ::-1].astype(np.float32)
    shown = (bgr / 255 - MEAN) / SPREAD
    network = _network()
    network.setInput(np.ascontiguousarray(shown.transpose(2, 0, 1)[None]))
    return network.forward()[0, 0]


def _patches(written: np.ndarray) -> list[tuple[float, float]]:
    """Length over height, times the mean probability, and area of every patch that is written on;
    a slanting one is measured along its own axes."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats((written > WRITTEN).astype(np.uint8))
    found = []
    for label, (left, top, width, height, filled) in enumerate(boxes.tolist()):
        if label == 0 or filled < SPECK:
            continue
        window = slice(top, top + height), slice(left, left + width)
        inside = labels[window] == label
        _, sides, _ = cv2.minAreaRect(np.argwhere(inside).astype(np.float32))
        short, long = sorted(side + 1 for side in sides)
        mean = float(written[window][inside].mean(dtype=np.float64))
        found.append((long / short * mean, long * short))
    return found


def _network() -> cv2.dnn.Net:
    """One for each thread: a network holds what it last saw."""
    if not hasattr(_of_thread, "network"):
        with only_errors_told():
            _of_thread.network = cv2.dnn.readNetFromONNX(str(WEIGHTS))
    return _of_thread.network
