"""`DualEncoder`: images and texts of any dual encoder of transformers, as unit vectors."""

import inspect
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from unskew.encoders.cache import EmbeddingCache, cache_folder
from unskew.encoders.fingerprint import fingerprint
from unskew.encoders.image_run import Embedded, ImageRun
from unskew.encoders.images import READING_VERSION
from unskew.encoders.loading import load_model
from unskew.encoders.tokens import tokenize
from unskew.errors import InputError

TEXT_BATCH = 64


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
        demonstration = getattr(model.config, "demonstration", False)
        encoder = cls(model, processor, name, demonstration)
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
        return ImageRun(self, batch_size, strict=True).run(images).embeddings

    def embed_readable(self, images: Iterable[Any], batch_size: int = 32) -> Embedded:
        """As `embed_images`, for the images that can be read; the others are listed."""
        return ImageRun(self, batch_size, strict=False).run(images)

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
    texts = list(texts)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {index} is a {type(text).__name__}, not a string: {text!r}")
    if template is None:
        return texts
    if template.count("{}") != 1:
        raise InputError(f'template {template!r} must contain "{{}}" exactly once')
    return [template.replace("{}", text) for text in texts]


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
