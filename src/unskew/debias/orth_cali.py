"""Orth-Cali: Orth-Proj, with captions that differ in the subgroup alone drawn together."""

from itertools import combinations

import numpy as np

from unskew.debias.fitting import FittingData, SubgroupTexts
from unskew.debias.orth_proj import Modalities, heads, spurious_projection
from unskew.encoders.heads import Heads
from unskew.errors import InputError


def fit(
    data: FittingData,
    seed: int = 0,
    *,
    strength: float = 1000.0,
    modalities: Modalities = "text",
) -> Heads:
    """Biased prompts, calibrated projection (Chuang et al. 2023, arXiv 2302.00070).

    P* = P0 (I + lambda M)^-1 with M the mean of (z_i - z_j)(z_i - z_j)^T over pairs of texts that
    differ in the subgroup alone, of every pair of subgroups. `strength` is lambda, 1000 as
    published for classification; towards 0 it is Orth-Proj. Fitted on text alone, acts on text as
    published, draws nothing at random.

    What differs from the released code: the pairs there combine the subgroup with the classes of
    one task ("a male celebrity with dark hair"); a debiased encoder has no one task, so these are
    the captions of the images and their counterfactuals ("a young Black woman"). The prompts of
    the subgroups themselves cannot serve: their differences lie in the span that P0 removes, and
    P0 (I + lambda M)^-1 = P0 for any such M. So it is where the images have no label besides the
    attribute to debias, whose captions are such prompts.

    Raises:
        InputError: see Orth-Proj; or `strength` is negative.
    """
    if not strength >= 0:
        raise InputError(f"strength is {strength}; it must be 0 or more")
    moment = counterpart_moment(data.texts)
    calibration = np.linalg.inv(np.eye(len(moment)) + strength * moment)
    return heads(spurious_projection(data.texts.prompts) @ calibration, modalities)


def counterpart_moment(texts: SubgroupTexts) -> np.ndarray:
    """M (d, d); every pair of captions counts once, however many images it describes."""
    contexts = np.unique(texts.caption_of, axis=0)
    captions = texts.captions.astype(np.float64)[contexts]
    pairs = combinations(range(captions.shape[1]), 2)
    apart = np.concatenate([captions[:, i] - captions[:, j] for i, j in pairs])
    return apart.T @ apart / len(apart)
