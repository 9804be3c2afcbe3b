"""Texts to token tensors, padded and cut as each model family was trained."""

from typing import Any

import torch

# Trained on texts padded to a fixed length; the rest mask their padding, so any length will do.
_FIXED_LENGTH = ("siglip", "align")
_FIXED = 64
# Tokenizers without a known limit report a number near 1e30.
_NO_LIMIT = 1_000_000


def tokenize(model: Any, processor: Any, texts: list[str]) -> dict[str, torch.Tensor]:
    """Token tensors of `texts`, cut to the model's longest input."""
    limit = _longest(model, processor.tokenizer)
    fixed = model.config.model_type.startswith(_FIXED_LENGTH)
    batch = processor(
        text=texts,
        padding="max_length" if fixed else True,
        max_length=min(_FIXED, limit) if fixed else limit,
        truncation=True,
        return_tensors="pt",
    )
    return dict(batch)


def _longest(model: Any, tokenizer: Any) -> int:
    config = getattr(model.config, "text_config", model.config)
    positions = getattr(config, "max_position_embeddings", _NO_LIMIT)
    if "roberta" in config.model_type or config.model_type.startswith(("altclip", "xlm")):
        # These count positions from the padding index onwards.
        positions -= config.pad_token_id + 1
    return min(positions, tokenizer.model_max_length, _NO_LIMIT)
