"""What a model can do with general images: find their captions, and name their classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import torch

from unskew.corpora import CaptionedSet, ImageSet
from unskew.encoders.heads import Head, Heads
from unskew.errors import InputError
from unskew.measures import Retrieval, retrieval, zero_shot_hits

CLASS_TEMPLATE = "a photo of a {}"
RECALL_AT = 5
"""The k of the retrieval recall that counts towards utility."""


@dataclass(frozen=True)
class Photos:
    """Embeddings of photos (n, d) and of their captions (c, d); ``owner``: (c,) whose they are."""

    images: np.ndarray
    captions: np.ndarray
    owner: np.ndarray

    def through(self, heads: Heads) -> Photos:
        """As a model with these heads on top sees them."""
        return replace(
            self,
            images=headed(heads.image, self.images),
            captions=headed(heads.text, self.captions),
        )

    def ranked(self) -> Retrieval:
        """Retrieval both ways among all of them."""
        return retrieval(self.images, self.captions, self.owner)


@dataclass(frozen=True)
class Classified:
    """Embeddings of images (n, d) and of one prompt per class (m, d); ``labels``: (n,)."""

    images: np.ndarray
    classes: np.ndarray
    labels: np.ndarray

    def through(self, heads: Heads) -> Classified:
        """As a model with these heads on top sees them."""
        return replace(
            self,
            images=headed(heads.image, self.images),
            classes=headed(heads.text, self.classes),
        )

    def hits(self) -> np.ndarray:
        """Whether the nearest class is the right one: (n,)."""
        return zero_shot_hits(self.images, self.classes, self.labels)


def photos(
    encoder: Any, source: CaptionedSet, batch_size: int = 32, most: int | None = None
) -> Photos:
    """Embed photos and captions; photos that cannot be read are left out with their captions.

    `most`: take at most so many captions of each photo, the first ones.

    Raises:
        InputError: no photo can be read.
    """
    found = _readable(encoder, source, batch_size)
    captions = source.captions
    captions = [captions[i][:most] for i in found.kept]
    owner = np.repeat(np.arange(len(captions)), [len(texts) for texts in captions])
    return Photos(found.embeddings, encoder.embed_texts(list(chain(*captions))), owner)


def classified(encoder: Any, source: ImageSet, batch_size: int = 32) -> Classified:
    """Embed the images of a set with one category, and each class in a prompt.

    Raises:
        InputError: the set has no category or several, fewer than two classes, or no image that
            can be read and has a class.
    """
    names, labels = class_labels(source)
    found = _readable(encoder, source, batch_size)
    labels = labels[found.kept]
    known = labels >= 0
    if not known.any():
        raise InputError(f"{source.name}: no readable image has a class")
    classes = encoder.embed_texts(names, template=CLASS_TEMPLATE)
    return Classified(found.embeddings[known], classes, labels[known])


def class_labels(source: ImageSet) -> tuple[list[str], np.ndarray]:
    """The classes, and the class (n,) of every image, -1 where it has none.

    Raises:
        InputError: the set has no category or several, or fewer than two classes.
    """
    if len(source.categories) != 1:
        have = ", ".join(source.categories) or "none"
        raise InputError(
            f"{source.name}: zero-shot accuracy needs one category, the class; it has {have}"
        )
    names = list(source.subgroups(source.categories[0]))
    if len(names) < 2:
        raise InputError(f"{source.name}: zero-shot accuracy needs at least two classes")
    place = {name: i for i, name in enumerate(names)}
    labels = source.labels(source.categories[0])
    return names, np.array([-1 if label is None else place[label] for label in labels])


def mean_utility(recalls: Iterable[float], accuracies: Iterable[float]) -> float:
    """The mean of R@5, both ways, and zero-shot accuracy, or of what there is of them."""
    return float(np.mean([*recalls, *accuracies]))


def headed(head: Head | None, embeddings: np.ndarray) -> np.ndarray:
    """Unit vectors (n, d), float32, after a head, as a DualEncoder with that head gives them.

    Raises:
        InputError: the head makes one zero or not finite.
    """
    if head is None or not len(embeddings):
        return embeddings
    device = next(chain(head.parameters(), head.buffers())).device
    with torch.inference_mode():
        out = head(torch.from_numpy(np.ascontiguousarray(embeddings)).to(device)).float()
        length = out.norm(dim=1, keepdim=True)
        if not bool((torch.isfinite(length) & (length > 0)).all()):
            raise InputError("a head gives an embedding that is zero or not finite: fit it anew")
        return (out / length).cpu().numpy()


def _readable(encoder: Any, source: CaptionedSet | ImageSet, batch_size: int) -> Any:
    found = encoder.embed_readable(source.images, batch_size)
    if not len(found.kept):
        raise InputError(
            f"{source.name}: none of the {len(source)} images can be read; the first is "
            f"{found.unreadable[0].name} ({found.unreadable[0].reason})"
        )
    return found
