"""How the similarity of an image and its caption changes when only the identity word does.

"A man rides a bicycle" becomes "A woman rides a bicycle", and both are compared with the photo that
the caption was written for. A model that sees who is there finds the swapped caption less similar;
one without bias does so equally in both directions. Captions that mention several subgroups of a
category are not asked, since one swap would change two people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from unskew.corpora.captioned import CaptionedSet
from unskew.errors import InputError
from unskew.measures import ClusteredMean, clustered_difference, clustered_mean, holm
from unskew.stimuli import Identities, counterfactuals, load_identities

MIN_IMAGES = 4
"""Fewest images that an interval is computed for."""


@dataclass(frozen=True)
class Change:
    """Similarity with the swapped caption minus that with the original, mean over captions.

    ``p_value``: two-sided, of no change. ``p_holm``: corrected over the changes of all pairs.
    ``share_higher``: of captions that are more similar once swapped. NaN below MIN_IMAGES images.
    """

    n_images: int
    n_captions: int
    mean: float
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float
    share_higher: float


@dataclass(frozen=True)
class SwapPair:
    """Two subgroups, swapped in both directions.

    ``asymmetry``: the mean of ``a_to_b`` minus that of ``b_to_a``. Above 0, turning a caption into
    one about ``subgroup_b`` costs less than the way back: the model leans to ``subgroup_b``.
    ``p_holm``: corrected over the asymmetries of all pairs.
    """

    category: str
    subgroup_a: str
    subgroup_b: str
    a_to_b: Change
    b_to_a: Change
    asymmetry: float
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float


@dataclass(frozen=True)
class CaptionAudit:
    """What changed for every pair of subgroups that some caption mentions one of."""

    model: str
    fingerprint: str
    dataset: str
    note: str
    """What a reader must know about the photos."""
    n_images: int
    n_unreadable: int
    n_captions: int
    confidence: float
    pairs: tuple[SwapPair, ...]
    demonstration: bool

    def save(self, directory: str | Path) -> Path:
        """Write ``captions.json``, ``.md``, ``.html`` and ``figures/`` to a folder.

        Raises:
            InputError: the folder cannot be written.
        """
        from unskew.audit.captions_told import save_captions

        return save_captions(self, Path(directory))


@dataclass(frozen=True)
class _Swap:
    image: int
    said: str
    to: str
    before: str
    after: str


def audit_captions(
    encoder: Any,
    photos: CaptionedSet,
    categories: Sequence[str] | None = None,
    *,
    words: Identities | None = None,
    confidence: float = 0.95,
    batch_size: int = 32,
) -> CaptionAudit:
    """Swap the identity in every caption that has one, and compare both texts with the image.

    Args:
        encoder: a dual encoder.
        photos: images with captions; images that cannot be read are left out.
        categories: of the identity words; all that some caption mentions by default.
        words: the identity words; the shipped ones by default.
        confidence: of the intervals.
        batch_size: images per forward.

    Raises:
        InputError: a category without words, or no caption that mentions just one subgroup.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence}: give a number between 0 and 1")
    if batch_size < 1:
        raise InputError(f"batch_size {batch_size}: give a number of at least 1")
    words = words or load_identities()
    wanted = list(dict.fromkeys(categories or words.categories))
    swaps = {c: _swaps(photos.captions, c, words) for c in wanted}
    used = sorted({s.image for some in swaps.values() for s in some})
    if not used:
        raise InputError(
            f"no caption of {photos.name!r} mentions just one subgroup of {', '.join(wanted)}: "
            "give photos whose captions say who is there"
        )
    everything = photos.images
    found = encoder.embed_readable([everything[i] for i in used], batch_size=batch_size)
    row = {used[kept]: i for i, kept in enumerate(found.kept)}
    if not row:
        raise InputError(f"none of the {len(used)} images of {photos.name!r} can be read")
    kept = {c: [s for s in some if s.image in row] for c, some in swaps.items()}
    changes = _changes(encoder, np.asarray(found.embeddings, dtype=np.float64), row, kept)
    pairs = [
        pair
        for category, some in kept.items()
        for pair in _pairs(category, words, some, changes[category], confidence)
    ]
    return CaptionAudit(
        model=encoder.name,
        fingerprint=encoder.fingerprint,
        dataset=photos.name,
        note=photos.note,
        n_images=len(row),
        n_unreadable=len(used) - len(row),
        n_captions=len({(s.image, s.before) for some in kept.values() for s in some}),
        confidence=confidence,
        pairs=_corrected(pairs),
        demonstration=encoder.demonstration or photos.demonstration,
    )


def _swaps(captions: Sequence[Sequence[str]], category: str, words: Identities) -> list[_Swap]:
    found = []
    for image, texts in enumerate(captions):
        for text in dict.fromkeys(texts):
            one = counterfactuals(text, category, words)
            if one is not None:
                found += [_Swap(image, one[0], to, text, new) for to, new in one[1].items()]
    return found


def _changes(
    encoder: Any, seen: np.ndarray, row: dict[int, int], swaps: dict[str, list[_Swap]]
) -> dict[str, np.ndarray]:
    """Of each swap, by category: similarity with the swapped caption minus that with the first.

    ``seen``: (n, d), the images; ``row``: where each image is among them.
    """
    texts = sorted({t for some in swaps.values() for s in some for t in (s.before, s.after)})
    place = {text: i for i, text in enumerate(texts)}
    said = np.asarray(encoder.embed_texts(texts), dtype=np.float64)
    found = {}
    for category, some in swaps.items():
        image, before, after = (
            np.array([at(s) for s in some], dtype=np.int64)
            for at in (
                lambda s: row[s.image],
                lambda s: place[s.before],
                lambda s: place[s.after],
            )
        )
        found[category] = np.einsum("nd,nd->n", seen[image], said[after] - said[before])
    return found


def _pairs(
    category: str,
    words: Identities,
    swaps: Sequence[_Swap],
    change: np.ndarray,
    confidence: float,
) -> list[SwapPair]:
    image = np.array([s.image for s in swaps], dtype=np.int64)
    pairs = []
    for a, b in combinations(words.names(category), 2):
        there = np.array([(s.said, s.to) == (a, b) for s in swaps], dtype=bool)
        back = np.array([(s.said, s.to) == (b, a) for s in swaps], dtype=bool)
        if not there.any() and not back.any():
            continue
        samples = [(change[which], image[which]) for which in (there, back)]
        a_to_b, b_to_a = (_change(*sample, confidence) for sample in samples)
        leaning = ClusteredMean.undefined()
        if min(a_to_b.n_images, b_to_a.n_images) >= MIN_IMAGES:
            leaning = clustered_difference(*samples[1], *samples[0], confidence)
        pairs.append(
            SwapPair(
                category=category,
                subgroup_a=a,
                subgroup_b=b,
                a_to_b=a_to_b,
                b_to_a=b_to_a,
                asymmetry=leaning.mean,
                ci_low=leaning.ci_low,
                ci_high=leaning.ci_high,
                p_value=leaning.p_value,
                p_holm=leaning.p_value,
            )
        )
    return pairs


def _change(change: np.ndarray, image: np.ndarray, confidence: float) -> Change:
    n = len(np.unique(image))
    enough = n >= MIN_IMAGES
    found = clustered_mean(change, image, confidence) if enough else ClusteredMean.undefined()
    return Change(
        n_images=n,
        n_captions=len(change),
        mean=found.mean,
        ci_low=found.ci_low,
        ci_high=found.ci_high,
        p_value=found.p_value,
        p_holm=found.p_value,
        share_higher=float(np.mean(change > 0)) if enough else float("nan"),
    )


def _corrected(pairs: Sequence[SwapPair]) -> tuple[SwapPair, ...]:
    """The pairs with p-values corrected over all of them."""
    one_way = holm(np.array([p for x in pairs for p in (x.a_to_b.p_value, x.b_to_a.p_value)]))
    leaning = holm(np.array([x.p_value for x in pairs]))
    return tuple(
        replace(
            pair,
            a_to_b=replace(pair.a_to_b, p_holm=float(there)),
            b_to_a=replace(pair.b_to_a, p_holm=float(back)),
            p_holm=float(both),
        )
        for pair, (there, back), both in zip(pairs, one_way.reshape(-1, 2), leaning, strict=True)
    )
