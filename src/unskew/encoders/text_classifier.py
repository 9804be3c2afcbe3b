"""A text classifier of transformers, found and loaded as dual encoders are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unskew.encoders.fetching import explained, only_local
from unskew.encoders.loading import no_conversion_request, only_errors_logged
from unskew.errors import InputError, NotFoundError

BATCH = 16
# What tokenizers give as their limit where nobody has set one is astronomic; some models count
# their positions from 2.
_LONGEST, _SPARE = 512, 2


class TextClassifier:
    """A model whose outputs are labels of a text.

    Attributes:
        name: what the person typed to get it.
        labels: in the order of the columns that it gives.
        independent: every label has a probability of its own; otherwise they sum to 1.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        """Wrap a model and its tokenizer; `from_pretrained` finds them by name."""
        self.name = name
        config = model.config
        self.labels = tuple(str(config.id2label[i]) for i in range(config.num_labels))
        self.independent = (
            config.problem_type == "multi_label_classification" or len(self.labels) == 1
        )
        self._model, self._tokenizer = model.eval(), tokenizer
        positions = getattr(config, "max_position_embeddings", None) or _LONGEST
        self._longest = min(tokenizer.model_max_length, max(positions - _SPARE, 1))

    @classmethod
    def from_pretrained(cls, name: str) -> TextClassifier:
        """Load a folder or a Hub id, as `DualEncoder.from_pretrained` does: code that comes with a
        model is never run.

        Raises:
            NotFoundError: no such model, or a file of it is missing.
            InputError: it is no text classifier, or its weights do not fill it.
        """
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        local = only_local(name)
        with no_conversion_request(), only_errors_logged():
            _check(name, local)
            with explained(name, "weights"):
                model, info = AutoModelForSequenceClassification.from_pretrained(
                    name, dtype="float32", output_loading_info=True, local_files_only=local
                )
            absent = sorted(info["missing_keys"])
            if absent:
                raise InputError(
                    f"the weights of {name} lack {len(absent)} parameters of "
                    f"{type(model).__name__} ({absent[0]}, ...), which would stay random"
                )
            with explained(name, "tokenizer files"):
                tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local)
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise NotFoundError(f"{name} comes without its tokenizer files")
        return cls(model, tokenizer, name)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Of every label, float64 (n, labels); what a text has beyond the model's limit is cut.

        Raises:
            InputError: the model gives something that is not finite.
        """
        batch = BATCH if self._tokenizer.pad_token is not None else 1
        parts = [
            self._some(list(texts[start : start + batch])) for start in range(0, len(texts), batch)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)))

    def _some(self, texts: list[str]) -> np.ndarray:
        import torch

        tokens = self._tokenizer(
            texts,
            padding=len(texts) > 1,
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = self._model(**tokens).logits.double()
        if not bool(torch.isfinite(logits).all()):
            raise InputError(f"{self.name} gives a label a score that is not finite")
        found = logits.sigmoid() if self.independent else logits.softmax(dim=1)
        return np.asarray(found.numpy())


def _check(name: str, local: bool) -> None:
    """Before any weight is fetched."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as KNOWN,
    )

    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise NotFoundError(f"{name} is a folder without a config.json, so it holds no model")
    with explained(name, "config.json"):
        config = AutoConfig.from_pretrained(name, local_files_only=local)
    made = config.architectures or []
    if config.model_type not in KNOWN or not any("SequenceClassification" in a for a in made):
        raise InputError(
            f"{name} is a {config.model_type} model ({', '.join(made) or 'of no named kind'}), "
            "not a text classifier, which transformers knows as ...ForSequenceClassification"
        )
    if config.problem_type == "regression":
        raise InputError(f"{name} gives a number and no label: it is a regression")
