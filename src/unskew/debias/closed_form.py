"""Closed form: each embedding is turned away from the directions between the subgroups."""

import numpy as np

from unskew.debias.fitting import FittingData
from unskew.debias.subspace import orthonormal_basis
from unskew.encoders.heads import Heads, Rebalance


def fit(data: FittingData, seed: int = 0) -> Heads:
    """Closed-form cross-modal debiasing (arXiv 2603.12998).

    The prototype of a subgroup is the normalised mean of its prompts; the attribute space is the
    span of the differences of the prototypes. An embedding e = a p + b q, p inside and q outside
    that space, becomes u = alpha p + sqrt(1 - alpha^2) q with the alpha in [0, a] at which the
    share of fidelity lost, (1 - u.e) / (1 - b), equals the share of the attribute left, alpha / a.
    Images and texts are treated alike; no image is needed; draws nothing at random.

    What differs from the released code: the prompts are those of the identity words, not of a
    language model, and the prototypes are of the prompts without a query ("one space for all
    queries", as there for retrieval).

    Raises:
        InputError: a subgroup without words.
    """
    basis = attribute_space(data.texts.prompts)
    return Heads(image=Rebalance(basis), text=Rebalance(basis))


def attribute_space(prompts: np.ndarray) -> np.ndarray:
    """(r, d) orthonormal rows, r < S, from the prompts (S, p, d)."""
    means = prompts.mean(axis=1, dtype=np.float64)
    prototypes = means / np.linalg.norm(means, axis=1, keepdims=True)
    return orthonormal_basis(prototypes[1:] - prototypes[0])
