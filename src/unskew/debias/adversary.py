"""The opponent of adversarial training: it predicts the subgroup, the encoder prevents it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HIDDEN = 64
FIRST_STEPS, FIRST_BATCH = 200, 256
"""So long the network is trained on the original embeddings, before the encoder takes a step."""
MEMORY = 512
"""Labelled items of the last steps that are remembered."""
SMOOTHING = 0.5
"""Share of the old value in the running means."""
RIDGE = 0.1
"""Of the regression of moves on originals, relative to the mean squared length of these."""
PRESSURE = 0.03
"""Growth of the multipliers per step, relative to the differences of the means."""


class Adversary(nn.Module):
    """Predicts one attribute from unit embeddings (n, d), in two ways.

    * By the class means. Where those of all classes coincide, no linear classifier does better
      than a constant (Belrose et al., arXiv 2306.03819, theorem 3.1), so the best linear opponent
      is known and need not be trained. Means that nearly coincide are not enough: a linear map
      that makes a difference small makes the spread along it small too, and a classifier scales
      both up again. So equal means are a constraint, and its Lagrange multipliers (`pressure`)
      grow while it is not met: a linear critic that ascends while the encoder descends.
    * By a network, for what is not linear: trained on new and remembered embeddings in alternation
      with the encoder, which gets its gradient reversed.

    The means of a batch of 48 would be far too noisy. But those of the originals are known for all
    items, and how far an item moved is nearly a linear function of its original: a regression over
    the last batches foretells the mean move of all items, and the newest batch corrects it.

    What the encoder is to minimise is a sum over items, so that a batch can be divided among
    processes and accumulated; every process trains the same opponent on the items of all.
    """

    means: Tensor
    moves: Tensor
    pressure: Tensor
    shares: Tensor
    center: Tensor
    spread: Tensor
    seen: Tensor
    seen_originals: Tensor
    seen_labels: Tensor

    def __init__(
        self, embeddings: Tensor, labels: Tensor, lr: float, steps: int, generator: torch.Generator
    ) -> None:
        """`embeddings` (n, d) and `labels` (n,): the originals of all images to fit on.

        The network takes `steps` steps of learning rate `lr` for each of the encoder's.
        """
        super().__init__()
        one_hot = F.one_hot(labels).float()
        dim, count = embeddings.shape[1], one_hot.shape[1]
        self.steps = steps
        self.register_buffer("means", (one_hot.T @ embeddings) / one_hot.sum(0)[:, None])
        self.register_buffer("pressure", torch.zeros_like(self.means))
        self.register_buffer("shares", one_hot.mean(0))
        self.register_buffer("moves", torch.zeros_like(self.means))
        self.register_buffer("center", embeddings.mean(0))
        self.register_buffer("spread", embeddings.std(0).clamp(min=1e-6))
        self.register_buffer("seen", embeddings[:0].clone())
        self.register_buffer("seen_originals", embeddings[:0].clone())
        self.register_buffer("seen_labels", labels[:0].clone())
        self.network = nn.Sequential(nn.Linear(dim, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, count))
        with torch.no_grad():
            for p in self.network.parameters():
                p.copy_(torch.empty(p.shape).uniform_(-1, 1, generator=generator) / dim**0.5)
        self.to(embeddings.device)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=lr, weight_decay=0.01)
        for _ in range(FIRST_STEPS):
            chosen = torch.randint(len(labels), (FIRST_BATCH,), generator=generator)
            self._learn(embeddings[chosen], labels[chosen])

    def directions(self) -> Tensor:
        """(C, d): how far the mean of each class is from that of all, as things stand."""
        means = self.means + self.moves
        return means - self.shares @ means

    def by_means(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(n,): minimising it brings the class means together.

        Apart from the pressure, its gradient is that of half the variance between classes.
        """
        return ((self.directions() + self.pressure)[labels] * embeddings).sum(1)

    def by_network(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(n,): the log-probability that the network gives the true class; minimise it."""
        return -F.cross_entropy(self._logits(embeddings), labels, reduction="none")

    def update(self, embeddings: Tensor, originals: Tensor, labels: Tensor, pace: float) -> None:
        """Learn from one batch of all processes; no gradient passes.

        `embeddings`, `originals`: (n, d), after and before training. `pace`: how much of its first
        learning rate the encoder still has.
        """
        expected, foretold = self._foretold(originals, self.means)
        off = embeddings - originals - expected
        for label in labels.unique().tolist():
            found = foretold[label] + off[labels == label].mean(0)
            self.moves[label].lerp_(found, 1 - SMOOTHING)
        self.pressure += PRESSURE * pace * self.directions()
        self.seen = torch.cat([embeddings, self.seen])[:MEMORY]
        self.seen_originals = torch.cat([originals, self.seen_originals])[:MEMORY]
        self.seen_labels = torch.cat([labels, self.seen_labels])[:MEMORY]
        for _ in range(self.steps):
            self._learn(self.seen, self.seen_labels)

    def _foretold(self, *asked: Tensor) -> list[Tensor]:
        """Of each (n, d): how far these originals move, by ridge regression on what is remembered.

        The kernel form: fewer items are remembered than there may be dimensions.
        """
        if not len(self.seen):
            return [torch.zeros_like(originals) for originals in asked]
        known = self.seen_originals - self.center
        moved = self.seen - self.seen_originals
        mean = moved.mean(0)
        inner = known @ known.T
        inner.diagonal().add_(RIDGE * inner.diagonal().mean())
        weights = torch.cholesky_solve(moved - mean, torch.linalg.cholesky(inner))
        return [mean + (originals - self.center) @ known.T @ weights for originals in asked]

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over a state dict; the memory may be longer than it is now."""
        for name in ("seen", "seen_originals", "seen_labels"):
            setattr(self, name, state[name].to(getattr(self, name)))
        self.load_state_dict(dict(state))

    def _logits(self, embeddings: Tensor) -> Tensor:
        logits: Tensor = self.network((embeddings - self.center) / self.spread)
        return logits

    def _learn(self, embeddings: Tensor, labels: Tensor) -> None:
        with torch.enable_grad():
            loss = F.cross_entropy(self._logits(embeddings), labels)
            gradients = torch.autograd.grad(loss, list(self.network.parameters()))
        for p, gradient in zip(self.network.parameters(), gradients, strict=True):
            p.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad()
