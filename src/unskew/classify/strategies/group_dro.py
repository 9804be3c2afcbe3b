"""Group distributionally robust optimisation: the worst group counts most."""

from typing import Any

import torch
from torch import Tensor

from unskew.classify.strategies.balanced import Balanced
from unskew.classify.strategies.partition import Partition
from unskew.errors import InputError


class GroupDro(Balanced):
    """Algorithm 1 of Sagawa et al., ICLR 2020 (arXiv 1911.08731).

    Examples are drawn as in group-balanced re-sampling. For every batch, with L_g its mean loss in
    group g (0 where it holds none of it),

        q_g <- q_g exp(step_size L_g),  normalised to sum to one;  loss = sum_g q_g L_g.

    The paper finds that this helps a network that can fit everything only under strong weight
    decay or early stopping: those belong to the settings of the training. Its generalisation
    adjustment, 0 in the released defaults, is left out.
    """

    def __init__(self, groups: Partition, step_size: float = 0.01) -> None:
        """`step_size`: of the weights, over 0."""
        if not step_size > 0:
            raise InputError(f"step_size must be over 0, got {step_size!r}")
        super().__init__("group-dro", groups)
        self.step_size = step_size
        self.weights = groups.uniform()

    def reduce(self, losses: Tensor, indices: Tensor) -> Tensor:
        """The weighted sum of the groups' mean losses, after the weights have been moved."""
        means = self.groups.batch_means(losses, indices)
        # The update and its normalisation in one; on the CPU, since MPS has no float64.
        moved = self.weights.log() + self.step_size * means.detach().cpu().double()
        self.weights.copy_(torch.softmax(moved, dim=0))
        return means @ self.weights.to(means.device, means.dtype)

    def _fixed(self) -> dict[str, Any]:
        return {"step_size": self.step_size, **super()._fixed()}

    def _moving(self) -> dict[str, Tensor]:
        return {"weights": self.weights}
