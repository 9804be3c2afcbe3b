"""Every prompt of an audit, embedded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from unskew.stimuli import Stimuli
from unskew.stimuli.schema import fill


def prompts_of(stimuli: Iterable[Stimuli]) -> list[str]:
    """All texts that these stimuli ask, each once, in order of first use."""
    texts: dict[str, None] = {}
    for s in stimuli:
        texts.update(dict.fromkeys(_prompts(s)))
    return list(texts)


def _prompts(s: Stimuli) -> Iterable[str]:
    if s.attributes:
        for side in (s.attributes.a, s.attributes.b):
            yield from filled(s.attributes.template, side.words)
    if s.targets:
        for subgroups in s.targets.categories.values():
            for words in subgroups.values():
                yield from filled(s.targets.template, words)
    if s.contrasts:
        for pair in s.contrasts.pairs:
            yield from filled(s.contrasts.template, pair)
    if s.ranking:
        yield from s.ranking.prompts
    for test in s.word_tests:
        for side in (test.x, test.y, test.a, test.b):
            yield from filled(test.template, side.words)


def filled(template: str, words: Sequence[str]) -> list[str]:
    """Each word in the template."""
    return [fill(template, w) for w in words]


class Texts:
    """The embeddings of a fixed list of texts, looked up by text."""

    def __init__(self, encoder: Any, texts: Sequence[str]) -> None:
        self._row = {text: i for i, text in enumerate(texts)}
        self._vectors = encoder.embed_texts(list(texts)) if texts else np.empty((0, encoder.dim))

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(len(texts), d)."""
        return self._vectors[[self._row[t] for t in texts]]
