"""The six training objectives of Bangaru, Baru and Chakravarthula, "Interpreting Bias in the Neural
Networks: A Peek Into Representational Similarity", Table 2.

Each takes logits fv (b, c) and class indices y (b,), and gives the losses of the examples (b,):
how they become one number is the strategy's affair. With S the softmax, sigma the sigmoid, and y_c
1 for the true class and 0 for the others, they are, per example,

| name                      | loss                                                        |
|---------------------------|-------------------------------------------------------------|
| `softmax-cross-entropy`   | -sum_c y_c log S(fv)_c                                      |
| `binary-cross-entropy`    | -sum_c [y_c log sigma(fv_c) + (1 - y_c) log(1 - sigma(fv_c))] |
| `negative-log-likelihood` | -sum_c y_c log p_c, p_c = softplus(fv_c) / sum_j softplus(fv_j) |
| `l1`                      | sum_c abs(y_c - S(fv)_c)                                    |
| `l2`                      | sum_c (y_c - S(fv)_c)^2                                     |
| `sos`                     | 1/C sum_c [alpha y_c (fv_c - beta)^2 + (1 - y_c) fv_c^2]    |

Where that is not the printed formula, the function says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from unskew.errors import InputError

Objective: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Of logits (b, c) and class indices (b,), the losses (b,)."""


def softmax_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-log S(fv)_y, as the table prints it."""
    return F.cross_entropy(logits, targets, reduction="none")


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """One yes-or-no question per class (one against the rest), summed over the classes.

    The table prints the log-likelihood of one such question: here it has the minus sign that makes
    it a loss, and the sum over classes that the one-vs-rest strategy of the text asks for.
    PyTorch's `binary_cross_entropy_with_logits` takes the mean over classes instead.
    """
    losses = F.binary_cross_entropy_with_logits(logits, _one_hot(logits, targets), reduction="none")
    return losses.sum(1)


def negative_log_likelihood(logits: Tensor, targets: Tensor) -> Tensor:
    """-log p_y, with the outputs themselves, made positive and divided by their sum, as p.

    The table prints -sum_c y_c log(fv_c): the logarithm of the raw output, without the softmax that
    the row above it has. Read literally it has no value where the output is negative, and no
    minimum, since a network lowers it for every class at once by giving larger outputs. What the
    name means elsewhere, the logarithm of the softmax (`torch.nn.NLLLoss` after `log_softmax`), is
    `softmax-cross-entropy` once more. This is the nearest to the print that is a likelihood: the
    softplus makes outputs positive and leaves large ones as they are, and the sum makes them a
    distribution. Where outputs are large, positive and sum to Z, it is -log(fv_y / Z).
    """
    return F.cross_entropy(_log_softplus(logits), targets, reduction="none")


def l1(logits: Tensor, targets: Tensor) -> Tensor:
    """Manhattan distance of the softmax to the one-hot target: 2 (1 - S(fv)_y), at most 2.

    The table prints it with a minus sign, which would drive the two apart.
    """
    return (_one_hot(logits, targets) - logits.softmax(1)).abs().sum(1)


def l2(logits: Tensor, targets: Tensor) -> Tensor:
    """Squared Euclidean distance of the softmax to the one-hot target (the Brier score), at most 2.

    The table prints it with a minus sign, which would drive the two apart. It is squared, unlike
    the Euclidean norm that the text speaks of.
    """
    return (_one_hot(logits, targets) - logits.softmax(1)).square().sum(1)


@dataclass(frozen=True)
class SumOfSquares:
    """Squared error of the raw outputs: the true class to `beta`, weighted by `alpha`, others to 0.

    The table prints the first term without its square, which would have no minimum. The square is
    that of Hui and Belkin (ICLR 2021, k = alpha and M = beta), whom the paper follows; with
    alpha = beta = 1, the paper's choice, it is plain squared error.

    Raises:
        InputError: `alpha` or `beta` is not above 0.
    """

    alpha: float = 1.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        for name in ("alpha", "beta"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0")

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The losses (b,), means over the classes."""
        y = _one_hot(logits, targets)
        return (self.alpha * y * (logits - self.beta).square() + (1 - y) * logits.square()).mean(1)


OBJECTIVES: dict[str, Objective] = {
    "softmax-cross-entropy": softmax_cross_entropy,
    "binary-cross-entropy": binary_cross_entropy,
    "negative-log-likelihood": negative_log_likelihood,
    "l1": l1,
    "l2": l2,
    "sos": SumOfSquares(),
}
"""The first three are the paper's probabilistic objectives, the others its margin-based ones."""


def objective_named(objective: str | Objective) -> tuple[str, Objective]:
    """Name and function of an objective of the table, or of one that somebody brings.

    Raises:
        InputError: there is none of this name.
    """
    if not isinstance(objective, str):
        return getattr(objective, "__name__", repr(objective)), objective
    if objective not in OBJECTIVES:
        raise InputError(f"no objective {objective!r}: choose among {', '.join(OBJECTIVES)}")
    return objective, OBJECTIVES[objective]


def _one_hot(logits: Tensor, targets: Tensor) -> Tensor:
    return F.one_hot(targets, logits.shape[1]).to(logits.dtype)


def _log_softplus(x: Tensor) -> Tensor:
    """log(log(1 + exp(x))), which is x - exp(x) / 2 where exp(x) is small."""
    low = x < -10
    plain = F.softplus(torch.where(low, torch.zeros_like(x), x)).log()
    return torch.where(low, x - torch.where(low, x, torch.zeros_like(x)).exp() / 2, plain)
