"""Adam with one second moment for a whole matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM, SECOND, TINY = 0.9, 0.99, 1e-12


class MatrixAdam(torch.optim.Optimizer):
    """Adam whose second moment is the mean square of a tensor's gradient: no entry's own.

    After Adam-mini (Zhang et al., arXiv 2406.16793). An update then keeps the direction of the
    gradient. What tells two subgroups apart is one direction of the embedding, and Adam's
    division, entry by entry, would turn the step away from it into others, where a linear probe
    finds the subgroup again.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, p.grad, group["lr"])

    def _update(self, p: Tensor, gradient: Tensor, lr: float) -> None:
        state: dict[str, Any] = self.state[p]
        if not state:
            state["mean"] = torch.zeros_like(p)
            state["square"] = torch.zeros((), device=p.device)
            state["step"] = torch.zeros(())
        state["step"] += 1
        t = float(state["step"])
        state["mean"].lerp_(gradient, 1 - MOMENTUM)
        state["square"].lerp_(gradient.float().pow(2).mean(), 1 - SECOND)
        scale = (state["square"] / (1 - SECOND**t)).sqrt() + TINY
        p.sub_(state["mean"] / scale, alpha=lr / (1 - MOMENTUM**t))
