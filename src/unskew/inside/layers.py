"""Which modules of a model are looked at, and their outputs caught while it runs."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from unskew.errors import InputError

Layers = str | Sequence[str | type[nn.Module]] | None
OnOutput = Callable[[str, Any], None]

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_SHOWN = 5


def choose_layers(model: nn.Module, layers: Layers, called: str) -> dict[str, nn.Module]:
    """Modules by name.

    Args:
        model: the model; its own output is that of its last part, and is left out.
        layers: None for every module but plain containers, whose output is that of their last
            module; a regular expression that the name must contain; or names and types.
        called: the model, in messages.

    Raises:
        InputError: no module has a name or type asked for; the nearest names are listed.
    """
    everything = dict(model.named_modules(remove_duplicate=False))
    everything.pop("", None)
    unique = {name: module for name, module in model.named_modules() if name}
    if layers is None:
        found = {n: m for n, m in unique.items() if not isinstance(m, _CONTAINERS)}
    elif isinstance(layers, str):
        found = {n: m for n, m in unique.items() if _pattern(layers).search(n)}
        if not found:
            raise InputError(
                f"no layer of {called} has a name that matches {layers!r}; "
                f"{_near(layers, everything)}"
            )
    else:
        found = {}
        for wanted in layers:
            found |= _named(wanted, everything, unique, called)
    if not found:
        raise InputError(f"{called} has no layers to look at")
    return found


def _named(
    wanted: str | type[nn.Module],
    everything: Mapping[str, nn.Module],
    unique: Mapping[str, nn.Module],
    called: str,
) -> dict[str, nn.Module]:
    if isinstance(wanted, type):
        found = {n: m for n, m in unique.items() if isinstance(m, wanted)}
        if not found:
            kinds = ", ".join(sorted({type(m).__name__ for m in unique.values()}))
            raise InputError(f"{called} has no layer of type {wanted.__name__}; it has {kinds}")
        return found
    if wanted not in everything:
        raise InputError(f"{called} has no layer {wanted!r}; {_near(wanted, everything)}")
    return {wanted: everything[wanted]}


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InputError(f"layers {text!r} is no regular expression: {error}") from error


def _near(name: str, known: Mapping[str, nn.Module]) -> str:
    near = difflib.get_close_matches(name, known, n=_SHOWN, cutoff=0.4)
    if near:
        return f"near it are {', '.join(near)}"
    return f"its layers are {', '.join(list(known)[:_SHOWN])}, ..."


class Watch:
    """Hands every output of the layers to `on_output`, at once, while the model runs.

    At once, since a later in-place module may overwrite it. A module that runs several times in
    one forward gives `name`, `name#2` and so on. As a context manager it puts the model in
    evaluation mode and, whatever happens, takes its hooks off and gives each module its mode back.
    """

    def __init__(self, model: nn.Module, layers: Mapping[str, nn.Module], on_output: OnOutput):
        self._model = model
        self._layers = layers
        self._on_output = on_output
        self._handles: list[Any] = []
        self._modes: dict[nn.Module, bool] = {}
        self._times: Counter[str] = Counter()
        self._running = False

    def __enter__(self) -> Watch:
        self._modes = {module: module.training for module in self._model.modules()}
        self._model.eval()
        for name, module in self._layers.items():
            self._handles.append(module.register_forward_hook(self._hook(name)))
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        for module, training in self._modes.items():
            module.training = training

    def run(self, inputs: Any) -> None:
        """One forward: a mapping is given as keywords."""
        self._times.clear()
        self._running = True  # the two models may share modules: each watches its own forward
        try:
            if isinstance(inputs, Mapping):
                self._model(**inputs)
            else:
                self._model(inputs)
        finally:
            self._running = False

    def _hook(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if self._running:
                self._times[name] += 1
                times = self._times[name]
                self._on_output(name if times == 1 else f"{name}#{times}", output)

        return hook


def first_tensor(output: Any) -> Tensor | None:
    """The tensor that a layer's output stands for, in a tuple or a ModelOutput its first."""
    if isinstance(output, Tensor):
        return output
    parts: Sequence[Any] = ()
    if isinstance(output, Mapping):
        preferred = output.get("last_hidden_state")
        parts = [*output.values()] if preferred is None else [preferred]
    elif isinstance(output, tuple | list):
        parts = output
    found = (first_tensor(part) for part in parts)
    return next((tensor for tensor in found if tensor is not None), None)
