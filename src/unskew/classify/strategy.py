"""How a training run copes with bias: which examples it draws, and how it weighs their losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor


@runtime_checkable
class Strategy(Protocol):
    """What `train` asks of a strategy; one object serves one run.

    Attributes:
        name: as `make_strategy` knows it.
        wants_losses: whether `after_epoch` is called.
    """

    name: str
    wants_losses: bool

    def sample(self, epoch: int, generator: torch.Generator) -> Tensor:
        """The training examples of an epoch, in order: int64 indices (m,), repeats allowed.

        Args:
            epoch: from 0.
            generator: of this epoch, on the CPU, and seeded by the run: the only source of chance.
        """
        ...

    def reduce(self, losses: Tensor, indices: Tensor) -> Tensor:
        """The scalar to minimise, from the losses (b,) of the examples `indices` (b,).

        Both lie on the device of the network.
        """
        ...

    def after_epoch(self, epoch: int, losses: np.ndarray) -> None:
        """Learn from the epoch that ended.

        Args:
            epoch: from 0.
            losses: float64 (n,), one for every training example: the mean of the losses it had in
                the batches of this epoch, as training saw them (with dropout and augmentation,
                and with the weights of that moment); NaN for an example that was not drawn.
        """
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """Everything a resumed run needs, options included: a flat mapping of names to tensors,
        or to what JSON can hold.

        At the start of a run it also tells runs apart, so two runs that would train differently
        must differ in it.
        """
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state_dict`."""
        ...


class NoIntervention:
    """Every example once per epoch, in random order; the mean of the losses."""

    name = "none"
    wants_losses = False

    def __init__(self, n: int) -> None:
        """`n`: how many training examples there are."""
        self.n = n

    def sample(self, epoch: int, generator: torch.Generator) -> Tensor:
        """A permutation of all examples."""
        return torch.randperm(self.n, generator=generator)

    def reduce(self, losses: Tensor, indices: Tensor) -> Tensor:
        """The mean."""
        return losses.mean()

    def after_epoch(self, epoch: int, losses: np.ndarray) -> None:
        """Nothing is learnt."""

    def state_dict(self) -> Mapping[str, Any]:
        """There is no state but how many examples there are."""
        return {"n": self.n}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """There is no state to restore."""
