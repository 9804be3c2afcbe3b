"""Texts that name subgroups, each with its counterfactuals: identity terms swapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unskew.corpora import CaptionedSet
from unskew.debias.fitting import FittingData, attribute_labels
from unskew.errors import InputError
from unskew.stimuli import Identities, counterfactuals, swapped


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


def swapped_captions(encoder: Any, data: FittingData, most: int) -> np.ndarray:
    """Captions of general images with the identity swapped: embeddings (r, S, d), r <= most.

    Of an image the first caption that says one subgroup of every attribute; text [i, s] is caption
    i as it would be for subgroup s. Always the same captions.

    Raises:
        InputError: no caption does, or a category without words.
    """
    photos = [s for s in data.preserve_images if isinstance(s, CaptionedSet)]
    of_images = [first_versions(captions, data) for s in photos for captions in s.captions]
    found = [versions for versions in of_images if versions is not None]
    if not found:
        raise no_captions(data, "swapped_captions")
    order = np.random.default_rng(0).permutation(len(found))[:most]
    texts = [text for i in sorted(order) for text in found[i]]
    return encoder.embed_texts(texts).reshape(len(order), len(data.subgroups), -1)


def first_versions(captions: Sequence[str], data: FittingData) -> list[str] | None:
    """Of the first caption that says one subgroup of every attribute, a version for each."""
    found = (_versions(caption, data) for caption in captions)
    return next((versions for versions in found if versions is not None), None)


def no_captions(data: FittingData, option: str) -> InputError:
    """What to say where an option wants such captions and there are none."""
    return InputError(
        "no caption of the images to preserve mentions just one subgroup of "
        f"{', '.join(data.fit.by_attribute)}: preserve photos whose captions say who is there, "
        f"or leave {option} out"
    )


def _versions(text: str, data: FittingData) -> list[str] | None:
    """The text for every combination of subgroups; None where it has no version for one."""
    attributes = tuple(data.fit.by_attribute)
    said = [counterfactuals(text, a, data.words) for a in attributes]
    versions = []
    for combination in data.fit.combinations:
        new = text
        for attribute, one, to in zip(attributes, said, combination, strict=True):
            if one is None or (to != one[0] and to not in one[1]):
                return None
            new = swapped(new, one[0], to, attribute, data.words) if to != one[0] else new
        versions.append(new)
    return versions
