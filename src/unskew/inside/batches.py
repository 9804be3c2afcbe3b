"""What a data loader gives: the model's input, the labels, and whether two loaders agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unskew.errors import InputError

_INPUTS = ("pixel_values", "input_ids", "input_values", "inputs", "images", "image", "x")
_LABELS = ("labels", "label", "targets", "target", "y")
_CLOSER = 1e-3
"""A correlation by which another example must fit better before the order is called wrong."""


def inputs_of(batch: Any) -> Any:
    """A tensor, or a mapping of tensors for models that take keywords, without its labels.

    A tuple or list is (input, labels, ...), as data loaders give.

    Raises:
        InputError: the batch is nothing of this kind.
    """
    if isinstance(batch, tuple | list) and batch:
        batch = batch[0]
    if isinstance(batch, Tensor):
        return batch
    if isinstance(batch, Mapping):
        given = {name: value for name, value in batch.items() if name not in _LABELS}
        if any(isinstance(value, Tensor) for value in given.values()):
            return given
    raise InputError(
        f"a batch is a {type(batch).__name__}; a loader must give tensors, (input, labels) or "
        "mappings of tensors"
    )


def main_tensor(inputs: Any) -> Tensor:
    """The tensor (n, ...) whose length is that of the batch."""
    if isinstance(inputs, Tensor):
        return inputs
    tensors = {name: value for name, value in inputs.items() if isinstance(value, Tensor)}
    known = next((name for name in _INPUTS if name in tensors), next(iter(tensors)))
    return tensors[known]


def labels_of(batch: Any) -> Tensor | None:
    """The labels (n,), if the batch has any."""
    labels = None
    if isinstance(batch, Mapping):
        labels = next((batch[name] for name in _LABELS if name in batch), None)
    elif isinstance(batch, tuple | list) and len(batch) > 1:
        labels = batch[1]
    return labels if isinstance(labels, Tensor) else None


def moved(inputs: Any, model: nn.Module) -> Any:
    """On the model's device, floating point in its precision."""
    first = next(iter(model.parameters()), None)
    if first is None:
        return inputs
    if isinstance(inputs, Tensor):
        return _move(inputs, first)
    return {n: _move(v, first) if isinstance(v, Tensor) else v for n, v in inputs.items()}


def _move(value: Tensor, like: Tensor) -> Tensor:
    if value.is_floating_point():
        return value.to(like.device, like.dtype)
    return value.to(like.device)


def paired(loader_a: Iterable[Any], loader_b: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Batches of both loaders side by side, checked to hold the same examples.

    Raises:
        InputError: one loader gives more batches or examples than the other, or another order.
    """
    end = object()
    others = iter(loader_b)
    count = 0
    for a in loader_a:
        b = next(others, end)
        if b is end:
            raise InputError(f"the second loader ended after {count} batches, before the first")
        _check_same(a, b, count)
        yield a, b
        count += 1
    if next(others, end) is not end:
        raise InputError(f"the first loader ended after {count} batches, before the second")


def _check_same(a: Any, b: Any, number: int) -> None:
    x, y = (main_tensor(inputs_of(batch)) for batch in (a, b))
    if len(x) != len(y):
        raise InputError(
            f"batch {number} has {len(x)} examples in the first loader and {len(y)} in the "
            "second: give both the same batch size"
        )
    labels_a, labels_b = labels_of(a), labels_of(b)
    if labels_a is not None and labels_b is not None:
        differ = labels_a.shape == labels_b.shape and not torch.equal(
            labels_a.cpu(), labels_b.cpu()
        )
    else:
        differ = False
    if differ or not _same_order(x, y):
        raise InputError(
            f"batch {number} holds other examples, or another order, in the second loader than in "
            "the first: give both the same examples in the same order, without shuffling"
        )


def _same_order(x: Tensor, y: Tensor) -> bool:
    """Whether each input of x is at least as like the input of y at its place as like any other.

    Inputs of one shape that were normalised in two ways pass, shuffled ones do not. Inputs of
    different shapes, and tokens, say nothing.
    """
    if x.shape != y.shape or not x.is_floating_point() or len(x) < 2:
        return True
    units = []
    for inputs in (x, y):
        rows = inputs.flatten(1).cpu().float()
        rows = rows - rows.mean(dim=0)
        units.append(rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12))
    like = units[0] @ units[1].T
    return bool((like.max(dim=1).values <= like.diagonal() + _CLOSER).all())
