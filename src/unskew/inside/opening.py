"""Models by name, and data sets as they want them: what `unskew cka` compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from unskew.corpora import load_images
from unskew.corpora.captioned import load_captioned
from unskew.encoders import DualEncoder
from unskew.encoders.encoder import _device
from unskew.encoders.fetching import BUILT_IN, explained, only_local
from unskew.encoders.images import UnreadableImageError, to_rgb
from unskew.encoders.tokens import tokenize
from unskew.errors import InputError
from unskew.inside.compare import layer_cka
from unskew.inside.result import LayerCka
from unskew.measures.gram import Estimator, Kernel

Tower = Literal["image", "text"]


@dataclass(frozen=True)
class Opened:
    """A model to look into, and what makes its input of images or texts."""

    name: str
    network: nn.Module
    prepare: Callable[[Sequence[Any]], dict[str, Tensor]]


def compare_named(
    model_a: str,
    model_b: str | None,
    data: str,
    *,
    tower: Tower = "image",
    layers: str | None = None,
    batch_size: int = 64,
    limit: int | None = None,
    split: str | None = None,
    device: str | None = None,
    kernel: Kernel = "linear",
    estimator: Estimator = "unbiased",
) -> LayerCka:
    """CKA between the layers of one model or two, each given its own preprocessing.

    Args:
        model_a, model_b: dual encoders, of which one tower is looked into, or classifiers.
        data: an image set; for text towers one with captions, of which the first is taken.
        limit: images taken, evenly spaced; all by default.
        kernel, estimator: see `layer_cka`.

    Raises:
        NotFoundError: there is no such model or data set.
        InputError: it cannot be looked into; an image cannot be read; a layer is not there.
    """
    if batch_size < 4:
        raise InputError(f"batch_size is {batch_size}; CKA needs at least 4 examples in a batch")
    opened = [open_model(name, tower, device) for name in (model_a, model_b) if name is not None]
    items = _items(data, tower, split, limit)
    first, *others = opened
    return layer_cka(
        first.network,
        _Loader(items, first, batch_size),
        others[0].network if others else None,
        loader_b=_Loader(items, others[0], batch_size) if others else None,
        layers=layers,
        kernel=kernel,
        estimator=estimator,
        name_a=first.name,
        name_b=others[0].name if others else "model B",
        progress=True,
    )


def open_model(name: str, tower: Tower = "image", device: str | None = None) -> Opened:
    """One tower of a dual encoder, or an image classifier. Raises as `compare_named` does."""
    if name != BUILT_IN and _is_classifier(name):
        if tower == "text":
            raise InputError(f"{name} classifies images: it has no text tower")
        return _classifier(name, device)
    encoder = DualEncoder.from_pretrained(name, device=device)
    part = "vision_model" if tower == "image" else "text_model"
    network = getattr(encoder.model, part, None)
    if not isinstance(network, nn.Module):
        raise InputError(f"{name} ({type(encoder.model).__name__}) has no {part} to look into")

    def prepare(items: Sequence[Any]) -> dict[str, Tensor]:
        if tower == "text":
            batch = tokenize(encoder.model, encoder.processor, list(items))
            return {n: batch[n] for n in ("input_ids", "attention_mask") if n in batch}
        return _pixels(encoder.processor.image_processor, items)

    return Opened(name, network, prepare)


class _Loader:
    """Batches of prepared items, read when asked for."""

    def __init__(self, items: Sequence[Any], model: Opened, batch_size: int) -> None:
        self._items = items
        self._model = model
        self._batch_size = batch_size

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for start in range(0, len(self._items), self._batch_size):
            rows = range(start, min(start + self._batch_size, len(self._items)))
            yield self._model.prepare([self._read(row) for row in rows])

    def _read(self, row: int) -> Any:
        item = self._items[row]
        if isinstance(item, str):
            return item
        try:
            return to_rgb(item)
        except UnreadableImageError as error:
            raise InputError(f"image {row} cannot be read: {error}; leave it out") from error


class _Taken(Sequence[Any]):
    """Some rows of a sequence, read one at a time."""

    def __init__(self, items: Sequence[Any], rows: np.ndarray) -> None:
        self._items, self._rows = items, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: Any) -> Any:
        return self._items[int(self._rows[at])]


def _items(data: str, tower: Tower, split: str | None, limit: int | None) -> Sequence[Any]:
    if limit is not None and limit < 4:
        raise InputError(f"limit is {limit}; CKA needs at least 4 examples")
    items: Sequence[Any]
    if tower == "text":
        items = [captions[0] for captions in load_captioned(data, split).captions]
    else:
        items = load_images(data, split, require_labels=False).images
    if limit is None or limit >= len(items):
        return items
    return _Taken(items, np.linspace(0, len(items) - 1, limit).round().astype(int))


def _is_classifier(name: str) -> bool:
    """Whether it is a folder whose config names an image classifier."""
    from transformers import PretrainedConfig

    if not (Path(name) / "config.json").is_file():
        return False
    with explained(name, "config.json"):
        config, _ = PretrainedConfig.get_config_dict(name)
    kinds = config.get("architectures") or []
    own = config.get("model_type") == "unskew-resnet"
    return own or any(kind.endswith("ForImageClassification") for kind in kinds)


def _classifier(name: str, device: str | None) -> Opened:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    place, local = _device(device), only_local(name)
    with explained(name, "weights"):
        network = AutoModelForImageClassification.from_pretrained(name, local_files_only=local)
    network = network.to(place).eval()
    if (Path(name) / "preprocessor_config.json").is_file():
        with explained(name, "preprocessor_config.json"):
            processor = AutoImageProcessor.from_pretrained(name, backend="pil")

        def prepare(images: Sequence[Any]) -> dict[str, Tensor]:
            return _pixels(processor, images)

    elif hasattr(network, "normalised"):

        def prepare(images: Sequence[Any]) -> dict[str, Tensor]:
            size = network.config.image_size
            arrays = np.stack([np.asarray(image.resize((size, size))) for image in images])
            pixels = torch.from_numpy(arrays).permute(0, 3, 1, 2).float() / 255
            return {"pixel_values": network.normalised(pixels.to(network.device))}

    else:
        raise InputError(f"{name} has no preprocessor_config.json, so its input is unknown")
    return Opened(name, network, prepare)


def _pixels(processor: Any, images: Sequence[Any]) -> dict[str, Tensor]:
    return {"pixel_values": processor(images=list(images), return_tensors="pt")["pixel_values"]}
