"""Photos whose captions also exist with the identity swapped, for adversarial training.

An image is to be as similar to "a man and his dog" as to "a woman and her dog". For its embedding z
and the versions t_s of its caption that means z . (t_s - mean of t) = 0: the squared product is a
term of the image tower's loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from unskew.corpora import CaptionedSet
from unskew.debias.counterfactual import first_versions, no_captions
from unskew.debias.fitting import FittingData
from unskew.debias.modality import Swaps
from unskew.encoders import DualEncoder

OPTION = "swap_weight"


@dataclass(frozen=True)
class SwappedPhotos:
    """``places``: (k,) of images among the general ones. ``embeddings``: (k, S, d), of the versions
    of a caption of each."""

    places: np.ndarray
    embeddings: np.ndarray

    def swaps(self, labelled: int, general: int, device: torch.device) -> Swaps:
        """For so many items of the image tower, the labelled ones first, which have none."""
        row = np.full(labelled + general, -1)
        row[labelled + self.places] = np.arange(len(self.places))
        apart = self.embeddings - self.embeddings.mean(axis=1, keepdims=True)
        return Swaps(torch.from_numpy(row).to(device), torch.from_numpy(apart).to(device))


def swapped_photos(
    encoder: DualEncoder, data: FittingData, rows: Sequence[np.ndarray]
) -> SwappedPhotos:
    """Of every general image, the first caption that has a version for each subgroup.

    `rows`: of every set of general images, those that have an embedding in `data.preserve`.

    Raises:
        InputError: no caption has.
    """
    places: list[int] = []
    texts: list[str] = []
    start = 0
    for images, kept in zip(data.preserve_images, rows, strict=True):
        if isinstance(images, CaptionedSet):
            captions = images.captions
            for place, row in enumerate(kept.tolist(), start):
                versions = first_versions(captions[row], data)
                if versions is not None:
                    places.append(place)
                    texts += versions
        start += len(kept)
    if not places:
        raise no_captions(data, OPTION)
    embedded = encoder.embed_texts(texts)
    shape = (len(places), len(data.fit.combinations), embedded.shape[1])
    return SwappedPhotos(np.array(places), embedded.reshape(shape))
