"""Texts that name subgroups, each with its counterfactuals: identity terms swapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unskew.debias.fitting import FittingData, attribute_labels
from unskew.stimuli import Identities


@dataclass(frozen=True)
class IdentityTexts:
    """Texts (S * p) in the order of the subgroups; text j of each differs in the subgroup alone.

    ``by_attribute``: attribute -> (S * p,) the index of the subgroup that each text names.
    """

    texts: tuple[str, ...]
    subgroups: int
    by_attribute: Mapping[str, np.ndarray]

    def neutralised(self, embeddings: np.ndarray) -> np.ndarray:
        """(S * p, d) unit vectors: each text's mean with its counterfactuals."""
        stacked = embeddings.reshape(self.subgroups, -1, embeddings.shape[1])
        mean = stacked.mean(axis=0)
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        return np.tile(mean, (self.subgroups, 1))


def identity_texts(data: FittingData, words: Identities) -> IdentityTexts:
    """The prompts of every subgroup, and captions that name what else images are labelled with.

    For race and gender, "a photo of a Black woman" has the counterfactual "a photo of a White
    woman", whichever of the two is debiased.

    Raises:
        InputError: a subgroup has no words.
    """
    attributes = tuple(data.fit.by_attribute)
    named = [dict(zip(attributes, c, strict=True)) for c in data.fit.combinations]
    others = _other_categories(data, words)
    texts = [[*words.prompts(name), *_captions(name, others, words)] for name in named]
    each = len(texts[0])
    labels = {
        attribute: np.repeat([names.index(n[attribute]) for n in named], each)
        for attribute, (names, _) in data.fit.by_attribute.items()
    }
    return IdentityTexts(tuple(t for some in texts for t in some), len(texts), labels)


def _other_categories(data: FittingData, words: Identities) -> list[str]:
    """What else the images are labelled with, and there are words for."""
    images = data.fit.images
    labelled = {attribute_labels(images, column)[0] for column in images.categories}
    return [c for c in words.categories if c in labelled and c not in data.fit.by_attribute]


def _captions(name: Mapping[str, str], others: Sequence[str], words: Identities) -> list[str]:
    return [words.describe({**name, c: other}) for c in others for other in words.names(c)]
