"""Which items a training step sees, and their pixels or tokens in time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unskew.corpora import CaptionedSet, ImageSet
from unskew.encoders import DualEncoder
from unskew.encoders.image_run import WORKERS
from unskew.encoders.images import to_rgb
from unskew.encoders.pipeline import ordered_map
from unskew.encoders.tokens import tokenize

Inputs = dict[str, Tensor]


@dataclass(frozen=True)
class Shard:
    """The part of a step's batch that one forward of one process takes: item numbers."""

    labelled: np.ndarray
    general: np.ndarray


@dataclass(frozen=True)
class Sampler:
    """Batches without replacement within a pass over the data, a function of seed and step alone.

    A run that goes on after a stop therefore sees what it would have seen. Of every batch,
    ``labelled`` items come from the first kind and ``general`` from the second. ``shards``: the
    forwards that a batch is divided among.
    """

    sizes: tuple[int, int]
    labelled: int
    general: int
    shards: int
    seed: int

    def batch(self, step: int) -> list[Shard]:
        """The shards of a step, numbered from 0."""
        first = _drawn(self.sizes[0], self.labelled, step, (self.seed, 0))
        second = _drawn(self.sizes[1], self.general, step, (self.seed, 1))
        return [
            Shard(first[i :: self.shards], second[i :: self.shards]) for i in range(self.shards)
        ]


def _drawn(size: int, count: int, step: int, seed: tuple[int, int]) -> np.ndarray:
    """Items `step * count` to `(step + 1) * count` of one shuffled pass after the other."""
    places = np.arange(step * count, (step + 1) * count)
    orders = {
        epoch: np.random.default_rng((*seed, epoch)).permutation(size)
        for epoch in set((places // max(size, 1)).tolist())
    }
    found = [orders[place // size][place % size] for place in places.tolist()]
    return np.array(found, dtype=np.int64)


class Pictures:
    """Images by number, read and preprocessed as the encoder does it."""

    def __init__(self, encoder: DualEncoder, sets: Sequence[tuple[Any, np.ndarray]]) -> None:
        """`sets`: image sets and the rows of each that count."""
        self._processor = encoder.processor.image_processor
        columns = [(s.data.select_columns([s.image_column])[s.image_column], r) for s, r in sets]
        self._items = [(column, int(row)) for column, rows in columns for row in rows]

    def __len__(self) -> int:
        return len(self._items)

    def load(self, number: int) -> Inputs:
        """The inputs of the image tower for one image, a batch of one."""
        column, row = self._items[number]
        picture = to_rgb(column[row])
        return dict(self._processor(images=picture, return_tensors="pt"))

    def batches(self, numbers: Sequence[np.ndarray]) -> Generator[Inputs]:
        """The inputs of each batch of image numbers, made by threads ahead of their use."""
        flat = [int(n) for batch in numbers for n in batch]
        ahead = 3 * max((len(batch) for batch in numbers), default=1)
        loaded = ordered_map(lambda _, n: self.load(n), flat, WORKERS, ahead)
        for batch in numbers:
            parts = [next(loaded) for _ in batch]
            yield {name: torch.cat([p[name] for p in parts]) for name in parts[0]}


class Words:
    """Texts by number, tokenised as the encoder does it."""

    def __init__(self, encoder: DualEncoder, texts: Sequence[str]) -> None:
        self._tokenize: Callable[[list[str]], Mapping[str, Tensor]] = lambda some: tokenize(
            encoder.model, encoder.processor, some
        )
        self._texts = list(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def batches(self, numbers: Sequence[np.ndarray]) -> Generator[Inputs]:
        """The inputs of the text tower for each batch of text numbers."""
        for batch in numbers:
            yield dict(self._tokenize([self._texts[int(n)] for n in batch]))


def readable(encoder: DualEncoder, source: ImageSet | CaptionedSet, batch_size: int) -> np.ndarray:
    """The rows that have an embedding in `FittingData.preserve`; they come from the cache."""
    return encoder.embed_readable(source.images, batch_size).kept
