"""What the two forms of joint vision-language debiasing share: similarities, losses, selection."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unskew.encoders.heads import Heads, ResidualMLP, mlp

Score = Callable[[Heads], float]


def unit(x: Tensor) -> Tensor:
    """Rows (n, d) brought to unit length."""
    return F.normalize(x, dim=-1)


def log_similarities(x: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """Log of how x (..., d) spreads its similarity over a queue (m, d): (..., m), summing to 1."""
    return F.log_softmax(x @ queue.T / temperature, dim=-1)


def distillation(targets: Tensor, log_predicted: Tensor) -> Tensor:
    """L_cd of one modality: cross-entropy of soft targets (n, m), mean over the n rows."""
    return -(targets * log_predicted).sum(dim=-1).mean()


def bias_alignment(log_text: Tensor, log_image: Tensor) -> Tensor:
    """L_ba: KL(text || image) of the similarities (n, m) of bias vectors, mean over the n rows.

    The gradient goes to both.
    """
    return F.kl_div(log_image, log_text, reduction="batchmean", log_target=True)


def new_heads(dim: int, hidden: int, image_hidden: int, seed: int, rectified: bool) -> Heads:
    """A head for images, and one for texts that is its outer part: one module serves both.

    Random weights, as torch draws them; without the last ReLU the last layers start at zero, so
    that both heads change nothing. With it they cannot: the gradient would be zero for good.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = [mlp(dim, hidden, rectified), mlp(dim, image_hidden, rectified)]
    if not rectified:
        for part in parts:
            for value in part[-1].parameters():
                nn.init.zeros_(value)
    return Heads(ResidualMLP(*parts), ResidualMLP(parts[0]))


def image_head(heads: Heads) -> nn.Module:
    """The head that holds all weights."""
    assert heads.image is not None
    return heads.image


@dataclass
class Best:
    """Remembers the weights with the highest score; without a score, nothing."""

    score: Score | None
    value: float = float("-inf")
    misses: int = 0
    """Scores since the best."""
    weights: dict[str, Tensor] = field(default_factory=dict)

    def look(self, heads: Heads) -> None:
        """Score these heads."""
        if self.score is None:
            return
        value, self.misses = self.score(heads), self.misses + 1
        if value > self.value:
            self.value, self.misses = value, 0
            self.weights = copy.deepcopy(image_head(heads).state_dict())

    def restore(self, heads: Heads) -> Heads:
        """The heads with the best weights, for inference."""
        if self.weights:
            image_head(heads).load_state_dict(self.weights)
        for head in heads.present().values():
            head.eval().requires_grad_(False)
        return heads
