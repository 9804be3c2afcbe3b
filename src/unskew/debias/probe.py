"""Leakage: how well a linear classifier tells the subgroup from the embedding."""

from __future__ import annotations

import numpy as np

from unskew.debias.fitting import Labelled

STRENGTH = 0.01
"""Inverse penalty (C) of the logistic regression on standardised dimensions."""


class Probe:
    """A logistic regression on embeddings of the images that debiasers are fitted on.

    Every dimension is brought to unit spread first, so that a method that merely makes the
    subgroup's directions small hides nothing from it.
    """

    def __init__(self, fit: Labelled) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self._model = make_pipeline(
            StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=2_000)
        ).fit(fit.embeddings.astype(np.float64), fit.labels)

    def accuracy(self, judged: Labelled) -> float:
        """The share of images whose subgroup it tells."""
        return float(self._model.score(judged.embeddings.astype(np.float64), judged.labels))


def probe_chance(judged: Labelled) -> float:
    """What always guessing the largest subgroup gives."""
    return float(np.bincount(judged.labels).max() / len(judged))
