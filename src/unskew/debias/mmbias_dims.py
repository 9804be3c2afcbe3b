"""MMBias's removal of dimensions: those without which subgroups differ less in valence."""

from itertools import combinations

import numpy as np

from unskew.debias.fitting import FittingData
from unskew.debias.mutual_information import dropping, mutual_information
from unskew.encoders.heads import Heads
from unskew.errors import InputError


def fit(
    data: FittingData,
    seed: int = 0,
    *,
    attribute_a: np.ndarray,
    attribute_b: np.ndarray,
    threshold: float = 0.05,
    remove: float = 54 / 512,
) -> Heads:
    """Dimension removal of MMBias (Janghorbani, de Melo, EACL 2023, arXiv 2303.12734), as it
    survives in FairPIVARA (arXiv 2409.19474).

    psi is the bias with all dimensions, psi_j that without dimension j. Dimensions whose mutual
    information with the subgroup is under `threshold` (nats; theta, 0.05) and with
    abs(psi_j) < abs(psi) are sorted by abs(psi_j), and of the first `remove` of all dimensions (54
    of 512) as many are dropped as leave the least bias, in images and texts alike. Draws nothing
    at random.

    What differs from the released code: there psi is a sum of the highest phrase scores of one
    subgroup; here it is the WEAT effect size of the images of two subgroups, the mean of their
    absolute values where there are more, which is what an audit reports. All the chosen dimensions
    are dropped: a loop there slices the full vector anew and loses all but the last.

    Args:
        attribute_a, attribute_b: (n, d), (m, d), embeddings of pleasant and of unpleasant phrases.

    Raises:
        InputError: attributes of another shape, `remove` drops no dimension or all, or no dimension
            qualifies.
    """
    dim = data.fit.embeddings.shape[1]
    limit = round(remove * dim)
    if not 0 < limit < dim:
        raise InputError(f"remove is {remove}, {limit} of {dim} dimensions; it must drop some")
    attributes = [
        _checked(name, a, dim)
        for name, a in (("attribute_a", attribute_a), ("attribute_b", attribute_b))
    ]
    images, labels = data.fit.embeddings.astype(np.float64), data.fit.labels
    whole = bias(association(images, *attributes)[:, None], labels)[0]
    without = bias(association_without_each(images, *attributes), labels)
    helps = (without < whole) & (mutual_information(images, labels) < threshold)
    order = np.argsort(without, kind="stable")
    candidates = order[helps[order]][:limit]
    if not len(candidates):
        raise InputError(
            f"no dimension with less than {threshold} nats on the subgroup lowers the bias of "
            f"{whole:.3f}: raise threshold"
        )
    return dropping(_best_prefix(images, labels, attributes, candidates), dim)


def association(images: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """WEAT's s (n,) of images (n, d): mean cosine with A less mean cosine with B."""
    return _unit(images) @ (_unit(a).mean(axis=0) - _unit(b).mean(axis=0))


def association_without_each(images: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, d): column j is `association` without dimension j."""
    v = _unit(images)
    # Row j: the mean of A less that of B, each vector scaled to unit length without dimension j.
    means = _rescaled_means(_unit(a)) - _rescaled_means(_unit(b))
    scores = v @ means.T - v * np.diagonal(means)
    return scores * _length_without_each(v)


def bias(associations: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean absolute effect size (c,) over all pairs of subgroups, of each column of (n, c)."""
    groups = [associations[labels == s] for s in np.unique(labels)]
    sizes = [
        np.abs(x.mean(axis=0) - y.mean(axis=0)) / np.concatenate([x, y]).std(axis=0, ddof=1)
        for x, y in combinations(groups, 2)
    ]
    return np.mean(sizes, axis=0)


def _best_prefix(
    images: np.ndarray, labels: np.ndarray, attributes: list[np.ndarray], candidates: np.ndarray
) -> np.ndarray:
    """As many of the candidates, from the first on, as leave the least bias."""
    kept = np.ones(images.shape[1], dtype=bool)
    left = []
    for j in candidates:
        kept[j] = False
        a, b = (x[:, kept] for x in attributes)
        left.append(bias(association(images[:, kept], a, b)[:, None], labels)[0])
    return candidates[: int(np.argmin(left)) + 1]


def _rescaled_means(units: np.ndarray) -> np.ndarray:
    return _length_without_each(units).T @ units / len(units)


def _length_without_each(units: np.ndarray) -> np.ndarray:
    """(n, d): by what to multiply unit vector i, once without dimension j, to be one again."""
    return 1.0 / np.sqrt(1.0 - units**2)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _checked(name: str, vectors: np.ndarray, dim: int) -> np.ndarray:
    found = np.asarray(vectors, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != dim or not len(found):
        raise InputError(
            f"{name} has shape {found.shape}; it must be text embeddings of shape (n, {dim})"
        )
    return found
