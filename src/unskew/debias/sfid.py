"""SFID: the dimensions a forest finds most telling are overwritten by neutral values."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from unskew.debias.fitting import FittingData
from unskew.debias.neutral import uncertain_mean
from unskew.encoders.heads import Affine, Heads
from unskew.errors import InputError

_TREES = 100
_JOBS = 2


def fit(
    data: FittingData, seed: int = 0, *, dimensions: int = 50, confidence: float = 0.7
) -> Heads:
    """Selective feature imputation (Jung, Jang, Wang, NeurIPS 2024, arXiv 2410.07593).

    In each modality a random forest of 100 trees predicts the subgroup; the `dimensions` of
    greatest importance are overwritten by a neutral value. For images that is the mean of the
    validation images whose subgroup the forest gives less than `confidence`, 0.7 as published for
    CLIP. `seed` is the forests'.

    What differs from the released code: the text forest is fitted on the prompts that name the
    subgroups, where theirs had labelled biographies, and the neutral text is the mean of the same
    prompts without a subgroup; embeddings are of unit length before and after.

    Raises:
        InputError: a subgroup without words, `dimensions` out of range, or no validation image
            the forest is unsure of.
    """
    dim = data.fit.embeddings.shape[1]
    if not 0 < dimensions < dim:
        raise InputError(f"dimensions is {dimensions}; it must be between 1 and {dim - 1}")
    prompts, texts = data.texts.prompts, data.texts
    named = np.repeat(np.arange(len(prompts)), prompts.shape[1])
    images = _forest(data.fit.embeddings, data.fit.labels, seed)
    words = _forest(prompts.reshape(-1, dim), named, seed)
    seen = data.validation.embeddings
    unsure = uncertain_mean(seen, images.predict_proba(seen), confidence)
    neutral = texts.neutral.mean(axis=0, dtype=np.float64)
    return Heads(
        image=_overwriting(images.feature_importances_, unsure, dimensions),
        text=_overwriting(words.feature_importances_, neutral, dimensions),
    )


def _forest(embeddings: np.ndarray, labels: np.ndarray, seed: int) -> RandomForestClassifier:
    forest = RandomForestClassifier(_TREES, random_state=seed, n_jobs=_JOBS)
    return forest.fit(embeddings, labels)


def _overwriting(importances: np.ndarray, neutral: np.ndarray, count: int) -> Affine:
    chosen = np.argsort(-importances, kind="stable")[:count]
    kept, value = np.ones(len(importances)), np.zeros(len(importances))
    kept[chosen], value[chosen] = 0.0, neutral[chosen]
    return Affine(np.diag(kept), value)
