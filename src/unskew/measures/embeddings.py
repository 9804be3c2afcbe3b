"""Embeddings as given become checked arrays; their cosines with attributes become s(w, A, B).

Accepted: anything NumPy reads as a matrix of numbers, and torch tensors of any dtype or device
(recognised by their methods, so torch is never imported here). Rows need not be normalised.
Arithmetic is in float64; float32 sets are widened one at a time, where they are used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unskew.errors import InputError

Floats = NDArray[np.float64]

# Squared norms outside this range have lost digits to under- or overflow.
_SAFE_SQUARE = (1e-280, 1e280)


def as_numbers(value: Any, name: str) -> NDArray[Any]:
    """An array of real numbers from `value`, which is called `name` in the error message."""
    if hasattr(value, "detach"):  # a torch tensor; numpy itself knows no bfloat16
        value = value.detach().cpu().double().numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(value, dtype=object)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} is not an array of numbers; give rows of equal length")
    return array


def as_embeddings(value: Any, name: str) -> NDArray[Any]:
    """A non-empty (n, d) matrix; whether its rows are usable is seen by `row_norms`."""
    rows = as_numbers(value, name)
    if rows.size == 0:
        raise InputError(f"{name} is empty; give at least one embedding")
    if rows.ndim != 2:
        raise InputError(f"{name} has shape {rows.shape}; give a matrix with one embedding per row")
    return rows


def same_dimension(sets: dict[str, NDArray[Any]]) -> None:
    """Raise InputError unless all sets have as many columns as the first."""
    (first, reference), *others = sets.items()
    for name, rows in others:
        if rows.shape[1] != reference.shape[1]:
            raise InputError(
                f"{name} has {rows.shape[1]} dimensions but {first} has {reference.shape[1]}; "
                "embed all sets with the same model"
            )


def row_norms(rows: Floats, name: str) -> Floats:
    """Euclidean norms (n,); raises InputError for the first row that has no direction."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
    low, high = _SAFE_SQUARE
    norms = np.sqrt(squares)
    for row in np.flatnonzero(~((squares > low) & (squares < high))):
        peak = np.abs(rows[row]).max()
        if not np.isfinite(peak):
            raise InputError(f"{name}, row {row} holds NaN or infinity; drop or re-embed that item")
        if peak == 0:
            raise InputError(
                f"{name}, row {row} is a zero vector, which has no cosine; drop or re-embed it"
            )
        norms[row] = peak * np.linalg.norm(rows[row] / peak)
    return norms


def unit_rows(rows: NDArray[Any], name: str) -> Floats:
    """Rows scaled to length 1, in float64."""
    rows = rows.astype(np.float64, copy=False)
    return rows / row_norms(rows, name)[:, None]


def attribute_axis(A: NDArray[Any], B: NDArray[Any]) -> Floats:
    """mean of unit A rows - mean of unit B rows, (d,).

    The mean of cosines is linear in the attribute, so s(w, A, B) is the product of the unit
    vector of w with this one vector: associations cost one matrix-vector product.
    """
    return unit_rows(A, "A").mean(axis=0) - unit_rows(B, "B").mean(axis=0)


def project(rows: NDArray[Any], axis: Floats, name: str) -> Floats:
    """Associations (n,) of the rows with the axis, in float64."""
    rows = rows.astype(np.float64, copy=False)
    norms = row_norms(rows, name)  # first: it refuses what would make the product warn
    return (rows @ axis) / norms


def association(W: Any, A: Any, B: Any) -> Floats:
    """s(w, A, B) = mean over a of cos(w, a) - mean over b of cos(w, b), for every row w of W.

    W is (n, d), A (n_a, d), B (n_b, d); the result is (n,) float64 in [-2, 2], positive where w
    is closer to A. Caliskan, Bryson and Narayanan (2017), "Semantics derived automatically from
    language corpora contain human-like biases".

    Raises InputError for an empty set, sets of different dimension, NaN, infinity, zero vectors.
    """
    sets = {name: as_embeddings(value, name) for name, value in (("W", W), ("A", A), ("B", B))}
    same_dimension(sets)
    return project(sets["W"], attribute_axis(sets["A"], sets["B"]), "W")
