"""Image embeddings on disk, found again by content.

One folder per encoder fingerprint. Every process that computes something appends to a pair of
files of its own, so processes never write to the same file and nothing needs a lock: `*.vectors`
holds rows of float32, `*.keys` the 32-byte content key and an 8-byte checksum of each row. The
vectors of a batch are written before their keys, so whatever moment a process is killed at, a
key that can be read has its vector; and a row whose checksum fails (truncated, overwritten,
bad disk) is computed anew.
"""

import hashlib
import os
import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

KEY_BYTES = 32
_RECORD = np.dtype([("key", f"V{KEY_BYTES}"), ("checksum", "V8")])
_FLOAT = np.dtype("<f4")


def cache_folder() -> Path:
    """Where embeddings are kept: `UNSKEW_CACHE`, else `~/.cache/unskew`, in `embeddings/`."""
    root = os.environ.get("UNSKEW_CACHE") or Path.home() / ".cache" / "unskew"
    return Path(root) / "embeddings"


class EmbeddingCache:
    """The vectors of one encoder. Reading and writing never fail: at worst they do nothing."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim
        self._rows: dict[bytes, tuple[np.ndarray, int, bytes]] = {}
        self._file = folder / uuid.uuid4().hex
        self._writable = True
        for keys in sorted(folder.glob("*.keys")):
            self._index(keys)

    def get(self, key: bytes) -> np.ndarray | None:
        """The vector (dim,) kept under `key`, or None."""
        place = self._rows.get(key)
        if place is None:
            return None
        vectors, row, checksum = place
        vector = np.array(vectors[row])
        return vector if _checksum(key, vector) == checksum else None

    def add(self, keys: Iterable[bytes], vectors: np.ndarray) -> None:
        """Keep vectors (m, dim) under their keys, for good once this returns."""
        if not self._writable:
            return
        vectors = np.ascontiguousarray(vectors, dtype=_FLOAT)
        records = b"".join(
            key + _checksum(key, row) for key, row in zip(keys, vectors, strict=True)
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _append(self._file.with_suffix(".vectors"), vectors.tobytes())
            _append(self._file.with_suffix(".keys"), records)
        except OSError as error:
            self._writable = False
            warnings.warn(
                f"embeddings are not cached: cannot write to {self._folder} "
                f"({error.strerror or error}); set UNSKEW_CACHE to another folder",
                stacklevel=2,
            )

    def _index(self, keys: Path) -> None:
        try:
            content = keys.read_bytes()
            size = keys.with_suffix(".vectors").stat().st_size
            rows = min(len(content) // _RECORD.itemsize, size // (self._dim * _FLOAT.itemsize))
            if not rows:
                return
            vectors = np.memmap(
                keys.with_suffix(".vectors"), dtype=_FLOAT, mode="r", shape=(rows, self._dim)
            )
        except OSError:
            return  # as good as not there: another process may be clearing the folder
        records = np.frombuffer(content, dtype=_RECORD, count=rows)
        for row, record in enumerate(records):
            self._rows[record["key"].tobytes()] = (vectors, row, record["checksum"].tobytes())


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def _checksum(key: bytes, vector: np.ndarray) -> bytes:
    return hashlib.blake2b(key + vector.tobytes(), digest_size=8).digest()
