"""How biased is a set: do attribute and target go together, and is an attribute rare?

The two statistics of Table 1 of VLM-debias, with the uncertainty that the table leaves out.
"""

from dataclasses import dataclass

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets
from numpy.typing import NDArray
from scipy import stats

from unskew.corpora.biased.layout import ALIGNMENT, Ints, split_labels
from unskew.errors import InputError


@dataclass(frozen=True)
class BiasStatistics:
    """Statistics of one data set; intervals are of the bootstrap over images."""

    correlation: float
    """Mean over target and attribute classes of the absolute Pearson correlation between the
    indicators of both, in [0, 1]: |phi| for two classes each. NaN with a note where only one class
    of either is there."""
    correlation_ci_low: float
    correlation_ci_high: float
    p_value: float
    """Of independence, by Pearson's chi-squared test without correction: for two classes each the
    test of phi = 0."""
    representation_std: float
    """Population standard deviation of the shares of the attribute classes: 0 if all are equally
    frequent."""
    representation_std_ci_low: float
    representation_std_ci_high: float
    conflicting_share: float
    """Share of images that are marked as conflicting; NaN with a note where nothing is marked."""
    n: int
    target_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """(targets, attributes)"""
    confidence: float
    resamples: int
    seed: int
    notes: tuple[str, ...]
    """Why a number is undefined."""


def bias_statistics(
    data: Dataset | DatasetDict, confidence: float = 0.95, resamples: int = 2_000, seed: int = 0
) -> BiasStatistics:
    """The bias of a split, or of all splits together, of a biased set.

    The bootstrap draws the group counts from a multinomial distribution, which is the same as
    drawing images. The absolute correlation is never negative, so its interval cannot show that it
    may be zero: the p-value does.

    Args:
        data: with columns of class labels "target" and "attribute".
        confidence: coverage of the intervals, between 0 and 1.
        resamples: of the bootstrap, at least 1.
        seed: of the bootstrap.

    Raises:
        InputError: a column is missing, there are no images, or an option is outside its range.
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be between 0 and 1, got {confidence!r}")
    if resamples < 1:
        raise InputError(f"resamples must be at least 1, got {resamples!r}")
    split = concatenate_datasets(list(data.values())) if isinstance(data, DatasetDict) else data
    if not len(split):
        raise InputError("the data set holds no images")
    labels = split_labels(split)
    counts = labels.counts
    n = int(counts.sum())
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, counts.ravel() / n, size=resamples).reshape(-1, *counts.shape)
    correlation, p_value = _correlation(counts), _independence(counts)
    std = _representation_std(counts)
    with_correlation = _interval(correlation, [_correlation(t) for t in drawn], confidence)
    with_std = _interval(std, [_representation_std(t) for t in drawn], confidence)
    share = _conflicting_share(split)
    return BiasStatistics(
        correlation=correlation,
        correlation_ci_low=with_correlation[0],
        correlation_ci_high=with_correlation[1],
        p_value=p_value,
        representation_std=std,
        representation_std_ci_low=with_std[0],
        representation_std_ci_high=with_std[1],
        conflicting_share=share,
        n=n,
        target_names=labels.target_names,
        attribute_names=labels.attribute_names,
        counts=tuple(tuple(row) for row in counts.tolist()),
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        notes=_notes(counts, share),
    )


def _correlation(counts: Ints) -> float:
    correlations = _indicator_correlations(counts)
    return min(float(np.abs(correlations).mean()), 1.0) if correlations.size else float("nan")


def _indicator_correlations(counts: Ints) -> NDArray[np.float64]:
    """Pearson correlations (targets, attributes) between the indicators of the classes there are.

    Empty where there is only one class of either, since a constant correlates with nothing.
    """
    there = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0] / counts.sum()
    if min(there.shape) < 2:
        return np.empty((0, 0))
    targets, attributes = there.sum(axis=1), there.sum(axis=0)
    variances = np.outer(targets * (1 - targets), attributes * (1 - attributes))
    return (there - np.outer(targets, attributes)) / np.sqrt(variances)


def _independence(counts: Ints) -> float:
    there = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(there.shape) < 2:
        return float("nan")
    return float(stats.chi2_contingency(there, correction=False).pvalue)


def _representation_std(counts: Ints) -> float:
    return float(np.std(counts.sum(axis=0) / counts.sum()))


def _interval(estimate: float, resampled: list[float], confidence: float) -> tuple[float, float]:
    """Percentiles of the resamples, moved by the bootstrap's bias, within 0 and 1; NaN for NaN.

    Both statistics are means of what is never negative, so near 0 every resample lies above the
    estimate; without the move the interval would not contain it.
    """
    values = np.array(resampled)[~np.isnan(resampled)]
    if np.isnan(estimate) or not len(values):
        return float("nan"), float("nan")
    ends = np.percentile(values, [50 * (1 - confidence), 50 * (1 + confidence)])
    low, high = np.clip(ends - np.median(values) + estimate, 0, 1)
    return float(low), float(high)


def _conflicting_share(split: Dataset) -> float:
    if "alignment" not in split.column_names:
        return float("nan")
    return float(np.mean(np.asarray(split["alignment"][:]) == ALIGNMENT.index("conflicting")))


def _notes(counts: Ints, share: float) -> tuple[str, ...]:
    """Why numbers are undefined."""
    notes = [
        f"the correlation is undefined: all images have the same {column}"
        for axis, column in enumerate(("target", "attribute"))
        if np.count_nonzero(counts.sum(axis=1 - axis)) < 2
    ]
    if np.isnan(share):
        notes.append("no column 'alignment' says which images conflict")
    return tuple(notes)
