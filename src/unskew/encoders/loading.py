"""From a name to a model and its processor, with errors a person can act on."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from unskew.encoders.fetching import BUILT_IN, explained
from unskew.errors import InputError, NotFoundError

# transformers knows it as a dual encoder, though not in its list for zero-shot classification.
_ALSO = {"vision-text-dual-encoder"}
# Parameters of the training loss: an embedding does not pass through them.
_LOSS_ONLY = ("logit_scale", "logit_bias")


def load_model(name: str, dtype: torch.dtype, local: bool) -> tuple[Any, Any]:
    """Model and processor of a Hub id, a folder, or `unskew/mini`.

    safetensors files are preferred; a repository that has only a `.bin` (as some well-known
    CLIP checkpoints do) is read through torch's restricted unpickler, which builds tensors and
    runs nothing. Code that comes with a repository is never run. `local`: look at local files
    alone, as `fetching.only_local` says.

    Raises:
        NotFoundError: no such model, or one of its files is not there.
        InputError: it is not a dual encoder, or its weights do not fill it.
    """
    from unskew.encoders.mini import load_mini  # makes saved copies of it known to transformers

    if name == BUILT_IN:
        model: Any
        model, processor = load_mini()
        return model.to(dtype), processor
    with no_conversion_request(), only_errors_logged():
        check_dual_encoder(name, local)
        return _load_weights(name, dtype, local), _load_processor(name, local)


def check_dual_encoder(name: str, local: bool) -> None:
    """Before any weight is fetched."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES as ZERO_SHOT,
    )

    base = _adapter_base(name, local) or name
    if Path(base).is_dir() and not (Path(base) / "config.json").is_file():
        raise NotFoundError(f"{base} is a folder without a config.json, so it holds no model")
    with explained(base, "config.json"):
        config = AutoConfig.from_pretrained(base, local_files_only=local)
    if config.model_type not in ZERO_SHOT and config.model_type not in _ALSO:
        raise InputError(
            f"{name} is a {config.model_type} model, not a dual encoder: unskew needs an image "
            "and a text tower in one space, such as CLIP, SigLIP or ALIGN"
        )


def _adapter_base(name: str, local: bool) -> str | None:
    """The model a LoRA adapter was trained on, when `name` is an adapter."""
    from transformers.utils.peft_utils import find_adapter_config_file

    with explained(name, "adapter_config.json"):
        path = find_adapter_config_file(name, local_files_only=local)
    if path is None:
        return None
    try:
        base = json.loads(Path(path).read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError):
        base = None
    if not base:
        raise InputError(f"{path} does not name its base model (base_model_name_or_path)")
    return str(base)


def _load_weights(name: str, dtype: torch.dtype, local: bool) -> Any:
    from transformers import AutoModel

    with explained(name, "weights"):
        model, info = AutoModel.from_pretrained(
            name, dtype=dtype, output_loading_info=True, local_files_only=local
        )
    absent = sorted(k for k in info["missing_keys"] if not k.endswith(_LOSS_ONLY))
    if absent:
        raise InputError(
            f"the weights of {name} lack {len(absent)} parameters of {type(model).__name__} "
            f"({absent[0]}, ...), which would stay random: it is not a checkpoint of both towers"
        )
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise InputError(f"{name} ({type(model).__name__}) gives no image and text embeddings")
    return model


def _load_processor(name: str, local: bool) -> Any:
    from transformers import AutoProcessor

    with explained(name, "processor files (preprocessor_config.json, tokenizer.json)"):
        processor = AutoProcessor.from_pretrained(name, local_files_only=local)
    for part in ("image_processor", "tokenizer"):
        if getattr(processor, part, None) is None:
            raise NotFoundError(f"{name} comes without its {part.replace('_', ' ')} files")
    if len(processor.tokenizer) <= len(processor.tokenizer.all_special_ids):
        # What transformers makes up when there is no vocabulary: every word is unknown to it.
        raise NotFoundError(f"{name} comes without its tokenizer files")
    return processor


@contextmanager
def only_errors_logged() -> Iterator[None]:
    """What transformers warns of while loading is either checked here or of no consequence."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def no_conversion_request() -> Iterator[None]:
    """Stop transformers from asking a public service to open a pull request on `.bin` models."""
    variable = "DISABLE_SAFETENSORS_CONVERSION"
    before = os.environ.get(variable)
    os.environ[variable] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before
