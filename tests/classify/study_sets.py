"""A biased set of small squares, and what sees it without being trained."""

import numpy as np
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
from PIL import Image as Pictures

SIZE = 16


def biased(sizes=(160, 80, 80), seed=0):
    """Bright or dark squares (target) that are mostly red or mostly blue (attribute)."""
    rng = np.random.default_rng(seed)
    parts = {}
    for split, n in zip(("train", "validation", "test"), sizes, strict=True):
        target = rng.integers(0, 2, n)
        follows = rng.random(n) < (0.9 if split == "train" else 0.5)
        attribute = np.where(follows, target, 1 - target)
        pixels = rng.integers(0, 60, (n, SIZE, SIZE, 3))
        pixels += 120 * target[:, None, None, None]
        pixels[np.arange(n), :, :, 2 * attribute] += 60
        parts[split] = Dataset.from_dict(
            {
                "image": [Pictures.fromarray(p.astype(np.uint8)) for p in pixels],
                "target": target,
                "attribute": attribute,
                "alignment": (target != attribute).astype(int),
            },
            Features(
                {
                    "image": Image(),
                    "target": ClassLabel(names=["dark", "bright"]),
                    "attribute": ClassLabel(names=["red", "blue"]),
                    "alignment": ClassLabel(names=["aligned", "conflicting"]),
                }
            ),
        )
    return DatasetDict(parts)


class Colours:
    """An encoder of two dimensions: how red and how blue; words likewise."""

    name, fingerprint, demonstration = "colours", "f" * 32, True

    def embed_images(self, images, batch_size=32):
        means = np.array(
            [np.asarray(i, dtype=np.float32).mean(axis=(0, 1))[[0, 2]] for i in images]
        )
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def embed_texts(self, texts, template=None):
        return np.array([[0, 1] if "woman" in t else [1, 0] for t in texts], dtype=np.float32)


class ByAttribute(torch.nn.Module):
    """Red squares are dark, and blue ones bright."""

    device = torch.device("cpu")
    config = type("config", (), {"image_size": SIZE})

    def normalised(self, images):
        return images

    def features(self, images):
        return images.mean(dim=(2, 3))[:, [0, 2]]

    def classifier(self, features):
        return features
