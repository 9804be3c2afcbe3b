"""`DualEncoder`: images and texts of any dual encoder of transformers, as unit vectors."""

import hashlib
import inspect
import os
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from unskew.encoders.cache import EmbeddingCache, ReadOnly, cache_folder
from unskew.encoders.debiaser import PRECISIONS, Debiaser, dtype_name
from unskew.encoders.fetching import only_local
from unskew.encoders.fingerprint import combined, fingerprint, weights_digest
from unskew.encoders.folder import find_description, has_towers, load
from unskew.encoders.heads import Heads
from unskew.encoders.image_run import Embedded, ImageRun
from unskew.encoders.images import READING_VERSION
from unskew.encoders.loading import load_model
from unskew.encoders.tokens import tokenize
from unskew.errors import InputError, NotFoundError

TEXT_BATCH = 64
HEAD_BATCH = 4096


class DualEncoder:
    """An image tower and a text tower in one space.

    Attributes:
        name: what the person typed to get it.
        fingerprint: changes when weights, preprocessing or tokenizer change.
        demonstration: True for the built-in model, whose results are no evidence about people.
        device: where the towers run.
        model, processor: the towers, as transformers knows them. Training that changes them works
            on a copy: fingerprint and cache are those of the weights at the beginning.
        weights: digest of the towers' weights alone, which no upgrade of a library changes.
        heads: what embeddings pass through after the towers, in this order.
        base: the encoder this one was debiased from, if it was.
    """

    def __init__(self, model: Any, processor: Any, name: str, demonstration: bool = False) -> None:
        """Wrap a transformers model and its processor; `from_pretrained` finds them by name."""
        self.name = name
        self.demonstration = demonstration
        self.model = model.eval()
        self.processor = processor
        self.weights = weights_digest(model)
        self._towers = fingerprint(model, processor, self.weights, READING_VERSION)
        self.fingerprint = self._towers
        self.heads: tuple[Heads, ...] = ()
        self.base: DualEncoder | None = None

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
                VisionTextDualEncoderModel, or a LoRA adapter of one, or a saved `Debiaser`.
            device: default the GPU if there is one, else the CPU.
            dtype: of the weights, default float32; embeddings are float32 in any case.

        Raises:
            NotFoundError: no such model, or a file of it is missing.
            InputError: not a dual encoder, damaged weights, a debiaser of another base model, or
                an unknown device or dtype.
        """
        name = os.fspath(id_or_path)
        place, precision = _device(device), _dtype(dtype)
        local = only_local(name)
        if find_description(name, local) is not None:
            return _debiased(load(name, local), name, place, precision)
        encoder = _plain(name, precision, local)
        encoder.model.to(place)
        return encoder

    def with_heads(self, heads: Heads, name: str) -> "DualEncoder":
        """This encoder with heads on top of it; towers and cached images are shared.

        Raises:
            InputError: a head is of another dimension than the embeddings.
        """
        heads.check(self.dim, self.name, name)
        _ = self._cache  # made now, so that the copy has the same one
        derived = copy(self)
        derived.name = name
        derived.base = self
        if heads.present():
            heads = heads.frozen(self.device)
            derived.heads = (*self.heads, heads)
            derived.fingerprint = combined(self.fingerprint, heads.digest())
        return derived

    def forgetful(self) -> "DualEncoder":
        """This encoder, keeping on disk nothing of what it embeds: for pictures of visitors."""
        derived = copy(self)
        derived._cache = ReadOnly(self._cache)
        return derived

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Of the towers' weights."""
        return next(self.model.parameters()).dtype

    @cached_property
    def dim(self) -> int:
        return self._text_features(["a"]).shape[1]

    def embed_images(self, images: Iterable[Any], batch_size: int = 32) -> np.ndarray:
        """Unit vectors (n, d), float32, of images in any of the forms `images.to_rgb` takes.

        Raises:
            InputError: an image cannot be read; `embed_readable` leaves such images out.
        """
        found = ImageRun(self, batch_size, strict=True).run(images)
        return self._headed("image", found.embeddings)

    def embed_readable(self, images: Iterable[Any], batch_size: int = 32) -> Embedded:
        """As `embed_images`, for the images that can be read; the others are listed."""
        found = ImageRun(self, batch_size, strict=False).run(images)
        return replace(found, embeddings=self._headed("image", found.embeddings))

    def embed_texts(self, texts: Sequence[str], template: str | None = None) -> np.ndarray:
        """Unit vectors (n, d), float32; `template` has one "{}" that each text is put into.

        Raises:
            InputError: a text is no string, or the template has no or several "{}".
        """
        filled = fill_template(texts, template)
        unique = list(dict.fromkeys(filled))
        if not unique:
            return np.empty((0, self.dim), dtype=np.float32)
        position = {text: i for i, text in enumerate(unique)}
        headed = self._headed("text", self._text_vectors(unique))
        return headed[[position[text] for text in filled]]

    @cached_property
    def _cache(self) -> EmbeddingCache | ReadOnly:
        return EmbeddingCache(cache_folder() / self._towers, self.dim)

    def _preprocess(self, image: Any) -> dict[str, torch.Tensor]:
        return dict(self.processor.image_processor(images=image, return_tensors="pt"))

    def _image_features(self, batch: dict[str, torch.Tensor]) -> np.ndarray:
        return self._unit_features(self.model.get_image_features, batch)

    def _text_features(self, texts: list[str]) -> np.ndarray:
        batch = tokenize(self.model, self.processor, texts)
        return self._unit_features(self.model.get_text_features, batch)

    def _text_vectors(self, texts: list[str]) -> np.ndarray:
        """Unit vectors of the towers (n, d), from the cache where they are in it."""
        keys = [
            hashlib.sha256(b"text " + text.encode("utf-8", "surrogatepass")).digest()
            for text in texts
        ]
        found = [self._cache.get(key) for key in keys]
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        missing = []
        for row, vector in enumerate(found):
            if vector is None:
                missing.append(row)
            else:
                vectors[row] = vector
        for start in range(0, len(missing), TEXT_BATCH):
            rows = missing[start : start + TEXT_BATCH]
            vectors[rows] = self._text_features([texts[row] for row in rows])
            self._cache.add([keys[row] for row in rows], vectors[rows])
        return vectors

    def _unit_features(self, tower: Any, batch: dict[str, torch.Tensor]) -> np.ndarray:
        accepted = inspect.signature(tower).parameters
        inputs = {
            name: value.to(self.device, self.dtype)
            if value.is_floating_point()
            else value.to(self.device)
            for name, value in batch.items()
            if name in accepted
        }
        with torch.inference_mode():
            output = tower(**inputs)
            features = output if torch.is_tensor(output) else output.pooler_output
            return self._unit(
                features, ": if it was loaded in half precision, load it with dtype='float32'"
            )

    def _headed(self, modality: str, embeddings: np.ndarray) -> np.ndarray:
        """Unit vectors (n, d) of the towers, through the heads."""
        for head in (getattr(heads, modality) for heads in self.heads):
            if head is None:
                continue
            out = np.empty_like(embeddings)
            for start in range(0, len(out), HEAD_BATCH):
                rows = slice(start, start + HEAD_BATCH)
                with torch.inference_mode():
                    features = head(torch.from_numpy(embeddings[rows]).to(self.device))
                    out[rows] = self._unit(features, f" after its {modality} head: fit that anew")
            embeddings = out
        return embeddings

    def _unit(self, features: torch.Tensor, what_to_do: str) -> np.ndarray:
        features = features.float()
        length = features.norm(dim=1, keepdim=True)
        if not bool((torch.isfinite(length) & (length > 0)).all()):
            raise InputError(
                f"{self.name} gives an embedding that is zero or not finite{what_to_do}"
            )
        return (features / length).cpu().numpy()


def _plain(name: str, dtype: torch.dtype, local: bool) -> DualEncoder:
    model, processor = load_model(name, dtype, local)
    return DualEncoder(model, processor, name, getattr(model.config, "demonstration", False))


def _debiased(
    debiaser: Debiaser, name: str, device: torch.device, dtype: torch.dtype
) -> DualEncoder:
    """What `debiaser`, found under `name`, makes of the base model it names."""
    try:
        local = only_local(debiaser.base)
        description = find_description(debiaser.base, local)
        if description is not None and not has_towers(description):
            raise InputError(f"{debiaser.base} is debiased itself, and debiasers do not stack")
        # In the precision it was fitted on, so that the weights can be compared.
        base = _plain(debiaser.base, getattr(torch, debiaser.base_dtype), local)
    except (InputError, NotFoundError) as error:
        raise type(error)(
            f"the base model of {name} cannot be loaded under the name it had then: {error}"
        ) from error
    debiaser.check(base, name)
    if base.dtype != dtype:
        base = DualEncoder(base.model.to(dtype), base.processor, base.name, base.demonstration)
    base.model.to(device)
    return debiaser.derived(base, name)


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
    if not isinstance(found, torch.dtype) or dtype_name(found) not in PRECISIONS:
        raise InputError(f"weights cannot be in dtype {dtype!r}: use {', '.join(PRECISIONS)}")
    return found
