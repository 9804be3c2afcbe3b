"""Words, and embeddings of images, with a planted bias."""

import numpy as np

from unskew.encoders import LabelledEmbeddings

DIM = 32
WARM, COLD = ("kind", "friendly", "gentle"), ("rude", "distant", "cruel")


def image_set(name="squares", shift=1.0, seed=1, n=40):
    """Red images lie towards warm, blue ones towards cold, green ones in between."""
    rng = np.random.default_rng(seed)
    teams = ["Red"] * n + ["Blue"] * n + ["Green"] * n
    vectors = rng.normal(0, 0.3, (3 * n, DIM))
    vectors[:, 0] += np.repeat([shift, -shift, 0.0], n) * 0.3
    vectors[:, 1] = 1.0
    labels = {"team": teams, "size": ["big", "small"] * (3 * n // 2)}
    return LabelledEmbeddings(vectors.astype(np.float32), labels, None, name)
