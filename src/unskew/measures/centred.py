"""A feature matrix seen in centred, scaled pieces: nothing of its size is ever copied."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from unskew.errors import InputError
from unskew.measures.embeddings import as_numbers

ROWS = 2048
"""Rows that are looked at together."""
_VANISHING = 1e-20
"""Sum of squares below which single ones may be too small for single precision."""


class Centred:
    """The rows of X (n, d) less their mean, over their root mean square.

    Attributes:
        n, d: shape.
        constant: all rows are the same, so there is nothing to compare.
        dtype: of the pieces: double for double X, else single.
        wide: the widest precision of the device.
    """

    def __init__(self, value: Any, name: str) -> None:
        """Raises InputError unless `value` is a finite matrix of numbers."""
        self._rows = _tensor(value, name)
        self.name = name
        self.n, self.d = self._rows.shape
        self.dtype = torch.float64 if self._rows.dtype == torch.float64 else torch.float32
        self.device = self._rows.device
        self.wide = torch.float32 if self.device.type == "mps" else torch.float64
        # Rows lose the first one before their mean: constant features are then exactly 0.
        self._first = self._rows[0].to(self.dtype)
        total, square = self._moments()
        self._mean = (total / self.n).to(self.dtype)
        spread = (square / self.n - (total / self.n) ** 2).sum().item() / self.d
        self.constant = not square.any().item()
        self._inverse = 1.0 if self.constant else spread**-0.5

    def __len__(self) -> int:
        return self.n

    def piece(self, rows: slice, columns: slice = slice(None)) -> Tensor:
        """Centred rows, in `dtype`."""
        piece = self._rows[rows, columns].to(self.dtype) - self._first[columns]
        piece -= self._mean[columns]
        return piece.mul_(self._inverse)

    def widened(self) -> Centred:
        """Itself, with pieces in the widest precision of the device."""
        self._first, self._mean = self._first.to(self.wide), self._mean.to(self.wide)
        self.dtype = self.wide
        return self

    def _moments(self) -> tuple[Tensor, Tensor]:
        """Sums and sums of squares (d,) of the rows less the first, in double precision."""
        total, square = self._sums(self.dtype)
        # Squares of single precision vanish or overflow long before those of double.
        if not _VANISHING < square.sum().item() < math.inf:
            total, square = self._sums(self.wide)
        if not torch.isfinite(square.sum()):
            self._refuse()
        return total, square

    def _sums(self, precision: torch.dtype) -> tuple[Tensor, Tensor]:
        """Moments whose terms within ROWS are added in `precision`."""
        total = torch.zeros(self.d, dtype=self.wide, device=self.device)
        square = torch.zeros_like(total)
        for rows in slices(self.n, ROWS):
            shifted = self._rows[rows].to(precision) - self._first
            total += shifted.sum(dim=0)
            square += shifted.square_().sum(dim=0)
        return total, square

    def _refuse(self) -> None:
        for rows in slices(self.n, ROWS):
            bad = (~torch.isfinite(self._rows[rows])).any(dim=1).nonzero()
            if len(bad):
                row = rows.start + int(bad[0])
                raise InputError(
                    f"{self.name}, row {row} holds NaN or infinity; drop or recompute that example"
                )
        raise InputError(f"{self.name} holds numbers too large to square; scale it down")


def slices(length: int, step: int) -> Iterator[slice]:
    """Consecutive slices that cover range(length)."""
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def _tensor(value: Any, name: str) -> Tensor:
    if isinstance(value, Tensor):
        rows = value.detach()
        if rows.is_complex():
            raise InputError(f"{name} is not an array of real numbers")
    else:
        array = as_numbers(value, name)
        with warnings.catch_warnings():
            # A read-only array stays so: nothing here writes to it.
            warnings.filterwarnings("ignore", message=".*not writable")
            rows = torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
    if rows.ndim != 2 or not rows.numel():
        raise InputError(
            f"{name} has shape {tuple(rows.shape)}; give a matrix with one row of features per "
            "example, feature maps flattened"
        )
    return rows if rows.is_floating_point() else rows.double()
