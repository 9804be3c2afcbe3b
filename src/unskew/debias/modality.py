"""One modality in adversarial training: its items, what they should keep, what they should lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unskew.debias.adversary import Adversary
from unskew.debias.batches import Pictures, Sampler, Shard, Words

TEMPERATURE = 0.05
"""Of the softmax over similarities that is to be preserved."""
TERMS = ("means", "network", "moved", "similarity", "swapped")


@dataclass(frozen=True)
class Weights:
    """Of the terms of the loss, beside the mean squared move of general items, which has 1."""

    means: float
    network: float
    labelled: float
    similarity: float
    swapped: float = 0.0


@dataclass(frozen=True)
class Swaps:
    """Between which captions the similarity should not differ: those with the identity swapped.

    ``row``: (n,) for every item, its row in the others, -1 where it has none. ``directions``:
    (k, m, d) of the other modality, with which the products should be 0.
    """

    row: Tensor
    directions: Tensor

    def gaps(self, z: Tensor, numbers: Tensor) -> Tensor:
        """Of those of the items `numbers` that have directions, the mean over these of the squared
        product, in units of `TEMPERATURE`."""
        rows = self.row[numbers]
        has = rows >= 0
        found = (self.directions[rows[has]] @ z[has, :, None]).squeeze(2)
        return (found / TEMPERATURE).square().mean(dim=1)


@dataclass
class Modality:
    """Images, or texts: labelled items first, general ones after them.

    ``originals``: (n, d), their embeddings before training. ``targets``: (n, d), what they should
    stay; the originals, except for texts with counterfactuals. ``bank``: (m, d) original
    embeddings of the other modality. ``labels``: attribute -> (labelled,).
    """

    items: Pictures | Words
    originals: Tensor
    targets: Tensor
    bank: Tensor
    labels: Mapping[str, Tensor]
    adversaries: Mapping[str, Adversary]
    sampler: Sampler
    weights: Weights
    swaps: Swaps | None = None

    def numbers(self, shard: Shard) -> np.ndarray:
        """The items of a shard, labelled ones first."""
        return np.concatenate([shard.labelled, shard.general + self.sampler.sizes[0]])

    def losses(self, z: Tensor, shard: Shard) -> Tensor:
        """(5,) sums over a shard, each divided by the size of the whole batch; see `TERMS`.

        `z`: unit embeddings (b, d) of `numbers(shard)`.
        """
        labelled = self.sampler.labelled
        size = torch.full((len(z), 1), float(max(self.sampler.general, 1)), device=z.device)
        size[: len(shard.labelled)] = labelled / self.weights.labelled
        numbers = torch.from_numpy(self.numbers(shard))
        target = self.targets[numbers]
        faces, chosen = z[: len(shard.labelled)], torch.from_numpy(shard.labelled)
        zero = z.sum() * 0  # stays in the graph of every parameter, as two processes need
        means, network = zero, zero
        for attribute, adversary in self.adversaries.items():
            labels = self.labels[attribute][chosen]
            means = means + adversary.by_means(faces, labels).sum() / labelled
            network = network - adversary.by_network(faces, labels).sum() / labelled
        moved = ((z - target).square().sum(1, keepdim=True) / size).sum()
        similarity = zero
        if len(self.bank):
            now, kept = (F.log_softmax(x @ self.bank.T / TEMPERATURE, 1) for x in (z, target))
            divergence = F.kl_div(now, kept, log_target=True, reduction="none")
            similarity = (divergence.sum(1, keepdim=True) / size).sum()
        swapped = zero
        if self.swaps is not None:
            swapped = zero + self.swaps.gaps(z, numbers).sum() / max(self.sampler.general, 1)
        return torch.stack([means, network, moved, similarity, swapped])

    def total(self, losses: Tensor) -> Tensor:
        """The weighted sum that the encoder minimises; the network's loss is reversed."""
        w = self.weights
        weights = (w.means, -w.network, 1.0, w.similarity, w.swapped)
        return (losses * torch.tensor(weights, device=losses.device)).sum()

    def update(self, faces: Tensor, chosen: np.ndarray, pace: float) -> None:
        """Let the adversaries learn from the labelled items of a whole batch."""
        for attribute, adversary in self.adversaries.items():
            rows = torch.from_numpy(chosen)
            adversary.update(faces, self.originals[rows], self.labels[attribute][rows], pace)
