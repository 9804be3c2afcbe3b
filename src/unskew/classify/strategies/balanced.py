"""Balanced re-sampling: every class, or every group of every class, as likely as any other."""

from typing import Any

import torch
from torch import Tensor

from unskew.classify.strategies.base import Base, drawn
from unskew.classify.strategies.partition import Partition


class Balanced(Base):
    """n draws with replacement: a group by equal chance, then one of its examples by equal chance.

    A group of few examples is repeated often: with four groups and n = 10,000, each of three
    examples in a group of their own is drawn 833 times an epoch.
    """

    def __init__(self, name: str, groups: Partition) -> None:
        self.name = name
        self.groups = groups
        self._weights = groups.spread(groups.uniform())

    def sample(self, epoch: int, generator: torch.Generator) -> Tensor:
        """Rows (n,) of the training set."""
        return drawn(self._weights, generator)

    def _fixed(self) -> dict[str, Any]:
        return {"codes": self.groups.codes}
