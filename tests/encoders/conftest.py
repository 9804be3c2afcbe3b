"""Tiny models on disk, saved once per session, and pictures to show them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_models
from PIL import Image

from unskew.encoders import DualEncoder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny random model of a family."""
    folders: dict[str, Path] = {}

    def folder_of(family: str) -> Path:
        if family not in folders:
            folders[family] = tiny_models.save_tiny(family, tmp_path_factory.mktemp(family))
        return folders[family]

    return folder_of


@pytest.fixture
def encoder(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DualEncoder:
    """A tiny CLIP with an empty cache of its own."""
    monkeypatch.setenv("UNSKEW_CACHE", str(tmp_path / "cache"))
    return DualEncoder.from_pretrained(tiny("clip"))


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images of every forward of an image tower from now on."""
    sizes: list[int] = []
    plain = DualEncoder._image_features

    def counted(self: DualEncoder, batch: dict) -> np.ndarray:
        sizes.append(len(batch["pixel_values"]))
        return plain(self, batch)

    monkeypatch.setattr(DualEncoder, "_image_features", counted)
    return sizes


def photo(seed: int, width: int = 48, height: int = 40) -> Image.Image:
    """A smooth random picture, so that resizing and JPEG leave it recognisable."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def photos() -> list[Image.Image]:
    return [photo(seed) for seed in range(12)]
