"""SPD: the subspace that successive linear probes read is replaced by its neutral value."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from unskew.debias.fitting import FittingData
from unskew.debias.neutral import uncertain_mean
from unskew.debias.subspace import orthonormal_basis, projection_away
from unskew.encoders.heads import Affine, Heads
from unskew.errors import InputError

# Where a looser search stops is chance to a degree, which grows from round to round.
_TOLERANCE = 1e-6
_ITERATIONS = 2000


def fit(data: FittingData, seed: int = 0, *, rounds: int = 5, confidence: float = 0.7) -> Heads:
    """Subspace projection debiasing (arXiv 2511.18123), after INLP (Ravfogel et al., 2004.07667).

    In each modality, `rounds` times: fit a logistic probe of the subgroup, project its directions
    away, go on with what is left. Then z -> z - U^T U (z - m), with U all directions found and m
    the neutral embedding, whose part within the subspace is put back for all. `rounds` 5 and
    `confidence` 0.7 as published. Draws nothing at random.

    What differs from the paper, whose code was not seen: an orthonormal basis of the weights comes
    from their singular values, not QR, since the weights of S classes have rank S - 1; m, for
    images, is the mean of the validation images that the first probe, not a forest, is unsure of;
    for texts, that of the prompts without a subgroup. The text probes read the prompts. The probes
    have scikit-learn's usual regularisation, on unit vectors; the paper's is not known, and it
    matters: weaker, the probes read finer differences, and more of the skew is left.

    Raises:
        InputError: a subgroup without words, `rounds` below 1, or no validation image the probe
            is unsure of.
    """
    if rounds < 1:
        raise InputError(f"rounds is {rounds}; it must be 1 or more")
    texts, dim = data.texts, data.fit.embeddings.shape[1]
    prompts = texts.prompts.reshape(-1, dim).astype(np.float64)
    named = np.repeat(np.arange(len(texts.prompts)), texts.prompts.shape[1])
    images = data.fit.embeddings.astype(np.float64)
    seen = data.validation.embeddings.astype(np.float64)
    first = _probe(images, data.fit.labels)
    unsure = uncertain_mean(seen, first.predict_proba(seen), confidence)
    neutral = texts.neutral.mean(axis=0, dtype=np.float64)
    return Heads(
        image=_replacing(probed_subspace(images, data.fit.labels, rounds), unsure),
        text=_replacing(probed_subspace(prompts, named, rounds), neutral),
    )


def probed_subspace(embeddings: np.ndarray, labels: np.ndarray, rounds: int) -> np.ndarray:
    """(r, d) orthonormal rows: what `rounds` successive probes of (n, d) with (n,) labels read."""
    found = np.empty((0, embeddings.shape[1]))
    for _ in range(rounds):
        rest = projection_away(found)
        weights = _probe(embeddings @ rest, labels).coef_ @ rest
        found = np.concatenate([found, orthonormal_basis(weights)])
    return orthonormal_basis(found)


def _probe(embeddings: np.ndarray, labels: np.ndarray) -> LogisticRegression:
    return LogisticRegression(tol=_TOLERANCE, max_iter=_ITERATIONS).fit(embeddings, labels)


def _replacing(subspace: np.ndarray, neutral: np.ndarray) -> Affine:
    rest = projection_away(subspace)
    return Affine(rest, neutral - rest @ neutral)
