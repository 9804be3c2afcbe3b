"""Measured pictures on disk, by the hash of their bytes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from unskew.curate.content_log import ContentLog
from unskew.curate.duplicates import SIDE
from unskew.curate.measure import VERSION, Measured


class MeasuredLog(ContentLog[Measured]):
    """What `measure` said of each content; where no writing is looked for, either will do."""

    what = "measured images"

    def __init__(self, path: Path, look_for_writing: bool = True) -> None:
        """Raises InputError if the file cannot be opened, or is not such a log."""
        if look_for_writing:
            self.version = VERSION
        else:
            self.version, self.usable = f"{VERSION} without writing", (VERSION,)
        self.look_for_writing = look_for_writing
        super().__init__(path)

    def _packed(self, answer: Measured) -> dict[str, Any]:
        pixels = answer.fingerprint
        packed = None if pixels is None else base64.b64encode(pixels.tobytes()).decode()
        return {
            "scores": {c: None if s != s else s for c, s in answer.scores.items()},
            "width": answer.width,
            "height": answer.height,
            "unreadable": answer.unreadable,
            "fingerprint": packed,
        }

    def _unpacked(self, said: dict[str, Any]) -> Measured:
        packed = said["fingerprint"]
        pixels = None if packed is None else np.frombuffer(base64.b64decode(packed), np.uint8)
        return Measured(
            scores={c: float("nan") if s is None else s for c, s in said["scores"].items()},
            width=said["width"],
            height=said["height"],
            fingerprint=None if pixels is None else pixels.reshape(SIDE, SIDE),
            unreadable=said["unreadable"],
        )
