"""Do two partitions of the same examples agree? The adjusted Rand index, with an interval.

Over all pairs of examples, how much more often than by chance do the two partitions agree on
whether the pair belongs together: 1 for the same partition, 0 in expectation for a random one
(Hubert and Arabie, 1985, Journal of Classification 2). The value is scikit-learn's.

The counts of pairs go with n^2 and their products with n^4, which overflows int64 from some 55,000
examples on: all arithmetic of the resamples is in float64.
"""

from dataclasses import dataclass

import numpy as np

from unskew.errors import InputError
from unskew.measures.embeddings import Floats
from unskew.measures.group_labels import Ints, Labels, as_labels, coded, same_length
from unskew.measures.groups import check_options

_BLOCK = 2**22  # counts resampled at a time


@dataclass(frozen=True)
class PartitionAgreement:
    """The adjusted Rand index of two partitions."""

    #: NaN with a note where it is 0 / 0
    adjusted_rand_index: float
    ci_low: float
    ci_high: float
    n: int
    #: parts of the first and of the second partition
    parts: tuple[int, int]
    confidence: float
    resamples: int
    seed: int
    notes: tuple[str, ...]


def adjusted_rand_index(
    a: Labels,
    b: Labels,
    *,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> PartitionAgreement:
    """How far two labellings of the same examples group them alike, whatever the labels' names.

    Args:
        a, b: (n,) labels, whole numbers or strings, which need not be of one kind.
        confidence: coverage of the interval, between 0 and 1.
        resamples: of the bootstrap over examples, at least 100.
        seed: of the resamples.

    Resampling examples draws the cells of the contingency table from a multinomial law. An example
    drawn twice always agrees with itself, which the limits are corrected for: they are those of
    the index in the population that the examples come from.

    Raises:
        InputError: fewer than two examples, lengths that differ, values that are no labels, or an
            option outside its range.
    """
    check_options(confidence, resamples, seed)
    first, second = as_labels(a, "a"), as_labels(b, "b")
    same_length(first, "a", second, "b")
    if len(first) < 2:
        raise InputError("there is one example; the adjusted Rand index compares pairs of them")
    (one,), (other,) = coded({"a": first}), coded({"b": second})
    shape = len(one.names), len(other.names)
    cells = np.bincount(np.ravel_multi_index((one.codes, other.codes), shape))
    places = np.flatnonzero(cells)
    rows, columns = np.unravel_index(places, shape)
    table = _Table(rows, columns, cells[places])
    value, limits = float("nan"), (float("nan"), float("nan"))
    if shape not in ((1, 1), (len(first), len(first))):
        from sklearn.metrics import adjusted_rand_score

        value = float(adjusted_rand_score(one.codes, other.codes))
        limits = _limits(value, table, confidence, resamples, np.random.default_rng(seed))
    return PartitionAgreement(
        adjusted_rand_index=value,
        ci_low=limits[0],
        ci_high=limits[1],
        n=len(first),
        parts=shape,
        confidence=float(confidence),
        resamples=int(resamples),
        seed=int(seed),
        notes=_notes(shape, len(first), value),
    )


def _limits(
    value: float,
    table: "_Table",
    confidence: float,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[float, float]:
    n = int(table.counts.sum())
    share = table.counts / n
    block = max(1, _BLOCK // len(share))
    drawn = []
    for done in range(0, resamples, block):
        counts = rng.multinomial(n, share, min(block, resamples - done)).astype(np.float64)
        drawn.append(_index(*(sums * (sums - 1) for sums in table.sums(counts))))
    # Examples drawn twice are pairs that agree, so the resamples lie around the index in which
    # every example forms a pair with itself.
    centre = _index(*(sums**2 for sums in table.sums(table.counts[None].astype(np.float64))))
    tail = (1 - confidence) / 2
    low, high = value + np.quantile(np.concatenate(drawn), [tail, 1 - tail]) - centre[0]
    return min(float(low), value), min(max(float(high), value), 1.0)


def _index(cells: Floats, rows: Floats, columns: Floats, total: Floats) -> Floats:
    """(resamples where defined,) the index from counts of pairs: by cell, row, column; in all."""
    together, first, second = (pairs.sum(axis=1) for pairs in (cells, rows, columns))
    expected = first * second / total[:, 0]
    most = (first + second) / 2
    defined = most > expected  # not where a resample of few examples leaves one part of each
    return (together - expected)[defined] / (most - expected)[defined]


@dataclass(frozen=True)
class _Table:
    """The filled cells of a contingency table, sorted by row."""

    rows: Ints  # (cells,)
    columns: Ints  # (cells,)
    counts: Ints  # (cells,)

    def sums(self, counts: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Counts (resamples, cells) and their sums by row, by column and altogether."""
        order = np.argsort(self.columns, kind="stable")
        by_row = np.add.reduceat(counts, _starts(self.rows), axis=1)
        by_column = np.add.reduceat(counts[:, order], _starts(self.columns[order]), axis=1)
        return counts, by_row, by_column, counts.sum(axis=1, keepdims=True)


def _starts(sorted_codes: Ints) -> Ints:
    """Where each run of equal codes starts."""
    return np.flatnonzero(np.diff(sorted_codes, prepend=-1))


def _notes(parts: tuple[int, int], n: int, value: float) -> tuple[str, ...]:
    found = {
        f"undefined: both partitions are {'one part' if parts[0] == 1 else 'n parts'}, so there is "
        "nothing to agree on beyond chance": np.isnan(value),
        "one of the partitions is a single part: the index is 0 whatever the other is": value == 0
        and 1 in parts,
        "the partitions agree on every example, so resamples show no uncertainty": value == 1,
    }
    return tuple(text for text, holds in found.items() if holds)
