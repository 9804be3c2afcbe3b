"""LEACE: the subgroup is erased from the image embeddings for every linear classifier."""

import numpy as np
import torch
from concept_erasure import LeaceEraser, LeaceFitter

from unskew.debias.fitting import FittingData, Labelled
from unskew.encoders.heads import Affine, Heads

# A concept of S subgroups has S - 1 directions; what one-hot labels have beyond is rounding. The
# library's own threshold, 0.01, leaves rare subgroups of crossed attributes in place.
_RANK_TOLERANCE = 1e-6


def fit(data: FittingData, seed: int = 0) -> Heads:
    """Least-squares concept erasure (Belrose et al. 2023, arXiv 2306.03819, section 4).

    x -> x - W^+ Q W (x - mean), where W whitens the images to fit on and Q projects onto the
    whitened cross-covariance with the labels: of all affine maps after which the labels and the
    embeddings do not covary, so that no linear classifier does better than a constant, the one
    that moves these images least. Draws nothing at random.

    It acts on images alone. The texts have no such labels to erase, and the images' map on texts
    only harms: on the built-in model it takes retrieval down and no skew away.

    By the authors' library, its covariance shrinkage left on; the guarantee does not depend on the
    estimate of the covariance.
    """
    return image_head(fitter(data.fit).eraser)


def fitter(images: Labelled) -> LeaceFitter:
    """The library's statistics of labelled images, in float64."""
    labels = np.eye(len(images.subgroups))[images.labels]
    return LeaceFitter.fit(
        torch.as_tensor(images.embeddings, dtype=torch.float64),
        torch.as_tensor(labels),
        svd_tol=_RANK_TOLERANCE,
    )


def image_head(eraser: LeaceEraser) -> Heads:
    """The eraser as the image head: P x + (I - P) mean."""
    centre = eraser.bias
    return Heads(image=Affine(eraser.P, centre - eraser.P @ centre))
