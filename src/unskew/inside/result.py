"""What a comparison of layers gives, on disk as JSON."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unskew.errors import InputError, NotFoundError
from unskew.inside.depth import BlockStructure, block_structure, progressive_dissimilarity
from unskew.measures.gram import Estimator, Kernel

Floats = NDArray[np.float64]

SCHEMA = 1
_ARRAYS = ("matrix", "standard_error", "ci_low", "ci_high")


@dataclass(frozen=True, eq=False)
class LayerCka:
    """CKA between the layers of two models, or of one with itself."""

    matrix: Floats
    """(L1, L2), rows and columns in the order in which the layers run; NaN where undefined."""
    standard_error: Floats
    """(L1, L2), over batches; NaN for a single batch."""
    ci_low: Floats
    """Ends of the 95 % interval over batches (L1, L2)."""
    ci_high: Floats
    layers_a: tuple[str, ...]
    """Names of the rows; the second output of a module that runs several times is `name#2`."""
    layers_b: tuple[str, ...]
    model_a: str
    model_b: str
    same_model: bool
    n_examples: int
    n_batches: int
    skipped_a: Mapping[str, str]
    """Layers that have no row, and why: they did not run, or give nothing per example."""
    skipped_b: Mapping[str, str]
    undefined_a: Mapping[str, str]
    """Layers whose row is NaN, and why."""
    undefined_b: Mapping[str, str]
    skipped_batches: tuple[str, ...]
    """Batches that were too small."""
    kernel: Kernel
    estimator: Estimator

    @property
    def progressive_dissimilarity(self) -> float:
        """See `unskew.inside.depth`."""
        return progressive_dissimilarity(self.matrix, self.layers_a == self.layers_b)

    @property
    def block_structure(self) -> BlockStructure:
        """See `unskew.inside.depth`; undefined between two models."""
        if not self.same_model or self.layers_a != self.layers_b:
            reason = "a block is a range of layers of one model, and two were compared"
            return BlockStructure(math.nan, None, None, reason)
        return block_structure(self.matrix)

    def summary(self) -> list[str]:
        """Both indices and what is missing, a line each."""
        rows, columns = self.matrix.shape
        block = self.block_structure
        lines = [
            f"CKA of {rows} by {columns} layers, {self.n_examples} examples in "
            f"{self.n_batches} batch{'' if self.n_batches == 1 else 'es'}",
            f"progressive dissimilarity {self.progressive_dissimilarity:.3f} (1: the farther "
            "apart in depth, the less similar)",
        ]
        if block.reason:
            lines.append(f"block structure undefined: {block.reason}")
        elif block.first is None or block.last is None:
            lines.append("block structure 0.000: no range of layers is alike throughout")
        else:
            lines.append(
                f"block structure {block.share:.3f} of the layers, from "
                f"{self.layers_a[block.first]} to {self.layers_a[block.last]}"
            )
        sides = [(self.model_a, self.skipped_a, self.undefined_a)]
        if not self.same_model:
            sides.append((self.model_b, self.skipped_b, self.undefined_b))
        for model, skipped, undefined in sides:
            for what, layers in (("left out", skipped), ("undefined", undefined)):
                lines += [f"{what}: {name} of {model}: {why}" for name, why in layers.items()]
        return lines + [f"left out: {batch}" for batch in self.skipped_batches]

    def save(self, path: str | Path) -> Path:
        """Write JSON, with both indices, under a temporary name and move it into place.

        Raises InputError where the file cannot be written.
        """
        content = {"schema": SCHEMA} | {f.name: getattr(self, f.name) for f in fields(self)}
        content["progressive_dissimilarity"] = self.progressive_dissimilarity
        content["block_structure"] = asdict(self.block_structure)
        text = json.dumps(_plain(content), indent=1, allow_nan=False)
        return _write(Path(path), lambda file: file.write_text(text, encoding="utf-8"))

    @classmethod
    def load(cls, path: str | Path) -> LayerCka:
        """What `save` wrote.

        Raises:
            NotFoundError: there is no such file.
            InputError: it is not such a file.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            given = {f.name: content[f.name] for f in fields(cls)}
            schema = content["schema"]
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {path}") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is no CKA result that unskew wrote: {error}") from error
        if schema != SCHEMA:
            raise InputError(f"{path} is of schema {schema}; this unskew reads {SCHEMA}")
        for name in _ARRAYS:
            given[name] = np.array(given[name], dtype=np.float64)
        for name in ("layers_a", "layers_b", "skipped_batches"):
            given[name] = tuple(given[name])
        return cls(**given)

    def heatmap(self, path: str | Path) -> Path:
        """Draw a PNG, the first layers at the bottom left.

        Raises InputError where the file cannot be written.
        """
        from unskew.inside.heatmap import draw

        return _write(Path(path), lambda file: draw(self, file))


def _write(path: Path, write: Callable[[Path], Any]) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unskew-") as folder:
            temporary = Path(folder, path.name)
            write(temporary)
            os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
