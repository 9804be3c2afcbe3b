"""How much each embedding dimension tells of the subgroup, and heads that drop dimensions.

The estimate is that of CLIP-clip (Wang, Liu, Wang, arXiv 2109.05433): a histogram of 64 bins along
the dimension, smoothed by a Gaussian of one bin.
"""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from unskew.encoders.heads import Affine, Heads


def mutual_information(
    embeddings: np.ndarray, labels: np.ndarray, bins: int = 64, sigma: float = 1.0
) -> np.ndarray:
    """MI in nats (d,) of every column of `embeddings` (n, d) with `labels` (n,), integers from 0.

    The labels have a bin each and are not smoothed: they have no order, and in the released code,
    where they lie far apart on an axis of 64 bins, the smoothing does not mix them either. A
    constant column has no information.
    """
    x = np.asarray(embeddings, dtype=np.float64)
    low, width = x.min(axis=0), np.ptp(x, axis=0)
    place = (x - low) / np.where(width > 0, width, 1.0) * bins
    cell = np.minimum(place.astype(np.int64), bins - 1)
    groups, columns = int(labels.max()) + 1, x.shape[1]
    flat = (np.arange(columns) * groups + labels[:, None]) * bins + cell
    counts = np.bincount(flat.ravel(), minlength=columns * groups * bins)
    joint = counts.reshape(columns, groups, bins) / len(x)
    joint = gaussian_filter1d(joint, sigma, axis=2, mode="reflect")
    independent = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
    filled = joint > 0
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=filled)
    return (joint * np.log(ratio)).sum(axis=(1, 2))


def dropping(dimensions: np.ndarray, dim: int) -> Heads:
    """Heads that set these dimensions of `dim` to zero in images and texts alike."""
    kept = torch.ones(dim)
    kept[torch.as_tensor(np.asarray(dimensions, dtype=np.int64))] = 0.0
    return Heads(image=Affine(torch.diag(kept)), text=Affine(torch.diag(kept)))
