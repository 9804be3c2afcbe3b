"""One pass over images: workers read and preprocess while the caller's thread embeds."""

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from operator import length_hint
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm.auto import tqdm

from unskew.encoders.images import UnreadableImageError, name_of, read_picture, undecoded
from unskew.encoders.pipeline import ordered_map
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.encoders.encoder import DualEncoder

# Measured on two cores, one worker is slower than two, and so is holding workers back while the
# forward runs; beyond eight, Python threads mostly wait for each other.
WORKERS = max(2, min(8, os.cpu_count() or 2))


@dataclass(frozen=True)
class Unreadable:
    """An item that gave no embedding: where it stood, what it is called, and why."""

    index: int
    name: str
    reason: str


@dataclass(frozen=True)
class Embedded:
    """Embeddings (m, d) of the readable items, their indices `kept` (m,), and the rest."""

    embeddings: np.ndarray
    kept: np.ndarray
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True)
class _Prepared:
    """What a worker made of one item: a vector, pixels, a repeated key, or a reason."""

    name: str
    key: bytes = b""
    vector: np.ndarray | None = None
    pixels: dict[str, torch.Tensor] | None = None
    reason: str | None = None


class ImageRun:
    """One call of `embed_images`: its queue, what it has found so far, and its result."""

    def __init__(self, encoder: "DualEncoder", batch_size: int, strict: bool) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {batch_size}")
        self._encoder = encoder
        self._cache = encoder._cache
        self._batch_size = batch_size
        self._strict = strict
        self._claimed: set[bytes] = set()
        self._claim = threading.Lock()
        self._first: dict[bytes, int] = {}
        self._repeats: list[tuple[int, _Prepared]] = []
        self._unreadable: list[Unreadable] = []
        self._reasons: dict[bytes, str] = {}
        self._batch: list[tuple[int, _Prepared]] = []
        self._rows = np.empty((0, encoder.dim), dtype=np.float32)

    def run(self, images: Iterable[Any]) -> Embedded:
        items = undecoded(images)
        total = length_hint(items)
        self._rows = np.empty((total, self._encoder.dim), dtype=np.float32)
        count = 0
        prepared = ordered_map(self._prepare, items, WORKERS, ahead=2 * self._batch_size)
        progress = tqdm(
            prepared, total=total or None, unit="image", disable=None, delay=2, leave=False
        )
        for index, item in enumerate(progress):
            self._take(index, item)
            count = index + 1
        self._embed_batch()
        return self._result(count)

    def _prepare(self, index: int, item: Any) -> _Prepared:
        """In a worker: read, look up, and preprocess what has to be computed."""
        name = name_of(item, index)
        key = b""
        try:
            picture = read_picture(item)
            key = picture.key
            with self._claim:
                if key in self._claimed:
                    return _Prepared(name, key)
                self._claimed.add(key)
            vector = self._cache.get(key)
            if vector is not None:
                return _Prepared(name, key, vector=vector)
            return _Prepared(name, key, pixels=self._encoder._preprocess(picture.rgb()))
        except UnreadableImageError as error:
            return _Prepared(name, key, reason=str(error))

    def _take(self, index: int, item: _Prepared) -> None:
        if item.reason is not None:
            self._reject(index, item.name, item.reason)
            self._reasons[item.key] = item.reason
        elif item.vector is not None:
            self._put(index, item.key, item.vector)
        elif item.pixels is None:
            self._repeats.append((index, item))
        else:
            self._batch.append((index, item))
            if len(self._batch) == self._batch_size:
                self._embed_batch()

    def _embed_batch(self) -> None:
        if not self._batch:
            return
        pixels = [item.pixels for _, item in self._batch if item.pixels is not None]
        stacked = {name: torch.cat([p[name] for p in pixels]) for name in pixels[0]}
        vectors = self._encoder._image_features(stacked)
        if vectors.shape[1] != self._encoder.dim:
            raise InputError(
                f"{self._encoder.name} gives images {vectors.shape[1]} dimensions and texts "
                f"{self._encoder.dim}: the two are not in one space"
            )
        self._cache.add([item.key for _, item in self._batch], vectors)
        for (index, item), vector in zip(self._batch, vectors, strict=True):
            self._put(index, item.key, vector)
        self._batch.clear()

    def _put(self, index: int, key: bytes, vector: np.ndarray) -> None:
        if index >= len(self._rows):  # the number of items was not known beforehand
            grown = np.empty((max(1024, 2 * index), self._rows.shape[1]), dtype=np.float32)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        self._rows[index] = vector
        self._first[key] = index

    def _reject(self, index: int, name: str, reason: str) -> None:
        if self._strict:
            raise InputError(
                f"image {name} (item {index}) cannot be read: {reason}; leave it out, or use "
                "embed_readable, which skips such images and lists them"
            )
        self._unreadable.append(Unreadable(index, name, reason))

    def _result(self, count: int) -> Embedded:
        for index, item in self._repeats:
            if item.key in self._reasons:
                self._reject(index, item.name, self._reasons[item.key])
            else:
                self._put(index, item.key, self._rows[self._first[item.key]])
        unreadable = tuple(sorted(self._unreadable, key=lambda u: u.index))
        kept = np.setdiff1d(np.arange(count), [u.index for u in unreadable])
        rows = self._rows[:count] if len(kept) == count else self._rows[kept]
        return Embedded(rows, kept, unreadable)
