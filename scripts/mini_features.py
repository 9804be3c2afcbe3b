"""Views of the training images, and what the pooler sees of each; used by `train_mini.py`."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from measure_mini import Mini
from PIL import Image, ImageEnhance, ImageFilter
from torch import Tensor
from tqdm import tqdm

SEED = 0
View = Callable[[Image.Image, np.random.Generator], Image.Image]


def plain_view(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The image as it is."""
    return image


def face_view(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A face as other collections show it: in other framing, tilt, light and sharpness.

    UTKFace's crops are tight and aligned. The border is continued outwards, so that the face can
    also be smaller in the frame.
    """
    side = image.width
    margin = ((side // 2, side // 2), (side // 2, side // 2), (0, 0))
    canvas = Image.fromarray(np.pad(np.asarray(image.convert("RGB")), margin, "edge"))
    canvas = canvas.rotate(rng.normal(0, 8), Image.Resampling.BILINEAR)
    frame = side * rng.uniform(0.8, 1.6)
    corner = (canvas.width - frame) / 2 + rng.normal(0, 0.06 * side, 2)
    view = _cut(canvas, *np.clip(corner, 0, canvas.width - frame), frame, frame)
    if rng.random() < 0.15:
        view = view.convert("L").convert("RGB")
    if rng.random() < 0.3:
        view = view.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    return _mirror(_relight(view, rng), rng)


def scene_view(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Most of a photo, possibly mirrored, in slightly other light."""
    width, height = np.asarray(image.size) * rng.uniform(0.7, 1.0, 2)
    left, top = (np.asarray(image.size) - (width, height)) * rng.random(2)
    return _mirror(_relight(_cut(image.convert("RGB"), left, top, width, height), rng), rng)


def _cut(image: Image.Image, left: float, top: float, width: float, height: float) -> Image.Image:
    box = (left, top, left + width, top + height)
    return image.crop(tuple(round(float(edge)) for edge in box))


def _mirror(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image


def _relight(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(rng.uniform(0.7, 1.3))
    return image


# One entry is one view of every image. CIFAR's 32 pixels leave little to vary.
VIEWS: dict[str, list[View]] = {
    "utkface": [plain_view, face_view, face_view, face_view],
    "flickr8k_subset": [plain_view, scene_view, scene_view],
    "cifar10_subset": [plain_view],
}


def features(mini: Mini, images: Dataset, file: Path, number: int, view: View) -> Tensor:
    """What the pooler sees of view `number` of each image, (n, d) float16; kept in `file`."""
    if file.exists():
        return torch.load(file, weights_only=True)
    model, processor = mini
    rows = []
    for start in tqdm(range(0, len(images), 8), desc=file.stem):
        batch = [
            view(image, np.random.default_rng([SEED, number, start + i]))
            for i, image in enumerate(images[start : start + 8]["image"])
        ]
        with torch.inference_mode():
            pixels = processor(images=batch, return_tensors="pt")["pixel_values"]
            rows.append(model.vision_model.pooled_features(pixels)[1].half())
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(torch.cat(rows), file.with_suffix(".part"))
    os.replace(file.with_suffix(".part"), file)
    return torch.cat(rows)


def views(mini: Mini, images: Dataset, cache: Path, name: str, split: str) -> Tensor:
    """Features of every view, (n, views, d) float16."""
    return torch.stack(
        [
            features(mini, images, cache / f"{name}-{split}-{number}.pt", number, view)
            for number, view in enumerate(VIEWS[name])
        ],
        dim=1,
    )
