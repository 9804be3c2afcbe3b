"""The neutral embedding: the mean of those whose subgroup a classifier is unsure of."""

import numpy as np

from unskew.errors import InputError


def uncertain_mean(
    embeddings: np.ndarray, probabilities: np.ndarray, confidence: float
) -> np.ndarray:
    """Mean (d,) of the `embeddings` (n, d) of largest class probability under `confidence`.

    Args:
        probabilities: (n, S) of a classifier that was fitted on other data.
        confidence: tau of SFID (arXiv 2410.07593).

    Raises:
        InputError: the classifier is sure of all of them.
    """
    largest = probabilities.max(axis=1)
    unsure = largest < confidence
    if not unsure.any():
        raise InputError(
            f"none of the {len(largest)} validation images has its subgroup predicted with less "
            f"than confidence {confidence}; the least is {largest.min():.3f}: raise confidence"
        )
    return embeddings[unsure].mean(axis=0, dtype=np.float64)
