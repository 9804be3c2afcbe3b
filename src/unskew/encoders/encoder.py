"""`DualEncoder`: images and texts of any dual encoder of transformers, as unit vectors."""

import inspect
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import length_hint
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from unskew.encoders.cache import EmbeddingCache, cache_folder
from unskew.encoders.fingerprint import fingerprint
from unskew.encoders.images import (
    READING_VERSION,
    UnreadableImageError,
    name_of,
    read_picture,
    undecoded,
)
from unskew.encoders.loading import BUILT_IN, load_model
from unskew.encoders.pipeline import ordered_map
from unskew.encoders.tokens import tokenize
from unskew.errors import InputError

TEXT_BATCH = 64
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


class DualEncoder:
    """An image tower and a text tower in one space.

    Attributes:
        name: what the person typed to get it.
        fingerprint: changes when weights, preprocessing or tokenizer change.
        demonstration: True for the built-in model, whose results are no evidence about people.
        device: where the towers run.
    """

    def __init__(self, model: Any, processor: Any, name: str, demonstration: bool = False) -> None:
        """Wrap a transformers model and its processor; `from_pretrained` finds them by name."""
        self.name = name
        self.demonstration = demonstration
        self._model = model.eval()
        self._processor = processor
        self.fingerprint = fingerprint(model, processor, READING_VERSION)

    @classmethod
    def from_pretrained(
        cls,
        id_or_path: str | os.PathLike[str],
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
    ) -> "DualEncoder":
        """Load a Hub id, a local folder, or the built-in `unskew/mini`.

        Args:
            id_or_path: any model that transformers maps to zero-shot image classification, or a
                VisionTextDualEncoderModel, or a LoRA adapter of one.
            device: default the GPU if there is one, else the CPU.
            dtype: of the weights, default float32; embeddings are float32 in any case.

        Raises:
            NotFoundError: no such model, or a file of it is missing.
            InputError: not a dual encoder, damaged weights, or an unknown device or dtype.
        """
        name = os.fspath(id_or_path)
        place = _device(device)
        model, processor = load_model(name, _dtype(dtype))
        encoder = cls(model, processor, name, demonstration=name == BUILT_IN)
        encoder._model.to(place)
        return encoder

    @property
    def device(self) -> torch.device:
        return next(self._model.parameters()).device

    @cached_property
    def dim(self) -> int:
        return self.embed_texts(["a"]).shape[1]

    def embed_images(self, images: Iterable[Any], batch_size: int = 32) -> np.ndarray:
        """Unit vectors (n, d), float32, of images in any of the forms `images.to_rgb` takes.

        Raises:
            InputError: an image cannot be read; `embed_readable` leaves such images out.
        """
        return _ImageRun(self, batch_size, strict=True).run(images).embeddings

    def embed_readable(self, images: Iterable[Any], batch_size: int = 32) -> Embedded:
        """As `embed_images`, for the images that can be read; the others are listed."""
        return _ImageRun(self, batch_size, strict=False).run(images)

    def embed_texts(self, texts: Sequence[str], template: str | None = None) -> np.ndarray:
        """Unit vectors (n, d), float32; `template` has one "{}" that each text is put into.

        Raises:
            InputError: a text is no string, or the template has no or several "{}".
        """
        filled = fill_template(texts, template)
        unique = list(dict.fromkeys(filled))
        if not unique:
            return np.empty((0, self.dim), dtype=np.float32)
        parts = [
            self._text_features(unique[start : start + TEXT_BATCH])
            for start in range(0, len(unique), TEXT_BATCH)
        ]
        position = {text: i for i, text in enumerate(unique)}
        return np.concatenate(parts)[[position[text] for text in filled]]

    @cached_property
    def _cache(self) -> EmbeddingCache:
        return EmbeddingCache(cache_folder() / self.fingerprint, self.dim)

    def _preprocess(self, image: Any) -> dict[str, torch.Tensor]:
        return dict(self._processor.image_processor(images=image, return_tensors="pt"))

    def _image_features(self, batch: dict[str, torch.Tensor]) -> np.ndarray:
        return self._unit_features(self._model.get_image_features, batch)

    def _text_features(self, texts: list[str]) -> np.ndarray:
        batch = tokenize(self._model, self._processor, texts)
        return self._unit_features(self._model.get_text_features, batch)

    def _unit_features(self, tower: Any, batch: dict[str, torch.Tensor]) -> np.ndarray:
        accepted = inspect.signature(tower).parameters
        dtype = next(self._model.parameters()).dtype
        inputs = {
            name: value.to(self.device, dtype)
            if value.is_floating_point()
            else value.to(self.device)
            for name, value in batch.items()
            if name in accepted
        }
        with torch.inference_mode():
            output = tower(**inputs)
            features = (output if torch.is_tensor(output) else output.pooler_output).float()
            length = features.norm(dim=1, keepdim=True)
            if not bool((torch.isfinite(length) & (length > 0)).all()):
                raise InputError(
                    f"{self.name} gives an embedding that is zero or not finite: if it was "
                    "loaded in half precision, load it with dtype='float32'"
                )
            return (features / length).cpu().numpy()


def fill_template(texts: Sequence[str], template: str | None) -> list[str]:
    """Each text in the template's one "{}", or as it is.

    Raises:
        InputError: a text is no string, or the template has no or several "{}".
    """
    if isinstance(texts, str):
        raise InputError(f"expected a list of texts, got the single text {texts!r}")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {index} is a {type(text).__name__}, not a string: {text!r}")
    if template is None:
        return list(texts)
    if template.count("{}") != 1:
        raise InputError(f'template {template!r} must contain "{{}}" exactly once')
    return [template.replace("{}", text) for text in texts]


@dataclass(frozen=True)
class _Prepared:
    """What a worker made of one item: a vector, pixels, a repeated key, or a reason."""

    name: str
    key: bytes = b""
    vector: np.ndarray | None = None
    pixels: dict[str, torch.Tensor] | None = None
    reason: str | None = None


class _ImageRun:
    """One call of `embed_images`: workers read and preprocess while the caller's thread embeds."""

    def __init__(self, encoder: DualEncoder, batch_size: int, strict: bool) -> None:
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


def _device(device: str | torch.device | None) -> torch.device:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {device!r} cannot be used: {reason}") from error
    return place


def _dtype(dtype: str | torch.dtype | None) -> torch.dtype:
    if dtype is None:
        return torch.float32
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise InputError(f"dtype {dtype!r} is unknown: use 'float32', 'bfloat16' or 'float16'")
    return found
