"""Near-duplicates: the same picture scaled, compressed anew, cropped or mirrored.

A picture's fingerprint is 32 x 32 greys. Its low frequencies are a perceptual hash with levels
instead of bits, which finds what may be the same: the whole of one picture is compared with the
whole and with windows of every other, upright and mirrored, as products of matrices. What is
found is then laid over one another: one fingerprint is looked for in the other at several sizes,
and the correlation at the best place is the score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

SIDE = 32
# Frequencies per direction, the mean left out.
FREQUENCIES = 8
# Where a crop may have been taken from: windows of this side, at its corners and in its middle.
WINDOW = 27
CORNERS = ((0, 0), (0, 5), (5, 0), (5, 5), (2, 2))
# Of each picture, how many are laid over it, if they agree this much.
CANDIDATES, PROMISING = 3, 0.8
# Sides at which a fingerprint is looked for in another, and from which score on more closely.
SIDES, CLOSER = (25, 27, 29, 32), 0.85
# Fingerprints transformed, and numbers compared, at a time.
BLOCK, AT_ONCE = 512, 2_000_000


@dataclass(frozen=True)
class Pair:
    """Picture ``later`` repeats picture ``earlier``, by a correlation ``score`` of at most 1."""

    earlier: int
    later: int
    score: float


def fingerprint(grey: np.ndarray) -> np.ndarray:
    """uint8 (32, 32) of a grey picture (h, w)."""
    return cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def near_duplicates(fingerprints: np.ndarray) -> Iterator[Pair]:
    """Of every picture, pairs with the earlier ones that may be the same, and their scores.

    ``fingerprints``: uint8 (n, 32, 32). Time grows with n squared, by one product of n x 63 with
    63 x 12 n numbers; memory with n.
    """
    wholes = _hashes(fingerprints, 0, 0, SIDE)
    mirror = np.tile((-1.0) ** np.arange(FREQUENCIES), FREQUENCIES)[1:].astype(np.float32)
    keys = [wholes, *(_hashes(fingerprints, y, x, WINDOW) for y, x in CORNERS)]
    rows = max(1, AT_ONCE // max(1, len(wholes)))
    for start in range(0, len(wholes), rows):
        stop = min(start + rows, len(wholes))
        new, known = wholes[start:stop], wholes[:stop]
        new_keys, known_keys = [k[start:stop] for k in keys], [k[:stop] for k in keys]
        # The new picture as a part of a known one, mirrored or not; then the other way round.
        agreement = np.stack(
            [
                _best([(new, key) for key in known_keys]),
                _best([(new * mirror, key) for key in known_keys]),
                _best([(key, known) for key in new_keys]),
                _best([(key, known * mirror) for key in new_keys]),
            ]
        )
        for item in range(start, stop):
            yield from _laid_over(fingerprints, item, agreement[:, item - start, :item])


def _best(factors: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The greatest, by element, of products a b^T of arrays (r, 63) and (n, 63): (r, n)."""
    best = factors[0][0] @ factors[0][1].T
    for left, right in factors[1:]:
        np.maximum(best, left @ right.T, out=best)
    return best


def _hashes(fingerprints: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """Low frequencies of a window, float32 (n, 63) of length 1; zero for an even surface."""
    waves = _waves(side)
    hashes = np.empty((len(fingerprints), FREQUENCIES**2 - 1), np.float32)
    for start in range(0, len(fingerprints), BLOCK):
        window = fingerprints[start : start + BLOCK, top : top + side, left : left + side]
        spectrum = waves @ window.astype(np.float32) @ waves.T
        hashes[start : start + BLOCK] = spectrum.reshape(len(window), -1)[:, 1:]
    length = np.linalg.norm(hashes, axis=1, keepdims=True)
    # An even surface has no frequencies but rounding: it resembles nothing.
    hashes *= (length > side) / np.maximum(length, 1.0)
    return hashes


def _waves(side: int) -> np.ndarray:
    """The first rows of the orthonormal cosine transform (type II), float32 (8, side)."""
    places = (np.arange(side) + 0.5) * np.pi / side
    waves = np.cos(np.arange(FREQUENCIES)[:, None] * places) * np.sqrt(2 / side)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _laid_over(fingerprints: np.ndarray, item: int, agreement: np.ndarray) -> Iterator[Pair]:
    """``agreement``: (4, item), with each earlier picture, in the four ways of being a part."""
    best = agreement.max(axis=0)
    promising = np.flatnonzero(best >= PROMISING)
    chosen = promising[np.argsort(-best[promising], kind="stable")[:CANDIDATES]]
    for other in chosen.tolist():
        way = int(agreement[:, other].argmax())
        part, whole = fingerprints[item], fingerprints[other]
        if way >= 2:
            part, whole = whole, part
        if way % 2:
            part = np.ascontiguousarray(part[:, ::-1])
        yield Pair(other, item, overlap(part, whole))


def overlap(part: np.ndarray, whole: np.ndarray) -> float:
    """The best correlation of ``part`` with a window of ``whole``, uint8 (32, 32) each."""
    found = {(h, w): _correlation(part, whole, h, w) for h in SIDES for w in SIDES}
    (height, width), score = max(found.items(), key=lambda item: item[1])
    if score < CLOSER:
        return score
    for h in range(max(20, height - 1), min(SIDE, height + 1) + 1):
        for w in range(max(20, width - 1), min(SIDE, width + 1) + 1):
            if (h, w) not in found:
                score = max(score, _correlation(part, whole, h, w))
    return score


def _correlation(part: np.ndarray, whole: np.ndarray, height: int, width: int) -> float:
    smaller = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    return float(cv2.matchTemplate(whole, smaller, cv2.TM_CCOEFF_NORMED).max())
