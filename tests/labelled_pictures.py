"""Small pictures of two teams that differ in colour, labelled as a set of faces is."""

from pathlib import Path

import numpy as np
from datasets import Dataset, Features, Image, List, Value
from PIL import Image as Pillow

SPLITS = {"train": 48, "validation": 24, "test": 24}
STIMULI = {
    "name": "warmth",
    "title": "Warm and cold",
    "source": "made for this test",
    "licence": "CC0",
    "attributes": {
        "template": "{}",
        "a": {"name": "warm", "words": ["kind", "friendly", "gentle"]},
        "b": {"name": "cold", "words": ["rude", "distant", "cruel"]},
        "pleasant": "a",
    },
    "ranking": {"templates": ["a {} person"], "concepts": ["kind", "rude", "clever"]},
}


def faces(n: int, seed: int) -> Dataset:
    """Women reddish and men bluish, each age and race in both."""
    rng = np.random.default_rng(seed)
    female = np.arange(n) % 2 == 0
    tint = np.where(female[:, None], (90, 0, 0), (0, 0, 90))
    pixels = rng.integers(0, 160, (n, 32, 32, 3)) + tint[:, None, None]
    return Dataset.from_dict(
        {
            "image": [Pillow.fromarray(p.astype(np.uint8)) for p in pixels],
            "gender": np.where(female, "Female", "Male").tolist(),
            "age": [str(20 + 20 * (i // 2 % 3)) for i in range(n)],
            "race": [("Black", "White", "Others")[i // 2 % 3] for i in range(n)],
        },
        features=Features(
            {"image": Image()} | {c: Value("string") for c in ("gender", "age", "race")}
        ),
    )


def things(n: int, seed: int) -> Dataset:
    """Pictures of nothing in particular, with captions."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (n, 32, 32, 3), dtype=np.uint8)
    return Dataset.from_dict(
        {
            "image": [Pillow.fromarray(p) for p in pixels],
            "captions": [[f"picture {i}", f"number {i}"] for i in range(n)],
        },
        features=Features({"image": Image(), "captions": List(Value("string"))}),
    )


def save_splits(folder: Path, **splits: Dataset) -> Path:
    """A folder of parquet files, one per split."""
    folder.mkdir(parents=True)
    for name, data in splits.items():
        data.to_parquet(folder / f"{name}-00000-of-00001.parquet")
    return folder


def save_faces(folder: Path, first_seed: int = 0) -> Path:
    """Train, validation and test parts of faces, each of a seed of its own."""
    parts = enumerate(SPLITS.items(), first_seed)
    return save_splits(folder, **{split: faces(n, seed) for seed, (split, n) in parts})
