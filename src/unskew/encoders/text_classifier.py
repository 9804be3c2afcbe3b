"""A text classifier of transformers, found and loaded as dual encoders are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unskew.encoders.fetching import explained, only_local
from unskew.encoders.fingerprint import classifier_fingerprint
from unskew.encoders.loading import no_conversion_request, only_errors_logged
from unskew.errors import InputError, NotFoundError, first_sentence

BATCH = 16
# What tokenizers give as their limit where nobody has set one is astronomic; some models count
# their positions from 2.
_LONGEST, _SPARE = 512, 2
# Of two lengths: what a model cannot do shows before hours of work are done for it.
_TRIED = ("a text", "another text, which is longer")


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
        # Decoders look for the last word by the config's padding: without it, one text at a time.
        pad = getattr(config, "pad_token_id", None)
        padded = tokenizer.pad_token is not None and tokenizer.pad_token_id == pad
        self._batch = BATCH if padded else 1
        positions = getattr(config, "max_position_embeddings", None) or _LONGEST
        self._longest = min(tokenizer.model_max_length, max(positions - _SPARE, 1))

    @classmethod
    def from_pretrained(cls, name: str) -> TextClassifier:
        """Load a folder or a Hub id, as `DualEncoder.from_pretrained` does: code that comes with a
        model is never run.

        Raises:
            NotFoundError: no such model, or a file of it is missing.
            InputError: it is no text classifier, its weights do not fill it, or it cannot answer.
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
        _check_words(model, tokenizer, name)
        classifier = cls(model, tokenizer, name)
        try:
            classifier.probabilities(_TRIED)
        except InputError:
            raise
        except Exception as error:  # whatever code of a model raises
            why = first_sentence(error)
            raise InputError(f"{name} loads, but cannot classify a text: {why}") from error
        return classifier

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits: they change when what it says of a text would."""
        settings = {"longest": self._longest, "batch": self._batch}
        return classifier_fingerprint(self._model, self._tokenizer, settings)

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Of every label, float64 (n, labels); what a text has beyond the model's limit is cut.

        Raises:
            InputError: the model gives something that is not finite.
        """
        starts = range(0, len(texts), self._batch)
        parts = [self._some(list(texts[start : start + self._batch])) for start in starts]
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


def _check_words(model: Any, tokenizer: Any, name: str) -> None:
    """That every word of the tokenizer has an embedding."""
    try:
        rows = getattr(model.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:  # it embeds no words, but bytes or characters
        return
    highest = max(tokenizer.get_vocab().values())
    if rows is not None and highest >= rows:
        raise InputError(
            f"{name}: its tokenizer has words up to number {highest}, and the model embeddings of "
            f"{rows} words: they do not belong together"
        )


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
