"""What every strategy does unless it says otherwise: average the losses and learn nothing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unskew.errors import InputError


class Base:
    """The part of `unskew.classify.strategy.Strategy` that most of ours share."""

    name: str
    wants_losses = False

    def reduce(self, losses: Tensor, indices: Tensor) -> Tensor:
        """The mean of the losses (b,)."""
        return losses.mean()

    def after_epoch(self, epoch: int, losses: np.ndarray) -> None:
        """Nothing is learnt."""

    def state_dict(self) -> dict[str, Any]:
        """Options and groups as they were given, and copies of what moves in a training."""
        return {**self._fixed(), **{name: value.clone() for name, value in self._moving().items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the `state_dict` of the same strategy on the same training set.

        Raises:
            InputError: options, groups or shapes differ.
        """
        fixed, moving = self._fixed(), self._moving()
        same = (
            state.keys() == fixed.keys() | moving.keys()
            and all(_equal(state[name], value) for name, value in fixed.items())
            and all(state[name].shape == value.shape for name, value in moving.items())
        )
        if not same:
            raise InputError(
                f"the saved state of the strategy {self.name!r} has other options or another "
                "training set: resume with what the run began with, or start anew"
            )
        for name, value in moving.items():
            value.copy_(state[name])

    def _fixed(self) -> dict[str, Any]:
        """What tells one strategy from another: numbers, and tensors that never change."""
        return {}

    def _moving(self) -> dict[str, Tensor]:
        """The tensors that a training moves, themselves: `load_state_dict` fills them in place."""
        return {}


def drawn(weights: Tensor, generator: torch.Generator) -> Tensor:
    """As many rows as there are weights (n,), int64, each drawn with replacement by its weight.

    An epoch thereby has n examples whatever the strategy, and strategies compared cost the same.
    """
    return torch.multinomial(weights, len(weights), replacement=True, generator=generator)


def _equal(a: Any, b: Any) -> bool:
    return torch.equal(a, b) if isinstance(b, Tensor) else a == b
