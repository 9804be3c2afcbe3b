"""Small modules on top of frozen embeddings: what most debiasers fit, and all they save.

A head maps unit vectors (n, d) to vectors (n, d), which the encoder then brings to unit length. It
knows nothing of how it was fitted, so anyone can load a debiased encoder without its trainer.
"""

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from unskew.encoders.fingerprint import combined, weights_digest
from unskew.errors import InputError


class Head(nn.Module):
    """A map of unit vectors (n, d), float32, to vectors (n, d). `settings` rebuild its shape."""

    kind: ClassVar[str]

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of `from_settings`: sizes only, the values are the state dict."""
        raise NotImplementedError

    @classmethod
    def from_settings(cls, *args: Any, **settings: Any) -> "Head":
        """A head of that shape, its values not yet set."""
        raise NotImplementedError


class Affine(Head):
    """z -> W z + b: projections, whitening maps, dropped or overwritten dimensions."""

    kind = "affine"
    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Any, bias: Any = None) -> None:
        """`weight`: (d, d); `bias`: (d,), zero if left out. Arrays or tensors."""
        super().__init__()
        weight = torch.as_tensor(weight, dtype=torch.float32)
        zero = torch.zeros(len(weight))
        self.register_buffer("weight", weight)
        self.register_buffer("bias", zero if bias is None else torch.as_tensor(bias).float())

    def forward(self, z: Tensor) -> Tensor:
        """(n, d) -> (n, d)."""
        return z @ self.weight.T + self.bias

    def settings(self) -> dict[str, Any]:
        return {"dim": len(self.bias)}

    @classmethod
    def from_settings(cls, dim: int) -> "Affine":
        return cls(torch.empty(dim, dim))


class ResidualMLP(Head):
    """z -> z + outer(z + inner(z)), both made by `mlp`; no inner: z + outer(z).

    The module of joint vision-language debiasing (Zhang, Guo, Kankanhalli, arXiv 2411.12785):
    `outer` serves both modalities, `inner` images alone.
    """

    kind = "residual_mlp"

    def __init__(self, outer: nn.Sequential, inner: nn.Sequential | None = None) -> None:
        """Both as `mlp` makes them, and both rectified or neither."""
        super().__init__()
        self.outer = outer
        self.inner = inner

    def forward(self, z: Tensor) -> Tensor:
        """(n, d) -> (n, d)."""
        return z + self.outer(z if self.inner is None else z + self.inner(z))

    def settings(self) -> dict[str, Any]:
        widths = [None if mlp is None else mlp[0].out_features for mlp in (self.outer, self.inner)]
        return {
            "dim": self.outer[0].in_features,
            "outer": widths[0],
            "inner": widths[1],
            "rectified": isinstance(self.outer[-1], nn.ReLU),
        }

    @classmethod
    def from_settings(
        cls, dim: int, outer: int, inner: int | None, rectified: bool
    ) -> "ResidualMLP":
        within = None if inner is None else mlp(dim, inner, rectified)
        return cls(mlp(dim, outer, rectified), within)


def mlp(dim: int, hidden: int, rectified: bool = True) -> nn.Sequential:
    """ReLU(Linear(hidden, dim)(ReLU(Linear(dim, hidden)(x)))), as published: never negative.

    `rectified`: whether there is the last ReLU.
    """
    layers = [nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim)]
    return nn.Sequential(*layers, *([nn.ReLU()] if rectified else []))


class Rebalance(Head):
    """Shift weight from the part of z inside a subspace to the part outside it.

    z = a p + b q with unit p inside the span of the basis and q orthogonal to it becomes
    alpha p + sqrt(1 - alpha^2) q, where alpha is the point of equal relative loss of the two
    aims (arXiv 2603.12998): with E = a + (1 - b) / a,
    alpha = (E - b sqrt(E^2 - a^2)) / (E^2 + b^2). Of a unit vector 1 - b is a^2 / (1 + b), so
    E = a c with c = (2 + b) / (1 + b), which cancels nothing where a is small. A z wholly inside
    or outside stays.
    """

    kind = "rebalance"
    basis: Tensor
    tiny = 1e-6

    def __init__(self, basis: Any) -> None:
        """`basis`: (r, d), orthonormal rows."""
        super().__init__()
        self.register_buffer("basis", torch.as_tensor(basis).float())

    def forward(self, z: Tensor) -> Tensor:
        """(n, d) -> (n, d), unit vectors to unit vectors."""
        inside = (z @ self.basis.T) @ self.basis
        outside = z - inside
        a = inside.norm(dim=1, keepdim=True)
        b = outside.norm(dim=1, keepdim=True)
        mixed = (a > self.tiny) & (b > self.tiny)
        safe_a, safe_b = (torch.where(mixed, x, torch.ones_like(x)) for x in (a, b))
        c = (2 + safe_b) / (1 + safe_b)
        alpha = safe_a * (c - safe_b * (c**2 - 1).sqrt()) / (safe_a**2 * c**2 + safe_b**2)
        rest = (1 - alpha**2).clamp(min=0).sqrt()
        return torch.where(mixed, alpha * inside / safe_a + rest * outside / safe_b, z)

    def settings(self) -> dict[str, Any]:
        return {"rank": self.basis.shape[0], "dim": self.basis.shape[1]}

    @classmethod
    def from_settings(cls, rank: int, dim: int) -> "Rebalance":
        return cls(torch.empty(rank, dim))


KINDS: dict[str, type[Head]] = {c.kind: c for c in (Affine, ResidualMLP, Rebalance)}


@dataclass(frozen=True)
class Heads:
    """The head of each modality; None leaves that modality's embeddings as they are."""

    image: Head | None = None
    text: Head | None = None

    def present(self) -> dict[str, Head]:
        """The heads there are, by modality."""
        both = {"image": self.image, "text": self.text}
        return {modality: head for modality, head in both.items() if head is not None}

    def check(self, dim: int, base: str, name: str) -> None:
        """Raise InputError unless every head of `name` takes the `dim` dimensions of `base`."""
        for modality, head in self.present().items():
            size = head.settings()["dim"]
            if size != dim:
                raise InputError(
                    f"the {modality} head of {name} is for embeddings of {size} dimensions, but "
                    f"{base} has {dim}: it was made for another base model"
                )

    def frozen(self, device: torch.device) -> "Heads":
        """A copy for inference on a device, in float32: later changes of these do not reach it."""
        copies = {
            modality: copy.deepcopy(head).to(device, torch.float32).eval().requires_grad_(False)
            for modality, head in self.present().items()
        }
        return Heads(**copies)

    def digest(self) -> str:
        """32 hexadecimal digits over shapes and values."""
        parts = [
            f"{modality} {head.kind} {head.settings()} {weights_digest(head)}"
            for modality, head in self.present().items()
        ]
        return combined(*parts)
