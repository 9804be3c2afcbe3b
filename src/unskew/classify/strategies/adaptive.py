"""Adaptive re-sampling: groups are drawn by their share of the training loss (VLM-debias)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unskew.classify.strategies.base import Base, drawn
from unskew.classify.strategies.partition import Partition
from unskew.errors import InputError


class Adaptive(Base):
    """Equation 3 of Zhang and Chunara, "Leveraging vision-language models for fair facial
    attribute classification", section 3.3.

    With L_k the mean training loss of the examples of group k that were drawn in epoch e,

        w_k = L_k / sum_j L_j,    p_k = w_k after the first epoch,
                                  p_k = alpha w_k + (1 - alpha) p_k afterwards,

    and epoch e + 1 draws group k with probability p_k, then one of its examples by equal chance.
    The K groups are all combinations of class and attribute, and p sums to one over all of them,
    not within each class: a class whose groups are hard is drawn more often as a whole.

    What the paper leaves open: the first epoch, before any loss is known, takes every example
    once; an example drawn several times counts once, by its mean; and the size of a group has no
    part in p, so that equal losses mean equally frequent groups.
    """

    name = "adaptive"
    wants_losses = True

    def __init__(self, groups: Partition, alpha: float = 0.3) -> None:
        """`alpha`: how much the last epoch counts, over 0 up to 1 (1: it alone does)."""
        if not 0 < alpha <= 1:
            raise InputError(f"alpha must be over 0 and at most 1, got {alpha!r}")
        self.groups = groups
        self.alpha = alpha
        self.probabilities = torch.full_like(groups.sizes, torch.nan)

    def sample(self, epoch: int, generator: torch.Generator) -> Tensor:
        """Rows (n,) of the training set, by the losses of the epochs so far."""
        if self._unknown:
            return torch.randperm(len(self.groups.codes), generator=generator)
        return drawn(self.groups.spread(self.probabilities), generator)

    def after_epoch(self, epoch: int, losses: np.ndarray) -> None:
        """Move the probabilities by the losses (n,)."""
        if self._unknown:
            now = self.groups.loss_shares(losses, self.groups.uniform())
            self.probabilities.copy_(now)
        else:
            now = self.groups.loss_shares(losses, self.probabilities)
            self.probabilities.mul_(1 - self.alpha).add_(now, alpha=self.alpha)

    @property
    def _unknown(self) -> bool:
        return bool(self.probabilities.isnan().any())

    def _fixed(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "codes": self.groups.codes}

    def _moving(self) -> dict[str, Tensor]:
        return {"probabilities": self.probabilities}
