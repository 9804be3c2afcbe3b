"""Random flips, colour jitter and greyscale, of whole batches at once.

The VLM-debias paper names the three and no strengths: these are the usual ones of colour jitter
(He et al., MoCo, arXiv 1911.05722), without the change of hue.
"""

from __future__ import annotations

import torch
from torch import Tensor

FLIP, GREYSCALE = 0.5, 0.2
"""Probabilities."""
JITTER = 0.4
"""Brightness, contrast and saturation are multiplied by a factor in [1 - JITTER, 1 + JITTER]."""
_LUMA = (0.299, 0.587, 0.114)


def augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """Another view of every image.

    Args:
        images: RGB in [0, 1], (b, 3, h, w).
        generator: on the CPU; the images may be elsewhere.
    """
    n = len(images)
    chance = torch.rand((5, n), generator=generator).to(images.device)[:, :, None, None, None]
    factors = 1 + JITTER * (2 * chance[2:] - 1)
    images = torch.where(chance[0] < FLIP, images.flip(3), images)
    images = (images * factors[0]).clamp(0, 1)
    images = _blend(images, grey(images).mean((2, 3), keepdim=True), factors[1])
    images = _blend(images, grey(images), factors[2])
    return torch.where(chance[1] < GREYSCALE, grey(images), images)


def grey(images: Tensor) -> Tensor:
    """Luma (ITU-R BT.601) of RGB images: (b, 1, h, w)."""
    weights = torch.tensor(_LUMA, device=images.device, dtype=images.dtype)
    return (images * weights[:, None, None]).sum(1, keepdim=True)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (other + factor * (images - other)).clamp(0, 1)
