"""What the app asks of the rest of unskew. It computes nothing of its own.

Results on built-in pictures are kept: every visitor who asks the same is answered at once.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from unskew.audit import AuditReport, audit_model
from unskew.corpora import ImageSet
from unskew.demo.models import Models
from unskew.encoders import DualEncoder
from unskew.errors import InputError
from unskew.inside import LayerCka
from unskew.inside.opening import compare_named

Result = TypeVar("Result")

STIMULI = ("mmbias", "contrast_prompts", "ranking_benchmark", "science_arts", "career_family")
"""Asked about images; the historical word tests ask nothing of them and stay on the shelf."""

_KEPT = 48
CKA_IMAGES = 64
CKA_BATCH = 32


class Bench:
    """Models, and what was already asked of them."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self._lock = threading.RLock()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def audit(self, model: str, images: ImageSet, stimuli: Sequence[str]) -> AuditReport:
        """The audit of one model. Raises as `audit_model` does, and for unknown choices."""
        chosen = _known(stimuli)

        def ask() -> AuditReport:
            return audit_model(self._encoder(model, images), images, list(chosen))

        return self._once(("audit", model, images, chosen), images, ask)

    def beside(
        self, before: str, after: str, images: ImageSet, stimuli: Sequence[str]
    ) -> AuditReport:
        """The audit of ``after``, told beside that of ``before``."""
        if before == after:
            raise InputError("before and after are the same model: choose two")
        earlier = self.audit(before, images, stimuli)
        return self.audit(after, images, stimuli).beside(earlier)

    def similarities(
        self, model: str, images: ImageSet, rows: Sequence[int], texts: Sequence[str]
    ) -> Any:
        """Cosines (len(rows), len(texts)): embeddings have unit length."""
        with self._lock:
            encoder = self._encoder(model, images).forgetful()
            pictures = encoder.embed_images([images.images[row] for row in rows])
            return pictures @ encoder.embed_texts(list(texts)).T

    def cka(self, model_a: str, model_b: str, images: str) -> LayerCka:
        """CKA between the image towers' layers of two models, or of one with itself."""

        def ask() -> LayerCka:
            paths = self.models.path(model_a), self.models.path(model_b)
            found = compare_named(
                paths[0],
                None if model_a == model_b else paths[1],
                images,
                limit=CKA_IMAGES,
                batch_size=CKA_BATCH,
            )
            return dataclasses.replace(found, model_a=model_a, model_b=model_b)

        return self._keep(("cka", model_a, model_b, images), ask)

    def _encoder(self, model: str, images: ImageSet) -> DualEncoder:
        encoder = self.models.get(model)
        return encoder if images.demonstration else encoder.forgetful()

    def _once(self, key: tuple[Any, ...], images: ImageSet, ask: Callable[[], Result]) -> Result:
        """Kept for the built-in sets alone; of a visitor's pictures nothing is."""
        if images.demonstration:
            named = (images.name, images.categories)
            return self._keep(tuple(named if part is images else part for part in key), ask)
        with self._lock:
            return ask()

    def _keep(self, key: Hashable, ask: Callable[[], Result]) -> Result:
        with self._lock:  # while asking, too: whoever asks the same finds the answer
            if key not in self._kept:
                self._kept[key] = ask()
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


def _known(stimuli: Sequence[str]) -> tuple[str, ...]:
    """The chosen stimuli in one order. Raises InputError for none, or others than the offered."""
    unknown = [name for name in stimuli if name not in STIMULI]
    if unknown:
        raise InputError(f"stimuli {unknown[0]!r:.60} are not offered: {', '.join(STIMULI)}")
    if not stimuli:
        raise InputError("choose at least one set of stimuli")
    return tuple(sorted(set(stimuli)))
