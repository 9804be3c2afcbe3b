"""Orth-Proj: the text embeddings without the directions of prompts that name subgroups."""

from typing import Literal

import numpy as np

from unskew.debias.fitting import FittingData
from unskew.debias.subspace import orthonormal_basis, projection_away
from unskew.encoders.heads import Affine, Heads
from unskew.errors import InputError

Modalities = Literal["text", "both"]


def fit(data: FittingData, seed: int = 0, *, modalities: Modalities = "text") -> Heads:
    """Biased prompts, orthogonal projection (Chuang et al. 2023, arXiv 2302.00070).

    P0 = I - B B^+, where the columns of B span the embeddings of all prompts that name a
    subgroup. It is fitted on text alone, needs no image, and draws nothing at random. As
    published it acts on text; ``"both"`` gives the same matrix to images, as it is often used.

    What differs from the released code: the rank of B comes from its singular values, not from
    the number of prompts; the prompts are those of the identity words, since the ones for faces
    were never released.

    Raises:
        InputError: a subgroup without words, the prompts span the whole space, or `modalities`.
    """
    return heads(spurious_projection(data.texts.prompts), modalities)


def spurious_projection(prompts: np.ndarray) -> np.ndarray:
    """P0 (d, d) from the prompts (S, p, d)."""
    dim = prompts.shape[-1]
    basis = orthonormal_basis(prompts.reshape(-1, dim))
    if len(basis) == dim:
        raise InputError(
            f"the {prompts.shape[0] * prompts.shape[1]} prompts of the subgroups span all {dim} "
            "dimensions, so that projecting them away leaves nothing: debias fewer attributes "
            "or subgroups at once, or give identity words with fewer templates"
        )
    return projection_away(basis)


def heads(matrix: np.ndarray, modalities: Modalities) -> Heads:
    """The matrix (d, d) on text, or on both."""
    if modalities not in ("text", "both"):
        raise InputError(f"modalities is {modalities!r}; it must be 'text' or 'both'")
    return Heads(image=Affine(matrix) if modalities == "both" else None, text=Affine(matrix))
