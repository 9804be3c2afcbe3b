"""CLIP-clip: the dimensions that tell most of the subgroup are dropped, in images and texts."""

import numpy as np

from unskew.debias.fitting import FittingData
from unskew.debias.mutual_information import dropping, mutual_information
from unskew.encoders.heads import Heads
from unskew.errors import InputError


def fit(data: FittingData, seed: int = 0, *, keep: float = 400 / 512) -> Heads:
    """CLIP-clip (Wang, Liu, Wang, EMNLP 2021, arXiv 2109.05433).

    The mutual information of every dimension with the subgroup is estimated on the images; the
    share `keep` of the dimensions with the least is kept, 400 of 512 as published. Images and
    texts lose the same dimensions. Draws nothing at random.

    What differs from the released code: what is left is brought to unit length again, as every
    encoder's embeddings are, while theirs stays shortened; all images have a label, where theirs
    had a third one, "neutral".

    Raises:
        InputError: `keep` leaves no dimension, or all.
    """
    dim = data.fit.embeddings.shape[1]
    kept = round(keep * dim)
    if not 0 < kept < dim:
        raise InputError(f"keep is {keep}, {kept} of {dim} dimensions; it must drop and keep some")
    information = mutual_information(data.fit.embeddings, data.fit.labels)
    return dropping(np.argsort(information, kind="stable")[kept:], dim)
