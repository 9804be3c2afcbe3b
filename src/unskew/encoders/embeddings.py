"""Embeddings a person brings along: one file with vectors and, per row, labels or a text.

| suffix | vectors | labels | texts |
|---|---|---|---|
| `.npz` | array `embeddings` (n, d) | one array of n strings per category | array `texts` |
| `.parquet` | list column `embedding` | one string column per category | column `text` |
| `.safetensors` | tensor `embeddings` (n, d) | metadata `labels`: JSON {category: [n strings]} | \
metadata `texts`: JSON [n strings] |

Vectors are L2-normalised on reading, as every embedding of unskew is. A row without a label in a
category has null there, or an empty string, which is how `.npz` has to say it. Vectors made with
the built-in model or images say so (`demonstration`), and so does what is made from them.
"""

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unskew.errors import InputError, NotFoundError

_DEMONSTRATION = "demonstration"


@dataclass(frozen=True)
class LabelledEmbeddings:
    """Unit vectors (n, d) float32 with a label per row and category, a text per row, or both."""

    embeddings: np.ndarray
    labels: dict[str, list[str | None]] = field(default_factory=dict)
    texts: list[str] | None = None
    name: str = ""
    demonstration: bool = False


def is_embeddings_file(name: Any) -> bool:
    """Whether `name` is the path of a file of embeddings.

    `.npz` and `.safetensors` are by their suffix; a `.parquet` file, which may as well hold
    images, is when it has a column `embedding`.
    """
    if not isinstance(name, str | os.PathLike):
        return False
    path = Path(name)
    if path.suffix.lower() != ".parquet":
        return path.suffix.lower() in _READERS
    if not path.is_file():
        return False
    from pyarrow import ArrowException, parquet

    try:
        return "embedding" in parquet.read_schema(path).names
    except ArrowException:
        return False


def load_embeddings(
    path: str | os.PathLike[str], categories: Sequence[str] | None = None
) -> LabelledEmbeddings:
    """Read and check a `.npz`, `.parquet` or `.safetensors` file of embeddings.

    `categories` names the labels to take; the others need not be strings then.

    Raises:
        NotFoundError: no such file.
        InputError: not such a file, vectors missing, NaN, zero or of unequal length, or labels
            of another length than the vectors; the message names file and row.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"there is no embeddings file {path}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path} is not an embeddings file: use {', '.join(_READERS)}")
    vectors, labels, texts, demonstration = reader(path)
    if categories is not None:
        labels = {c: v for c, v in labels.items() if c in categories}
    return _checked(vectors, labels, texts, str(path), demonstration)


def save_embeddings(
    path: str | os.PathLike[str],
    embeddings: np.ndarray,
    labels: Mapping[str, Sequence[str | None]] | None = None,
    texts: Sequence[str] | None = None,
    demonstration: bool = False,
) -> None:
    """Write vectors (n, d) and their labels or texts in the format of the path's suffix.

    Raises:
        InputError: an unknown suffix, or anything `load_embeddings` would refuse.
    """
    path = Path(path)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"cannot write embeddings to {path}: use {', '.join(_WRITERS)}")
    data = _checked(np.asarray(embeddings), dict(labels or {}), texts, str(path), demonstration)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        writer(partial, data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _checked(
    vectors: np.ndarray,
    labels: Mapping[str, Sequence[Any]],
    texts: Sequence[Any] | None,
    name: str,
    demonstration: bool,
) -> LabelledEmbeddings:
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or 0 in vectors.shape:
        raise InputError(
            f"{name}: embeddings must be a table of numbers (n, d), "
            f"got shape {vectors.shape} of {vectors.dtype}"
        )
    vectors = vectors.astype(np.float64)
    length = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(length).all():
        row = int(np.flatnonzero(~np.isfinite(length))[0])
        raise InputError(f"{name}: the embedding in row {row} has NaN or infinite values")
    if not (length > 0).all():
        row = int(np.flatnonzero(length == 0)[0])
        raise InputError(f"{name}: the embedding in row {row} is all zeros and has no direction")
    given = dict(labels) if texts is None else {**labels, "texts": texts}
    for category, values in given.items():
        if len(values) != len(vectors):
            raise InputError(
                f"{name}: {len(vectors)} embeddings but {len(values)} values of {category!r}"
            )
    columns = {
        category: [_label(value, row, category, name) for row, value in enumerate(values)]
        for category, values in labels.items()
    }
    lines = None if texts is None else [_string(t, i, "texts", name) for i, t in enumerate(texts)]
    unit = (vectors / length[:, None]).astype(np.float32)
    return LabelledEmbeddings(unit, columns, lines, name, demonstration)


def _label(value: Any, row: int, category: str, name: str) -> str | None:
    return None if value is None or value == "" else _string(value, row, category, name)


def _string(value: Any, row: int, what: str, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"{name}: row {row} of {what!r} is {value!r}, not a string: store labels as strings"
        )
    return str(value)


Content = tuple[np.ndarray, Mapping[str, Sequence[Any]], Sequence[Any] | None, bool]


def _read_npz(path: Path) -> Content:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        reason = (
            "it holds Python objects: store strings as a str array, not an object array"
            if "pickle" in str(error)
            else "it is damaged or not an npz archive"
        )
        raise InputError(f"cannot read {path}: {reason}") from error
    vectors = arrays.pop("embeddings", None)
    if vectors is None:
        raise InputError(f"{path} has no array 'embeddings', only {_listed(arrays)}")
    texts = arrays.pop("texts", None)
    demonstration = bool(np.any(arrays.pop(_DEMONSTRATION, False)))
    labels = {key: array.tolist() for key, array in arrays.items() if array.ndim == 1}
    if len(labels) < len(arrays):
        odd = next(key for key in arrays if key not in labels)
        raise InputError(f"{path}: array {odd!r} must hold one label per row (one dimension)")
    lines = None if texts is None else np.atleast_1d(texts).tolist()
    return vectors, labels, lines, demonstration


def _read_parquet(path: Path) -> Content:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"cannot read {path}: it is damaged or not a parquet file") from error
    if "embedding" not in table.column_names:
        raise InputError(f"{path} has no column 'embedding', only {_listed(table.column_names)}")
    column = table.column("embedding")
    kind = column.type
    if not (
        pyarrow.types.is_list(kind)
        or pyarrow.types.is_large_list(kind)
        or pyarrow.types.is_fixed_size_list(kind)
    ):
        raise InputError(f"{path}: column 'embedding' must hold lists of numbers, not {kind}")
    rows = column.to_pylist()
    for index, row in enumerate(rows):
        if row is None or len(row) != len(rows[0]) or None in row:
            raise InputError(
                f"{path}: the embedding in row {index} is missing, has gaps, or is not of the "
                f"{len(rows[0])} dimensions of row 0"
            )
    labels = {c: table.column(c).to_pylist() for c in table.column_names if c != "embedding"}
    texts = labels.pop("text", None)
    demonstration = _DEMONSTRATION.encode() in (table.schema.metadata or {})
    return np.array(rows), labels, texts, demonstration


def _read_safetensors(path: Path) -> Content:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            metadata = file.metadata() or {}
            vectors = file.get_tensor("embeddings") if "embeddings" in names else None
    except (SafetensorError, OSError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if vectors is None:
        raise InputError(f"{path} has no tensor 'embeddings', only {_listed(names)}")
    try:
        labels = json.loads(metadata.get("labels", "{}"))
        texts = json.loads(metadata.get("texts", "null"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: metadata 'labels' and 'texts' must be JSON ({error})") from error
    shape_ok = isinstance(labels, dict) and all(isinstance(v, list) for v in labels.values())
    if not shape_ok or not isinstance(texts, list | None):
        raise InputError(
            f"{path}: metadata 'labels' must be JSON {{category: [string, ...]}} and 'texts' "
            "[string, ...]"
        )
    return vectors, labels, texts, _DEMONSTRATION in metadata


def _write_npz(path: Path, data: LabelledEmbeddings) -> None:
    arrays: dict[str, Any] = {
        key: np.array([value or "" for value in values]) for key, values in data.labels.items()
    }
    if data.texts is not None:
        arrays["texts"] = np.array(data.texts)
    if data.demonstration:
        arrays[_DEMONSTRATION] = np.array(True)
    np.savez(path, embeddings=data.embeddings, **arrays)


def _write_parquet(path: Path, data: LabelledEmbeddings) -> None:
    import pyarrow
    from pyarrow import parquet

    flat = pyarrow.array(data.embeddings.reshape(-1))
    column = pyarrow.FixedSizeListArray.from_arrays(flat, data.embeddings.shape[1])
    columns: dict[str, Any] = {"embedding": column, **data.labels}
    if data.texts is not None:
        columns["text"] = data.texts
    metadata = {_DEMONSTRATION: "true"} if data.demonstration else {}
    parquet.write_table(pyarrow.table(columns, metadata=metadata), path)


def _write_safetensors(path: Path, data: LabelledEmbeddings) -> None:
    from safetensors.numpy import save_file

    metadata = {"labels": json.dumps(data.labels)}
    if data.texts is not None:
        metadata["texts"] = json.dumps(data.texts)
    if data.demonstration:
        metadata[_DEMONSTRATION] = "true"
    save_file({"embeddings": data.embeddings}, path, metadata=metadata)


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names) or "nothing"


_READERS = {".npz": _read_npz, ".parquet": _read_parquet, ".safetensors": _read_safetensors}
_WRITERS = {".npz": _write_npz, ".parquet": _write_parquet, ".safetensors": _write_safetensors}
