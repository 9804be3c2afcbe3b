"""Measure the built-in model `unskew/mini` on held-out images, and print the figures as JSON.

python scripts/measure_mini.py --data ../shared/data
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, load_dataset
from torch import Tensor
from torch.nn.functional import normalize
from transformers import VisionTextDualEncoderModel, VisionTextDualEncoderProcessor

from unskew.encoders.mini import load_mini
from unskew.encoders.mini.load import EMBEDDING_DIM

Mini = tuple[VisionTextDualEncoderModel, VisionTextDualEncoderProcessor]

CIFAR = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
GENDER_PROMPTS = ["a photo of a man", "a photo of a woman"]
RACE_PROMPTS = [f"a photo of a {race} person" for race in ("White", "Black", "Asian", "Indian")]
OBJECT_PROMPTS = [f"a photo of a {name}" for name in CIFAR]
ADULT_FROM = 10


def image_embeddings(mini: Mini, images: Dataset) -> Tensor:
    """(n, 384), L2-normalised, through the model as users get it."""
    model, processor = mini
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), 8):
            batch = processor(images=images[start : start + 8]["image"], return_tensors="pt")
            rows.append(model.get_image_features(**batch).pooler_output)
    return normalize(torch.cat(rows), dim=-1)


def text_embeddings(mini: Mini, texts: list[str]) -> Tensor:
    """(n, 384), L2-normalised."""
    return normalize(mini[0].text_projection(embed(mini, texts)), dim=-1).detach()


def choose(mini: Mini, images: Tensor, prompts: list[str]) -> np.ndarray:
    """Which prompt is nearest to each image embedding: (n,)."""
    return (images @ text_embeddings(mini, prompts).T).argmax(dim=1).numpy()


def share(right: np.ndarray, among: np.ndarray) -> dict[str, float]:
    """Accuracy among the images marked, and how many there are."""
    return {"accuracy": round(float(right[among].mean()), 4), "n": int(among.sum())}


def recalls(images: Tensor, texts: Tensor) -> dict[str, float]:
    """Retrieval in both directions; `texts` (n, 5, 384) are the five captions of each image.

    Image to text: any of the five within the first k of all. Text to image: its photo within k.
    """
    scores = images @ texts.flatten(0, 1).T
    owner = torch.arange(len(images))
    result = {}
    for k in (1, 5, 10):
        found = scores.topk(k, dim=1).indices // texts.shape[1] == owner[:, None]
        result[f"image_to_text_R@{k}"] = round(float(found.any(dim=1).float().mean()), 4)
        truth = owner.repeat_interleave(texts.shape[1])
        found = scores.T.topk(k, dim=1).indices == truth[:, None]
        result[f"text_to_image_R@{k}"] = round(float(found.any(dim=1).float().mean()), 4)
    return result


def measure_utkface(mini: Mini, images: Dataset) -> dict[str, object]:
    """Gender (age >= 10) overall, by race and by age; recall of each of four races."""
    embeddings = image_embeddings(mini, images)
    gender, race, age = (np.asarray(images[column]) for column in ("gender", "race", "age"))
    right = choose(mini, embeddings, GENDER_PROMPTS) == gender
    grown = age >= ADULT_FROM
    bands = [(0, 3), (3, 10), (10, 20), (20, 40), (40, 60), (60, 200)]
    races = choose(mini, embeddings, RACE_PROMPTS)
    names = images.features["race"].names
    recall = {names[r]: share(races == race, race == r) for r in range(4)}
    return {
        "gender": share(right, grown),
        "gender_by_race": {names[r]: share(right, grown & (race == r)) for r in range(5)},
        "gender_by_gender": {
            name: share(right, grown & (gender == g)) for g, name in enumerate(("male", "female"))
        },
        "gender_by_age": {
            f"{low}-{high - 1}": share(right, (age >= low) & (age < high)) for low, high in bands
        },
        "race_balanced_accuracy": round(
            float(np.mean([r["accuracy"] for r in recall.values()])), 4
        ),
        "race_recall": recall,
    }


def measure_fairface(mini: Mini, images: Dataset) -> dict[str, object]:
    """Gender at all ages, babies included, and by age and gender."""
    gender, age = np.asarray(images["gender"]), np.asarray(images["age"])
    right = choose(mini, image_embeddings(mini, images), GENDER_PROMPTS) == gender
    names = images.features["age"].names
    return {
        "gender": share(right, age >= 0),
        "gender_by_gender": {
            name: share(right, gender == g) for g, name in enumerate(("male", "female"))
        },
        "gender_by_age": {names[a]: share(right, age == a) for a in range(len(names))},
    }


def measure_flickr(mini: Mini, images: Dataset) -> dict[str, float]:
    """Retrieval among the photos and all their captions."""
    captions = [caption for five in images["captions"] for caption in five]
    texts = text_embeddings(mini, captions).view(len(images), 5, EMBEDDING_DIM)
    return recalls(image_embeddings(mini, images), texts)


def measure_cifar(mini: Mini, images: Dataset) -> dict[str, float]:
    """Zero-shot accuracy on ten classes."""
    right = choose(mini, image_embeddings(mini, images), OBJECT_PROMPTS)
    return share(right == np.asarray(images["label"]), np.ones(len(images), dtype=bool))


MEASURES: dict[str, Callable[[Mini, Dataset], dict]] = {
    "utkface": measure_utkface,
    "fairface540": measure_fairface,
    "flickr8k_subset": measure_flickr,
    "cifar10_subset": measure_cifar,
}


def read(data: Path, name: str, split: str) -> Dataset:
    """One split of one of the sets, its image column called `image`."""
    files = {split: str(data / name / f"{split}-*.parquet")}
    images = load_dataset("parquet", data_files=files, split=split)
    return images.rename_column("img", "image") if "img" in images.column_names else images


def embed(mini: Mini, texts: list[str]) -> Tensor:
    """L2-normalised text features before the projection, (n, 384)."""
    model, processor = mini
    rows = []
    with torch.inference_mode():
        for start in range(0, len(texts), 64):
            batch = processor(
                text=texts[start : start + 64], padding=True, truncation=True, return_tensors="pt"
            )
            rows.append(model.text_model(**batch).pooler_output)
    return normalize(torch.cat(rows), dim=-1).clone()


def measure(mini: Mini, data: Path) -> dict[str, dict]:
    """All figures, on the test splits."""
    return {name: figures(mini, read(data, name, "test")) for name, figures in MEASURES.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the built-in model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the image sets")
    print(json.dumps(measure(load_mini(), parser.parse_args().data), indent=2))
