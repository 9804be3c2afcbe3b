"""Subspaces of the embedding space, as orthonormal rows."""

import numpy as np

# Singular values below this share of the largest are rounding, not directions.
RANK_TOLERANCE = 1e-6


def orthonormal_basis(vectors: np.ndarray) -> np.ndarray:
    """(r, d) orthonormal rows that span the rows of `vectors` (n, d); r is their rank."""
    _, values, rows = np.linalg.svd(np.asarray(vectors, dtype=np.float64), full_matrices=False)
    return rows[values > RANK_TOLERANCE * values[0]] if values[0] > 0 else rows[:0]


def projection_away(basis: np.ndarray) -> np.ndarray:
    """(d, d): the orthogonal projection onto what is orthogonal to the rows of `basis` (r, d)."""
    return np.eye(basis.shape[1]) - basis.T @ basis
