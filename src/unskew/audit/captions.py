"""How the similarity of an image and its caption changes when only the identity word does.

"A man rides a bicycle" becomes "A woman rides a bicycle", and both are compared with the photo that
the caption was written for. A model that sees who is there finds the swapped caption less similar;
one without bias does so equally in both directions. Captions that mention several subgroups of a
category are not asked, since one swap would change two people.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from unskew.audit.blocks import Block, Heading, Paragraph, Table, Warning, to_markdown
from unskew.audit.document import DEMONSTRATION
from unskew.audit.save import check_writable
from unskew.audit.wording import UNDEFINED, interval
from unskew.corpora.captioned import CaptionedSet
from unskew.errors import InputError
from unskew.measures import percentile_interval, resampled_sums
from unskew.stimuli import Identities, counterfactuals, load_identities

MIN_IMAGES = 4
"""Fewest images that an interval is computed for."""


@dataclass(frozen=True)
class Change:
    """Similarity with the swapped caption minus that with the original, mean over captions.

    The interval is a bootstrap over images, which stay together with all their captions.
    ``share_higher``: of captions that are more similar once swapped. NaN below MIN_IMAGES images.
    """

    n_images: int
    n_captions: int
    mean: float
    ci_low: float
    ci_high: float
    share_higher: float


@dataclass(frozen=True)
class SwapPair:
    """Two subgroups, swapped in both directions.

    ``asymmetry``: the mean of ``a_to_b`` minus that of ``b_to_a``, bootstrapped with them. Above
    0, turning a caption into one about ``subgroup_b`` costs less than the way back: the model
    leans to ``subgroup_b``.
    """

    category: str
    subgroup_a: str
    subgroup_b: str
    a_to_b: Change
    b_to_a: Change
    asymmetry: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True)
class CaptionAudit:
    """What changed for every pair of subgroups that some caption mentions one of."""

    model: str
    dataset: str
    n_images: int
    n_captions: int
    confidence: float
    seed: int
    pairs: tuple[SwapPair, ...]
    demonstration: bool

    def save(self, directory: str | Path) -> Path:
        """Write ``captions.json`` and ``captions.md`` to a folder.

        Raises:
            InputError: the folder cannot be written.
        """
        folder = Path(directory)
        check_writable(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_plain(dataclasses.asdict(self)), indent=1, ensure_ascii=False)
        for name, content in (
            ("captions.md", to_markdown(told(self))),
            ("captions.json", text + "\n"),
        ):
            temporary = folder / f".{name}.part"
            temporary.write_text(content, encoding="utf-8")
            os.replace(temporary, folder / name)
        return folder


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
    seed: int = 0,
    batch_size: int = 32,
) -> CaptionAudit:
    """Swap the identity in every caption that has one, and compare both texts with the image.

    Args:
        encoder: a dual encoder.
        photos: images with captions; images that cannot be read are left out.
        categories: of the identity words; all that some caption mentions by default.
        words: the identity words; the shipped ones by default.
        confidence: of the intervals.
        seed: of the bootstrap.
        batch_size: images per forward.

    Raises:
        InputError: a category without words, or no caption that mentions just one subgroup.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence}: give a number between 0 and 1")
    words = words or load_identities()
    wanted = list(categories or words.categories)
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
    texts = sorted({t for some in swaps.values() for s in some for t in (s.before, s.after)})
    place = {text: i for i, text in enumerate(texts)}
    said = np.asarray(encoder.embed_texts(texts), dtype=np.float64)
    seen = np.asarray(found.embeddings, dtype=np.float64)
    pairs: list[SwapPair] = []
    for category, some in swaps.items():
        kept = [s for s in some if s.image in row]
        change = [
            float(seen[row[s.image]] @ (said[place[s.after]] - said[place[s.before]])) for s in kept
        ]
        pairs += _pairs(category, words, kept, np.array(change), confidence, seed)
    return CaptionAudit(
        encoder.name,
        photos.name,
        len(row),
        len({(s.image, s.before) for some in swaps.values() for s in some if s.image in row}),
        confidence,
        seed,
        tuple(pairs),
        encoder.demonstration or photos.demonstration,
    )


def _swaps(captions: Sequence[Sequence[str]], category: str, words: Identities) -> list[_Swap]:
    found = []
    for image, texts in enumerate(captions):
        for text in dict.fromkeys(texts):
            one = counterfactuals(text, category, words)
            if one is not None:
                found += [_Swap(image, one[0], to, text, new) for to, new in one[1].items()]
    return found


def _pairs(
    category: str,
    words: Identities,
    swaps: Sequence[_Swap],
    change: np.ndarray,
    confidence: float,
    seed: int,
) -> list[SwapPair]:
    pairs = []
    for a, b in combinations(words.names(category), 2):
        there = np.array([(s.said, s.to) == (a, b) for s in swaps], dtype=bool)
        back = np.array([(s.said, s.to) == (b, a) for s in swaps], dtype=bool)
        if not there.any() and not back.any():
            continue
        image = np.unique([s.image for s in swaps], return_inverse=True)[1]
        table, counts = _per_image(image, change, (there, back))
        changes = [
            _change(table[:, 2 * k : 2 * k + 2], change[which], confidence, seed)
            for k, which in enumerate((there, back))
        ]
        asymmetry, limits = math.nan, (math.nan, math.nan)
        if min(counts) >= MIN_IMAGES:
            draws = resampled_sums(table[table[:, 1::2].any(axis=1)], seed=seed)
            both = draws[(draws[:, 1::2] > 0).all(axis=1)]
            limits = percentile_interval(
                both[:, 0] / both[:, 1] - both[:, 2] / both[:, 3], confidence
            )
            asymmetry = changes[0].mean - changes[1].mean
        pairs.append(SwapPair(category, a, b, *changes, asymmetry, *limits))
    return pairs


def _per_image(
    image: np.ndarray, change: np.ndarray, directions: Sequence[np.ndarray]
) -> tuple[np.ndarray, list[int]]:
    """(n, 2 per direction): sum of changes and number of captions; images of each direction."""
    n = int(image.max()) + 1
    columns = [
        column
        for which in directions
        for column in (
            np.bincount(image[which], change[which], minlength=n),
            np.bincount(image[which], minlength=n),
        )
    ]
    table = np.stack(columns, axis=1).astype(np.float64)
    return table, [int((table[:, k] > 0).sum()) for k in range(1, table.shape[1], 2)]


def _change(table: np.ndarray, change: np.ndarray, confidence: float, seed: int) -> Change:
    own = table[table[:, 1] > 0]
    if len(own) < MIN_IMAGES:
        return Change(len(own), len(change), math.nan, math.nan, math.nan, math.nan)
    draws = resampled_sums(own, seed=seed)
    low, high = percentile_interval(draws[:, 0] / draws[:, 1], confidence)
    return Change(
        len(own), len(change), float(change.mean()), low, high, float(np.mean(change > 0))
    )


def told(audit: CaptionAudit) -> list[Block]:
    """The audit as blocks."""
    blocks: list[Block] = [Heading(1, f"Swapped captions: {audit.model} on {audit.dataset}")]
    if audit.demonstration:
        blocks.append(Warning(DEMONSTRATION))
    return [
        *blocks,
        Paragraph(
            f"{audit.n_captions} captions of {audit.n_images} images mention just one subgroup of "
            "a category. The change is the cosine with the image once the identity is swapped, "
            f"minus that before; intervals ({audit.confidence:.0%}) are a bootstrap over images "
            f"(seed {audit.seed}), the wording of the swap taken as given. A change of text alone, "
            "such as a longer word, is part of it."
        ),
        swap_table(audit),
    ]


def swap_table(audit: CaptionAudit) -> Table:
    """One row per pair of subgroups."""
    return Table(
        "Change of similarity when only the identity word changes",
        ("category", "A", "B", "A to B", "images", "B to A", "images", "A to B minus B to A"),
        tuple(
            (
                p.category,
                p.subgroup_a,
                p.subgroup_b,
                _told(p.a_to_b.mean, p.a_to_b.ci_low, p.a_to_b.ci_high),
                str(p.a_to_b.n_images),
                _told(p.b_to_a.mean, p.b_to_a.ci_low, p.b_to_a.ci_high),
                str(p.b_to_a.n_images),
                _told(p.asymmetry, p.ci_low, p.ci_high),
            )
            for p in audit.pairs
        ),
    )


def _told(value: float, low: float, high: float) -> str:
    return UNDEFINED if math.isnan(value) else f"{value:+.4f} {interval(low, high, 4)}"


def _plain(value: Any) -> Any:
    """NaN as None, so that any JSON reader takes it."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
