"""Near-duplicates: the same picture scaled, compressed anew, cropped or mirrored.

A picture's fingerprint is 32 x 32 greys. Its low frequencies are a perceptual hash with levels
instead of bits, which finds what may be the same: the whole of one picture is compared with the
whole and with windows of every other, upright and mirrored, as products of matrices. What is
found is then laid over one another: one fingerprint is looked for in the other at several sizes,
and the correlation at the best place is the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from unskew.curate.stored import Stored

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
# Pictures compared with as many others at a time.
BLOCK = 512


@dataclass(frozen=True)
class Pair:
    """Picture ``later`` repeats picture ``earlier``, by a correlation ``score`` of at most 1."""

    earlier: int
    later: int
    score: float


def fingerprint(grey: np.ndarray) -> np.ndarray:
    """uint8 (32, 32) of a grey picture (h, w)."""
    return cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def near_duplicates(fingerprints: Stored, folder: Path) -> Iterator[Pair]:
    """Of every picture, pairs with the earlier ones that may be the same, and their scores.

    ``fingerprints``: uint8, rows (32, 32). ``folder``: for what is compared. Time grows with n
    squared, by a product of n x 63 with 63 x 12 n numbers; memory does not grow.
    """
    with Stored(folder, (1 + len(CORNERS), FREQUENCIES**2 - 1), np.float32) as hashes:
        for start in range(0, len(fingerprints), BLOCK):
            hashes.append(_hashes(fingerprints.read(start, start + BLOCK)))
        for start in range(0, len(fingerprints), BLOCK):
            candidates = _candidates(hashes, start)
            block = fingerprints.read(start, start + BLOCK)
            for item, (picture, chosen) in enumerate(zip(block, candidates, strict=True), start):
                for _, other, way in chosen:
                    whole = fingerprints.read(other, other + 1)[0]
                    yield Pair(other, item, _laid_over(picture, whole, way))


def _candidates(hashes: Stored, start: int) -> list[list[tuple[float, int, int]]]:
    """Of each of a block of pictures, the earlier ones that it agrees with most: the agreement,
    the other, and which of the four ways of `_ways` it is."""
    new = hashes.read(start, start + BLOCK)
    found: list[list[tuple[float, int, int]]] = [[] for _ in new]
    least = np.full(len(new), PROMISING, np.float32)
    for begin in range(0, start + 1, BLOCK):
        known = hashes.read(begin, begin + BLOCK)
        ways = _ways(new, known)
        best = ways.max(axis=0)
        if begin == start:  # the earlier alone
            best[np.triu_indices(len(new))] = -1
        rows, others = np.nonzero(best >= least[:, None])
        for row in np.unique(rows).tolist():
            hits = others[rows == row]
            found[row] += [
                (float(best[row, other]), begin + other, int(ways[:, row, other].argmax()))
                for other in hits.tolist()
            ]
            found[row] = sorted(found[row], key=lambda hit: -hit[0])[:CANDIDATES]
            if len(found[row]) == CANDIDATES:
                least[row] = found[row][-1][0]
    return found


def _ways(new: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Agreement of hashes (r, 6, 63) and (n, 6, 63) in four ways, float32 (4, r, n): the new
    picture as a part of the known one, upright or mirrored; then the other way round."""
    mirror = np.tile((-1.0) ** np.arange(FREQUENCIES), FREQUENCIES)[1:].astype(np.float32)
    windows = range(new.shape[1])
    return np.stack(
        [
            _best((new[:, 0], known[:, window]) for window in windows),
            _best((new[:, 0] * mirror, known[:, window]) for window in windows),
            _best((new[:, window], known[:, 0]) for window in windows),
            _best((new[:, window] * mirror, known[:, 0]) for window in windows),
        ]
    )


def _best(factors: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The greatest, by element, of products a b^T of arrays (r, 63) and (n, 63): (r, n)."""
    products = (left @ right.T for left, right in factors)
    best = next(products)
    for product in products:
        np.maximum(best, product, out=best)
    return best


def _hashes(fingerprints: np.ndarray) -> np.ndarray:
    """Low frequencies of the whole and of every window: uint8 (n, 32, 32) to float32 (n, 6, 63)."""
    places = ((0, 0, SIDE), *((y, x, WINDOW) for y, x in CORNERS))
    return np.stack([_hash(fingerprints, *place) for place in places], axis=1)


def _hash(fingerprints: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """Low frequencies of a window, float32 (n, 63) of length 1; zero for an even surface."""
    waves = _waves(side)
    window = fingerprints[:, top : top + side, left : left + side].astype(np.float32)
    hashes = (waves @ window @ waves.T).reshape(len(window), -1)[:, 1:]
    length = np.linalg.norm(hashes, axis=1, keepdims=True)
    # An even surface has no frequencies but rounding: it resembles nothing.
    return hashes * ((length > side) / np.maximum(length, 1.0))


def _waves(side: int) -> np.ndarray:
    """The first rows of the orthonormal cosine transform (type II), float32 (8, side)."""
    places = (np.arange(side) + 0.5) * np.pi / side
    waves = np.cos(np.arange(FREQUENCIES)[:, None] * places) * np.sqrt(2 / side)
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _laid_over(part: np.ndarray, whole: np.ndarray, way: int) -> float:
    """The overlap of a picture with an earlier one, in a way of `_ways`."""
    if way >= 2:
        part, whole = whole, part
    if way % 2:
        part = np.ascontiguousarray(part[:, ::-1])
    return overlap(part, whole)


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
