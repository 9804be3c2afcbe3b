"""Checkpoints of a training run: one safetensors file each, written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from unskew.errors import InputError

KEPT = 2
"""Checkpoints that stay: should the newest be damaged, the one before it is there."""
_NAME = re.compile(r"step-(\d{6,})\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stood after `step` steps.

    ``tensors``: adapter, adversaries and optimisers. ``state``: what else it needs, as JSON.
    """

    step: int
    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one run in one folder."""

    def __init__(self, folder: Path, run: Mapping[str, Any]) -> None:
        """`run` says which run it is (settings, seed, data, model), as JSON can hold it."""
        self.folder = folder
        self._run = json.loads(json.dumps(run))

    def save(self, checkpoint: Checkpoint) -> None:
        """Write it, then remove all but the newest `KEPT`.

        Raises:
            InputError: the folder cannot be written, or the disk is full; what was there stays.
        """
        description = {"run": self._run, "step": checkpoint.step, "state": dict(checkpoint.state)}
        tensors = {k: v.detach().cpu().contiguous() for k, v in checkpoint.tensors.items()}
        content = to_bytes(tensors, {"description": json.dumps(description)})
        path = self.folder / f"step-{checkpoint.step:06d}.safetensors"
        temporary = path.with_suffix(".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            for old in self._files()[KEPT:]:
                old.unlink()
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise InputError(
                f"cannot save a checkpoint to {self.folder}: {error.strerror or error}; the last "
                "one is intact, so the same call goes on from there"
            ) from error

    def load(self) -> Checkpoint | None:
        """The newest that is whole; None if there is none at all.

        Raises:
            InputError: they are of another run, or all damaged.
        """
        files = self._files()
        for path in files:
            try:
                return self._read(path)
            except (SafetensorError, KeyError, ValueError, OSError) as error:
                if isinstance(error, InputError):
                    raise
                warnings.warn(f"checkpoint {path} is damaged ({error}): passed over", stacklevel=2)
        if files:
            raise InputError(
                f"every checkpoint in {self.folder} is damaged: remove the folder to start anew"
            )
        return None

    def clear(self) -> None:
        """Remove the checkpoints of any run; other files stay."""
        for path in self._files():
            path.unlink()

    def _files(self) -> list[Path]:
        """Newest first."""
        found = [p for p in self.folder.glob("step-*") if _NAME.fullmatch(p.name)]
        return sorted(found, key=lambda p: int(p.stem.removeprefix("step-")), reverse=True)

    def _read(self, path: Path) -> Checkpoint:
        with safe_open(path, framework="pt") as file:
            description = json.loads(file.metadata()["description"])
            self._check(description["run"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return Checkpoint(description["step"], tensors, description["state"])

    def _check(self, run: Mapping[str, Any]) -> None:
        for key in sorted({*run, *self._run}):
            if run.get(key) != self._run.get(key):
                raise InputError(
                    f"{self.folder} holds checkpoints of another run: its {key} is "
                    f"{run.get(key)!r:.60}, not {self._run.get(key)!r:.60}; choose another folder "
                    "or start anew without resuming"
                )


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """The state of an optimiser whose values are all tensors, by name."""
    state = optimizer.state_dict()["state"]
    return {f"{prefix}{i}.{k}": v for i, values in state.items() for k, v in values.items()}


def load_optimizer(
    optimizer: torch.optim.Optimizer, prefix: str, tensors: Mapping[str, Tensor]
) -> None:
    """The inverse of `optimizer_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix):
            index, key = name.removeprefix(prefix).split(".", 1)
            state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
