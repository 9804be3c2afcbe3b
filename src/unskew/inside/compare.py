"""CKA between all layers of one model, or of two, in one pass over the data."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from unskew.errors import InputError
from unskew.inside.batches import inputs_of, main_tensor, moved, paired
from unskew.inside.layers import Layers, Watch, choose_layers, first_tensor
from unskew.inside.result import LayerCka
from unskew.measures.gram import LEAST, Estimator, Kernel
from unskew.measures.minibatch import MinibatchCKA


class Side:
    """One model: its layers, and the Gram matrices of the batch at hand.

    Layers are the outputs of the first batch, in the order they came. What a later batch lacks,
    or has in addition, is dropped and named.
    """

    def __init__(self, key: Hashable, name: str, chosen: dict[str, nn.Module], sums: MinibatchCKA):
        self.name = name
        self.order: list[str] = []
        self.dropped: dict[str, str] = {}
        self._chosen = chosen
        self._key = key
        self._sums = sums
        self._grams: dict[str, Tensor] = {}
        self._n = 0

    def on_output(self, name: str, output: Any) -> None:
        """In the hook: a Gram matrix, or the reason why there is none."""
        if name in self.dropped:
            return
        tensor = first_tensor(output)
        if tensor is None:
            self.dropped[name] = f"it gives no tensor but a {type(output).__name__}"
        elif not tensor.is_floating_point():
            self.dropped[name] = f"it gives {tensor.dtype}, not features"
        elif tensor.ndim < 2 or len(tensor) != self._n or not tensor.numel():
            self.dropped[name] = (
                f"its output has shape {tuple(tensor.shape)}, which has no row for each of the "
                f"{self._n} examples of a batch"
            )
        else:
            self._grams[name] = self._sums.gram((self._key, name), tensor)

    def run(self, watch: Watch, inputs: Any, n: int) -> None:
        """One forward, with `on_output` called by the hooks."""
        self._grams.clear()
        self._n = n
        watch.run(inputs)

    def grams(self) -> list[Tensor]:
        """Of the batch, one per layer in `order`, a stand-in for what is missing."""
        if not self.order:
            self.order = list(self._grams)
            if not self.order:
                raise InputError(f"no layer of {self.name} gave features: {self._why()}")
        for name in self._grams.keys() - set(self.order):
            self.dropped[name] = "it did not run in every batch"
        for name in self.order:
            if name not in self._grams:
                self.dropped.setdefault(name, "it did not run in every batch")
        stand_in = next(iter(self._grams.values()), None)
        if stand_in is None:
            raise InputError(f"no layer of {self.name} gave features: {self._why()}")
        return [self._grams.get(name, stand_in) for name in self.order]

    def finish(self) -> None:
        """Name the layers that never ran."""
        seen = {*self.order, *self.dropped}
        for name in self._chosen:
            if name not in seen:
                self.dropped[name] = "it did not run"

    def _why(self) -> str:
        return "; ".join(f"{n}: {r}" for n, r in list(self.dropped.items())[:3]) or "none ran"


def layer_cka(
    model_a: nn.Module,
    loader: Iterable[Any],
    model_b: nn.Module | None = None,
    *,
    loader_b: Iterable[Any] | None = None,
    layers: Layers = None,
    layers_b: Layers = None,
    kernel: Kernel = "linear",
    estimator: Estimator = "unbiased",
    name_a: str = "model A",
    name_b: str = "model B",
    progress: bool = False,
) -> LayerCka:
    """Minibatch CKA between the layers of `model_a`, or between those of two models.

    The outputs of a layer are flattened to one row per example (feature maps and tokens are not
    pooled). Models run in evaluation mode, where they are, and are left as they were. Memory:
    one Gram matrix per layer of one batch, and sums of the size of the result.

    Args:
        loader: batches: a tensor, (input, labels) or a mapping of keywords. Both models see
            each batch, unless there is `loader_b`.
        loader_b: the same examples in the same order, prepared for `model_b`; labels and, where
            they are of one shape, inputs are compared.
        layers, layers_b: see `choose_layers`; `layers_b` is `layers` by default.
        kernel, estimator: see `unskew.measures.minibatch`.
        name_a, name_b: what result and messages call the models.
        progress: show a bar.

    Raises:
        InputError: a layer that is not there; loaders that disagree; no batch of at least 4.
    """
    if model_b is None and (loader_b is not None or layers_b is not None):
        raise InputError("loader_b and layers_b make no sense without model_b: leave them out")
    sums = MinibatchCKA(kernel, estimator)
    models = [(model_a, layers, name_a)]
    if model_b is not None:
        models.append((model_b, layers if layers_b is None else layers_b, name_b))
    sides, watches, small = [], [], []
    with ExitStack() as stack, torch.no_grad():  # what a model keeps must not be of inference
        for key, (model, wanted, name) in enumerate(models):
            chosen = choose_layers(model, wanted, name)
            side = Side(key, name, chosen, sums)
            sides.append(side)
            watches.append(stack.enter_context(Watch(model, chosen, side.on_output)))
        for number, batches in enumerate(_shown(_batches(loader, loader_b, len(sides)), progress)):
            given = [inputs_of(batch) for batch in batches]
            n = len(main_tensor(given[0]))
            if n < LEAST:
                small.append(f"batch {number} has {n} examples, and CKA needs {LEAST}")
                continue
            for side, watch, (model, *_), inputs in zip(sides, watches, models, given, strict=True):
                side.run(watch, moved(inputs, model), n)
            sums.add(*(side.grams() for side in sides))
    if not sums.n_batches:
        raise InputError(
            f"nothing to compute CKA from: {small[0] if small else 'the loader gave no batch'}"
        )
    for side in sides:
        side.finish()
    return _result(sums, sides, small)


def _batches(
    loader: Iterable[Any], loader_b: Iterable[Any] | None, models: int
) -> Iterator[tuple[Any, ...]]:
    if loader_b is not None:
        return paired(loader, loader_b)
    return ((batch,) * models for batch in loader)


def _shown(batches: Iterator[tuple[Any, ...]], progress: bool) -> Iterable[tuple[Any, ...]]:
    return tqdm(batches, unit="batch", disable=None, leave=False) if progress else batches


def _result(sums: MinibatchCKA, sides: list[Side], small: list[str]) -> LayerCka:
    found = sums.result()
    low, high = found.interval()
    a, b = sides[0], sides[-1]
    keep_a, keep_b = (
        [i for i, name in enumerate(side.order) if name not in side.dropped] for side in (a, b)
    )
    if not (keep_a and keep_b):
        raise InputError(f"no layer of {a.name} and {b.name} ran in every batch")

    def named(side: Side, kept: list[int], reasons: dict[int, str]) -> dict[str, str]:
        return {side.order[i]: reasons[i] for i in kept if i in reasons}

    def part(values: Any) -> Any:
        return values[keep_a][:, keep_b]

    return LayerCka(
        matrix=part(found.matrix),
        standard_error=part(found.standard_error),
        ci_low=part(low),
        ci_high=part(high),
        layers_a=tuple(a.order[i] for i in keep_a),
        layers_b=tuple(b.order[i] for i in keep_b),
        model_a=a.name,
        model_b=b.name,
        same_model=a is b,
        n_examples=found.n_examples,
        n_batches=found.n_batches,
        skipped_a=dict(a.dropped),
        skipped_b=dict(b.dropped),
        undefined_a=named(a, keep_a, found.reasons_a),
        undefined_b=named(b, keep_b, found.reasons_b),
        skipped_batches=tuple(small),
        kernel=sums.kernel,
        estimator=sums.estimator,
    )
