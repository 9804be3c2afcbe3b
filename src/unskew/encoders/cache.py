"""Embeddings of images and texts on disk, found again by content.

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
from collections.abc import Sequence
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
        self._places: dict[bytes, tuple[Path, int, bytes]] = {}
        self._file = folder / uuid.uuid4().hex
        self._written = 0
        self._writable = True
        # Newest last: what replaced a damaged row comes after it, and wins.
        for keys in sorted(folder.glob("*.keys"), key=_changed_at):
            self._index(keys)

    def get(self, key: bytes) -> np.ndarray | None:
        """The vector (dim,) kept under `key`, or None."""
        place = self._places.get(key)
        if place is None:
            return None
        path, row, checksum = place
        size = self._dim * _FLOAT.itemsize
        try:
            with path.open("rb") as file:
                file.seek(row * size)
                content = file.read(size)
        except OSError:
            return None  # as good as not there: someone is clearing the folder
        return np.frombuffer(content, _FLOAT) if _checksum(key, content) == checksum else None

    def add(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Keep vectors (m, dim) under their keys, for good once this returns."""
        if not self._writable:
            return
        rows = [vector.tobytes() for vector in vectors.astype(_FLOAT)]
        checksums = [_checksum(key, row) for key, row in zip(keys, rows, strict=True)]
        path = self._file.with_suffix(".vectors")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _append(path, b"".join(rows))
            _append(
                self._file.with_suffix(".keys"),
                b"".join(k + c for k, c in zip(keys, checksums, strict=True)),
            )
        except OSError as error:
            self._writable = False
            warnings.warn(
                f"embeddings are not cached: cannot write to {self._folder} "
                f"({error.strerror or error}); set UNSKEW_CACHE to another folder",
                stacklevel=2,
            )
            return
        for key, checksum in zip(keys, checksums, strict=True):
            self._places[key] = (path, self._written, checksum)
            self._written += 1

    def _index(self, keys: Path) -> None:
        vectors = keys.with_suffix(".vectors")
        try:
            content = keys.read_bytes()
        except OSError:
            return
        count = len(content) // _RECORD.itemsize
        for row, record in enumerate(np.frombuffer(content, _RECORD, count)):
            place = (vectors, row, record["checksum"].tobytes())
            self._places[record["key"].tobytes()] = place


class ReadOnly:
    """A cache that is asked and never added to: of people's own pictures nothing is kept."""

    def __init__(self, cache: "EmbeddingCache | ReadOnly") -> None:
        self._cache = cache

    def get(self, key: bytes) -> np.ndarray | None:
        """As the cache itself."""
        return self._cache.get(key)

    def add(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Keep nothing."""


def _changed_at(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def _checksum(key: bytes, vector: bytes) -> bytes:
    return hashlib.blake2b(key + vector, digest_size=8).digest()
