"""The checkpoint of a training run: one safetensors file, replaced whole after every epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from unskew.errors import InputError

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood after an epoch.

    ``tensors``: network, its best weights, optimiser, strategy. ``state``: the rest, as JSON.
    """

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]


class CheckpointFile:
    """The checkpoint of one run in its folder."""

    def __init__(self, folder: Path, run: Mapping[str, Any]) -> None:
        """`run` says which run it is (settings, seed, data, network), as JSON can hold it.

        Raises:
            InputError: the folder cannot be made.
        """
        self.path = folder / FILE
        self._run = json.loads(json.dumps(run))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot save checkpoints to {folder}: {error.strerror or error}"
            ) from error

    def save(self, checkpoint: Checkpoint) -> None:
        """Put it in place of the one before.

        Raises:
            InputError: the folder cannot be written, or the disk is full; what was there stays.
        """
        description = json.dumps({"run": self._run, "state": dict(checkpoint.state)})
        tensors = {
            # A copy each: safetensors refuses tensors that share memory.
            k: v.detach().cpu().clone(memory_format=torch.contiguous_format)
            for k, v in checkpoint.tensors.items()
        }
        temporary = self.path.with_suffix(".partial")
        try:
            with temporary.open("wb") as file:
                file.write(to_bytes(tensors, {"description": description}))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            with suppress(OSError):  # the error that matters is the first
                temporary.unlink()
            raise InputError(
                f"cannot save a checkpoint to {self.path.parent}: {error.strerror or error}; what "
                "was saved before is intact, so the same call goes on from there"
            ) from error

    def load(self) -> Checkpoint | None:
        """What was saved last; None if nothing was.

        Raises:
            InputError: it is of another run, or damaged.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                description = json.loads(file.metadata()["description"])
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            run, state = description["run"], description["state"]
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(
                f"{self.path} is damaged ({error}): remove it to start anew"
            ) from error
        for key in sorted({*run, *self._run}):
            if run.get(key) != self._run.get(key):
                raise InputError(
                    f"{self.path.parent} holds another run: its {key} is {run.get(key)!r:.60}, not "
                    f"{self._run.get(key)!r:.60}; choose another folder, or remove it"
                )
        return Checkpoint(tensors, state)


def prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under names that begin with the prefix and a dot."""
    return {f"{prefix}.{name}": value for name, value in values.items()}


def under(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `prefixed`, which passes over all other names."""
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimiser whose values are all tensors, by name."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{k}": v for i, values in state.items() for k, v in values.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `optimizer_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
