"""Every score of one picture, from its bytes: no other picture and no threshold is asked."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from unskew.curate import tones
from unskew.curate.drawing import drawn
from unskew.curate.duplicates import fingerprint
from unskew.curate.pixels import UnreadableError, small_copy
from unskew.curate.sharpness import sharpness
from unskew.curate.writing import writing

# Part of every kept result: raise it when a score of the same bytes changes.
VERSION = 6
DIGITS = 6
# The checks that a network is asked for.
WRITING = ("text_heavy", "watermark")


@dataclass(frozen=True)
class Measured:
    """``scores`` by check; ``fingerprint``: uint8 (32, 32). Of an unreadable file: neither, and
    ``unreadable`` says why."""

    scores: dict[str, float]
    width: int = 0
    height: int = 0
    fingerprint: np.ndarray | None = None
    unreadable: str | None = None


def measure(content: bytes, look_for_writing: bool = True) -> Measured:
    """Measure one file's bytes; damaged ones are told, not raised.

    `look_for_writing`: without it neither of `WRITING`, which take nine tenths of the time.
    """
    try:
        copy = small_copy(content)
    except UnreadableError as error:
        return Measured({"unreadable": 1.0}, unreadable=str(error))
    grey = cv2.cvtColor(copy.rgb, cv2.COLOR_RGB2GRAY)
    ground = tones.background(copy.rgb)
    shorter, longer = sorted((copy.width, copy.height))
    scores = {
        "unreadable": 0.0,
        "animated": float(copy.animated),
        "too_small": float(shorter),
        "odd_aspect": shorter / longer,
        "blurred": sharpness(grey),
        "over_exposed": tones.over_exposure(copy.rgb, ground),
        "under_exposed": tones.brightness(grey),
        "low_information": tones.entropy(grey),
        "drawing": drawn(copy.rgb, ground),
    }
    if look_for_writing:
        written = writing(copy.rgb)
        scores |= dict(zip(WRITING, (written.share, written.laid_over), strict=True))
    rounded = {check: round(score, DIGITS) for check, score in scores.items()}
    return Measured(rounded, copy.width, copy.height, fingerprint(grey))
