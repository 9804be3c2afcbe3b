"""Adam with one second moment for a whole matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MOMENTUM, SECOND, TINY = 0.9, 0.99, 1e-12
INNER = 5.0
"""Learning rate of the inner factor beside the outer one's, see `lora_groups`."""


class MatrixAdam(torch.optim.Optimizer):
    """Adam whose second moment is the mean square of a tensor's gradient: no entry's own.

    After Adam-mini (Zhang et al., arXiv 2406.16793). An update then keeps the direction of the
    gradient. What tells two subgroups apart is one direction of the embedding, and Adam's
    division, entry by entry, would turn the step away from it into others, where a linear probe
    finds the subgroup again.
    """

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        """`groups`: as `lora_groups` makes them."""
        super().__init__(groups, {})

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


def lora_groups(model: Any, lr: float) -> list[dict[str, Any]]:
    """The trained parameters of a PEFT model, each matrix with the learning rate that suits it.

    A step of the outer factor (B) is relative to the mean length of the adapted layer's rows,
    which is how much it amplifies its inputs, and all layers of a tower together step as far as
    one would. A step of the inner factor (A) is relative to its first values, which shrink with
    the root of its inputs.
    """
    layers: dict[bool, list[Any]] = {True: [], False: []}
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            layers[".text_" in name].append(module)
    groups = []
    for tower in layers.values():
        for layer in tower:
            inner, outer = layer.lora_A["default"].weight, layer.lora_B["default"].weight
            rows = layer.get_base_layer().weight.detach().flatten(1).float().norm(dim=1).mean()
            groups += [
                {"params": [inner], "first_lr": lr * INNER / inner[0].numel() ** 0.5},
                {"params": [outer], "first_lr": lr * float(rows) / len(tower)},
            ]
    return [group | {"lr": group["first_lr"]} for group in groups]
