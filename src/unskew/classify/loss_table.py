"""Where the loss is: by the attribute that is true and the one a model saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from unskew.errors import InputError


@dataclass(frozen=True)
class LossCell:
    """Mean loss of the n images with this true and this predicted attribute.

    The interval is Student's t of the mean, over images; with many images it does not matter that
    losses are skewed, with few it covers less than it says. Without an image the mean is NaN, with
    one the interval is, and `reason` says so.
    """

    true: str
    predicted: str
    n: int
    mean: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True)
class LossTable:
    """A cell for every true attribute and, within it, every predicted one.

    Table 3 of "Leveraging vision-language models for fair facial attribute classification".
    """

    cells: tuple[LossCell, ...]
    confidence: float


def loss_table(
    losses: Any,
    true: Any,
    predicted: Any,
    true_names: Sequence[str],
    predicted_names: Sequence[str],
    *,
    confidence: float = 0.95,
) -> LossTable:
    """The mean loss by true and predicted attribute.

    Args:
        losses: (n,) of each image.
        true: (n,) places in `true_names`.
        predicted: (n,) places in `predicted_names`, which may be others ("unsure").
        true_names, predicted_names: of the attribute's values.
        confidence: coverage of the intervals, between 0 and 1.

    Raises:
        InputError: lengths that differ, losses that are not finite, labels out of range, or
            `confidence` out of range.
    """
    values = np.asarray(losses, dtype=np.float64)
    labels = [np.asarray(true), np.asarray(predicted)]
    if values.ndim != 1 or any(label.shape != values.shape for label in labels):
        raise InputError("losses, true and predicted attributes must be one number per image each")
    if not np.isfinite(values).all():
        raise InputError(f"the loss of image {np.argmin(np.isfinite(values))} is not finite")
    for label, names in zip(labels, (true_names, predicted_names), strict=True):
        outside = label[(label < 0) | (label >= len(names))]
        if len(outside):
            raise InputError(f"attribute {outside[0]} has no name; there are {len(names)}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence must be between 0 and 1, got {confidence!r}")
    cells = (
        _cell(values[(labels[0] == t) & (labels[1] == p)], true_name, predicted_name, confidence)
        for t, true_name in enumerate(true_names)
        for p, predicted_name in enumerate(predicted_names)
    )
    return LossTable(tuple(cells), confidence)


def _cell(values: np.ndarray, true: str, predicted: str, confidence: float) -> LossCell:
    n, nan = len(values), float("nan")
    if n == 0:
        return LossCell(true, predicted, 0, nan, nan, nan, "no such image")
    mean = float(values.mean())
    if n == 1:
        return LossCell(true, predicted, 1, mean, nan, nan, "one image has no spread")
    reach = stats.t.ppf((1 + confidence) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return LossCell(true, predicted, n, mean, mean - float(reach), mean + float(reach))
