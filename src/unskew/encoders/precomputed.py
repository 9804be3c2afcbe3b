"""Text embeddings from a file in the place of a text tower, so an audit needs no model."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from unskew.encoders.embeddings import LabelledEmbeddings
from unskew.encoders.encoder import fill_template
from unskew.errors import InputError


class PrecomputedEncoder:
    """Answers `embed_texts` by looking texts up; shaped like a DualEncoder without images."""

    def __init__(self, texts: LabelledEmbeddings) -> None:
        """Take the `texts` of a file of embeddings.

        Raises:
            InputError: it has no texts, or the same text twice with different vectors.
        """
        if texts.texts is None:
            raise InputError(f"{texts.name} has no texts (see load_embeddings for where they go)")
        self.name = texts.name
        self.demonstration = texts.demonstration
        self.dim = texts.embeddings.shape[1]
        self.fingerprint = _digest(texts.embeddings, texts.texts)
        self._embeddings = texts.embeddings
        self._row: dict[str, int] = {}
        for row, text in enumerate(texts.texts):
            first = self._row.setdefault(text, row)
            if not np.array_equal(self._embeddings[first], self._embeddings[row]):
                raise InputError(
                    f"{self.name}: rows {first} and {row} give the text {text!r} two different "
                    "embeddings"
                )

    def embed_readable(self, images: Iterable[Any], batch_size: int = 32) -> NoReturn:
        """There is no image tower here: InputError, always."""
        raise InputError(
            f"{self.name} holds embeddings of texts and cannot embed images: give the images as "
            "a file of embeddings too (`unskew embed` writes both), or name a model"
        )

    def embed_texts(self, texts: Sequence[str], template: str | None = None) -> np.ndarray:
        """Unit vectors (n, d), float32, of the texts put into the template.

        Raises:
            InputError: a text is not in the file; the message names the first and counts them.
        """
        filled = fill_template(texts, template)
        missing = [text for text in dict.fromkeys(filled) if text not in self._row]
        if missing:
            raise InputError(
                f"{self.name} has no embedding of {missing[0]!r} ({len(missing)} of "
                f"{len(set(filled))} texts are missing): add them to the file"
            )
        return self._embeddings[[self._row[text] for text in filled]]


def _digest(embeddings: np.ndarray, texts: list[str]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(embeddings).tobytes())
    digest.update("\0".join(texts).encode())
    return digest.hexdigest()[:32]
