"""The groups within which a strategy counts: each class, or each group of each class."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unskew.errors import InputError


@dataclass(frozen=True)
class Partition:
    """`codes` (n,) int64, 0 .. k - 1, of the groups that have examples; `sizes` (k,) float64.

    A combination of class and group that no example has is no group: it has nothing to draw.
    """

    codes: Tensor
    sizes: Tensor

    def spread(self, probabilities: Tensor) -> Tensor:
        """(n,) the probability of each example where those of the groups (k,) are as given."""
        return (probabilities / self.sizes)[self.codes]

    def uniform(self) -> Tensor:
        """(k,) the same probability for every group."""
        return torch.full_like(self.sizes, 1 / len(self.sizes))

    def batch_means(self, losses: Tensor, indices: Tensor) -> Tensor:
        """Mean loss (k,) of each group among the losses (b,) of a batch; 0 where it has none."""
        codes = self.codes[indices.cpu()].to(losses.device)
        zeros = torch.zeros(len(self.sizes), dtype=losses.dtype, device=losses.device)
        counts = zeros.index_add(0, codes, torch.ones_like(losses))
        return zeros.index_add(0, codes, losses) / counts.clamp(min=1)

    def loss_shares(self, losses: np.ndarray, before: Tensor) -> Tensor:
        """(k,) mean loss of each group over the sum of these means: w of VLM-debias' Equation 3.

        `losses` (n,) has NaN for examples that were not drawn. A group without any that was drawn
        keeps the share it had `before` (k,), and all others divide the rest. Where all losses are
        0, every group has the same share.

        Raises:
            InputError: a loss is infinite, or none was drawn.
        """
        values = torch.as_tensor(losses, dtype=torch.float64)
        known = ~values.isnan()
        if not bool(known.any()) or bool(values.isinf().any()):
            raise InputError(
                "the training losses are not finite, so no group can be weighted by them: lower "
                "the learning rate"
            )
        zeros = torch.zeros_like(self.sizes)
        sums = zeros.index_add(0, self.codes[known], values[known])
        counts = zeros.index_add(0, self.codes[known], torch.ones_like(values[known]))
        means, seen = sums / counts.clamp(min=1), counts > 0
        rest = 1 - before[~seen].sum()
        total = means.sum()
        even = seen.double() / seen.sum()
        return torch.where(seen, rest * (means / total if total > 0 else even), before)


def partition(targets: Any, groups: Any = None) -> Partition:
    """The classes (n,), or with `groups` (n,) every combination of class and group.

    Groups that are combinations already stay what they are, so that attributes and groups may be
    given alike. Images that a model was unsure about are one more attribute, and thus a group of
    their own in every class.

    Raises:
        InputError: no examples, not one whole number per example, or lengths that differ.
    """
    rows = [_labels(targets, "targets")]
    if groups is not None:
        rows.append(_labels(groups, "groups"))
        if len(rows[0]) != len(rows[1]):
            raise InputError(
                f"there are {len(rows[0])} targets but {len(rows[1])} groups: give one of each "
                "per training example"
            )
    _, codes, counts = torch.unique(
        torch.stack(rows), dim=1, return_inverse=True, return_counts=True
    )
    return Partition(codes, counts.double())


def _labels(values: Any, what: str) -> Tensor:
    labels = torch.as_tensor(values)
    if labels.ndim != 1 or len(labels) == 0:
        raise InputError(
            f"{what} must be one label per training example, got an array of shape "
            f"{tuple(labels.shape)}"
        )
    if labels.is_floating_point() or labels.is_complex():
        raise InputError(f"{what} must be whole numbers, got {labels.dtype}: number the labels")
    return labels.cpu().long()
