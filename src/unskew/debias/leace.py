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

    It acts on images alone: texts have no such labels, and the images' map on texts too harms. On
    the built-in model utility then falls by 9 points, not 4, and three times the skew is left.

    By the authors' library, its covariance shrinkage left on; the guarantee does not depend on the
    estimate of the covariance. It holds for what the map gives; bringing that to unit length, as
    encoders do, brings back a little.
    """
    return image_head(fitter(data.fit, shrinkage=True).eraser)


def fitter(images: Labelled, shrinkage: bool) -> LeaceFitter:
    """The library's statistics of labelled images, in float64.

    `shrinkage`: whether the covariance is drawn to a multiple of the identity, the more so the
    fewer images there are.
    """
    labels = np.eye(len(images.subgroups))[images.labels]
    return LeaceFitter.fit(
        torch.as_tensor(images.embeddings, dtype=torch.float64),
        torch.as_tensor(labels),
        shrinkage=shrinkage,
        svd_tol=_RANK_TOLERANCE,
    )


def image_head(eraser: LeaceEraser) -> Heads:
    """The eraser as the image head: P x + (I - P) mean."""
    centre = eraser.bias
    return Heads(image=Affine(eraser.P, centre - eraser.P @ centre))
