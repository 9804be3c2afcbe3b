"""Pseudo-groups: which attribute a model sees in each image, in the place of labels.

After Zhang and Chunara, "Leveraging vision-language models for fair facial attribute
classification", section 3.3: an image belongs to the description whose embedding is most similar
to its own (Equation 2).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unskew.errors import InputError
from unskew.stimuli.identities import said

TEMPLATE = "A photo of a {}."
"""Of the paper; "a" becomes "an" where the description sounds like it."""


@dataclass(frozen=True)
class PseudoGroups:
    """Groups of n images as a model sees them, not as anybody labelled them.

    Attributes:
        labels: (n,) int64, the place of each image's group in `names`.
        names: the groups asked for; a model that may decline has "unsure" as one more, the last.
        scores: (n, groups) float32 cosine similarity with the nearest description of each group;
            NaN where the model gives words instead of numbers.
        notes: what to beware of: groups that no image fell into, and how many are unsure.
    """

    labels: NDArray[np.int64]
    names: tuple[str, ...]
    scores: NDArray[np.float32]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Images of each group."""
        found = np.bincount(self.labels, minlength=len(self.names))
        return dict(zip(self.names, found.tolist(), strict=True))


def pseudo_groups(
    encoder: Any,
    images: Iterable[Any],
    descriptions: Mapping[str, Sequence[str]],
    templates: Sequence[str] = (TEMPLATE,),
    batch_size: int = 32,
) -> PseudoGroups:
    """The group of each image by the description it is most similar to.

    Args:
        encoder: a `DualEncoder`, or anything else that embeds images and texts as unit vectors.
        images: n images in any form the encoder reads.
        descriptions: group -> one or several phrases, such as a set of `load_descriptions`. An
            image belongs to the group that has the most similar of all phrases.
        templates: a phrase's embedding is the mean of its unit embeddings in all of them, brought
            to length one. "a {}" becomes "an {}" where the phrase begins with a vowel's sound.
        batch_size: images per forward.

    Raises:
        InputError: fewer than two groups, a group without phrases, a phrase of two groups, a
            template without exactly one "{}", no image, or one that cannot be read.
    """
    _check(descriptions, templates)
    names = tuple(descriptions)
    phrases = [(group, phrase) for group, name in enumerate(names) for phrase in descriptions[name]]
    owners = np.array([group for group, _ in phrases])
    texts = _ensembles(encoder, [phrase for _, phrase in phrases], templates)
    pictures = encoder.embed_images(images, batch_size=batch_size)
    if not len(pictures):
        raise InputError("there are no images to group")
    similar = pictures.astype(np.float64) @ texts.T
    scores = np.stack([similar[:, owners == g].max(axis=1) for g in range(len(names))], axis=1)
    labels = scores.argmax(axis=1).astype(np.int64)
    return PseudoGroups(labels, names, scores.astype(np.float32), absences(labels, names))


def absences(labels: NDArray[np.int64], names: Sequence[str]) -> tuple[str, ...]:
    """A note for every group that has no image."""
    return tuple(
        f"no image of {len(labels)} was seen as {name!r}"
        for group, name in enumerate(names)
        if not (labels == group).any()
    )


def _ensembles(encoder: Any, phrases: Sequence[str], templates: Sequence[str]) -> NDArray:
    """Unit vectors (phrases, d): the mean over templates."""
    texts = [said(template, phrase) for template in templates for phrase in phrases]
    embedded = encoder.embed_texts(texts).astype(np.float64)
    mean = embedded.reshape(len(templates), len(phrases), -1).mean(axis=0)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def _check(descriptions: Mapping[str, Sequence[str]], templates: Sequence[str]) -> None:
    if len(descriptions) < 2:
        raise InputError(f"groups need descriptions of at least two, got {list(descriptions)}")
    owner: dict[str, str] = {}
    for group, phrases in descriptions.items():
        if isinstance(phrases, str) or not phrases:
            raise InputError(f"the descriptions of {group!r} must be a list of phrases")
        for phrase in phrases:
            if owner.setdefault(phrase, group) != group:
                raise InputError(f"{phrase!r} describes both {owner[phrase]!r} and {group!r}")
    if isinstance(templates, str) or not templates:
        raise InputError('templates must be a list of texts with one "{}" each')
    for template in templates:
        if template.count("{}") != 1:
            raise InputError(f'template {template!r} must contain "{{}}" exactly once')
