"""A debiased model as whole weights: the same embeddings, and no base model or PEFT needed."""

import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from test_debiaser import adapter_of, debiaser_of, edit, heads_of, refusal, same
from transformers import CLIPModel

from unskew.encoders import Debiaser, DualEncoder, Heads
from unskew.encoders.merging import merged_files
from unskew.errors import InputError, NotFoundError


@pytest.fixture(params=["affine", None], ids=["heads", "no heads"])
def folders(
    request: pytest.FixtureRequest, tiny: Callable[[str], Path], tmp_path: Path
) -> tuple[Path, Path]:
    """A debiased CLIP as adapter and heads, and the same merged."""
    base = DualEncoder.from_pretrained(tiny("clip"))
    heads = heads_of(request.param) if request.param else Heads()
    debiaser_of(base, heads=heads, adapter=adapter_of(base)).save_pretrained(tmp_path / "parts")
    (tmp_path / "merged").mkdir()
    files, towers = merged_files(tmp_path / "parts", tmp_path / "merged")
    assert towers == "CLIPModel"
    for name, content in files.items():
        if isinstance(content, bytes):
            (tmp_path / "merged" / name).write_bytes(content)
    made = sorted((tmp_path / "merged").iterdir())
    assert [p.name for p in made] == sorted(files)
    assert not [p for p in made if str(tiny("clip").parent).encode() in p.read_bytes()]
    return tmp_path / "parts", tmp_path / "merged"


def test_the_same_embeddings(folders: tuple[Path, Path], photos: list[Image.Image]) -> None:
    parts, merged = (DualEncoder.from_pretrained(folder) for folder in folders)
    same(merged, parts, photos, 1e-5)
    assert parts.base is not None
    assert np.abs(merged.embed_images(photos) - parts.base.embed_images(photos)).max() > 1e-3

    model: CLIPModel = CLIPModel.from_pretrained(folders[1])
    inputs = parts.processor(images=photos, return_tensors="pt")
    with torch.no_grad():
        features = model.get_image_features(**inputs).pooler_output
    vectors = (features / features.norm(dim=1, keepdim=True)).numpy()
    assert merged.base is not None  # the towers without the heads
    np.testing.assert_allclose(vectors, merged.base.embed_images(photos), atol=1e-5)


def test_no_base_model_is_needed(
    folders: tuple[Path, Path], photos: list[Image.Image], tmp_path: Path
) -> None:
    parts, merged = folders
    before = DualEncoder.from_pretrained(parts).embed_images(photos)
    edit(parts / "unskew_encoder.json", base="nowhere/to-be-found")
    edit(merged / "unskew_encoder.json", base="nowhere/to-be-found")
    assert "nowhere/to-be-found" in refusal(NotFoundError, parts)
    after = DualEncoder.from_pretrained(merged.rename(tmp_path / "elsewhere"))
    np.testing.assert_allclose(after.embed_images(photos), before, atol=1e-5)


def test_other_weights_are_refused(folders: tuple[Path, Path]) -> None:
    _, merged = folders
    weights = load_file(merged / "model.safetensors")
    weights["visual_projection.weight"] += 1e-3
    save_file(weights, merged / "model.safetensors", {"format": "pt"})
    assert "made for another base model" in refusal(InputError, merged)


def test_debiasers_do_not_stack_on_it(folders: tuple[Path, Path], tmp_path: Path) -> None:
    encoder = DualEncoder.from_pretrained(folders[1])
    with pytest.raises(InputError, match=r"debiased already, .*: use its base model$"):
        debiaser_of(encoder, heads=heads_of("affine"))
    edit(folders[0] / "unskew_encoder.json", base=str(folders[1]))
    assert "another base model" in refusal(InputError, folders[0])


def test_heads_alone_are_not_merged(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    base = DualEncoder.from_pretrained(tiny("clip"))
    debiaser_of(base, heads=heads_of("affine")).save_pretrained(tmp_path / "heads")
    assert Debiaser.from_pretrained(tmp_path / "heads").adapter is None
    with pytest.raises(InputError, match="has no adapter to merge: it debiases by heads"):
        merged_files(tmp_path / "heads", tmp_path)


def test_what_was_merged_is_neither_saved_published_nor_merged_without_its_weights(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    parts, merged = folders
    assert not Debiaser.from_pretrained(parts).merged
    before = {p.name: p.read_bytes() for p in merged.iterdir()}
    debiaser = Debiaser.from_pretrained(merged)
    (tmp_path / "again").mkdir()
    for step in (
        lambda: debiaser.save_pretrained(merged),
        lambda: debiaser.save_pretrained(tmp_path / "saved"),
        lambda: debiaser.push_to_hub("you/fair", token="hf_nobody"),
        lambda: merged_files(merged, tmp_path / "again"),
    ):
        with pytest.raises(InputError, match=rf"^{merged} is merged already, .*`hf upload`$"):
            step()
    assert {p.name: p.read_bytes() for p in merged.iterdir()} == before
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "processor_config.json"])
def test_a_full_disk_is_said(tiny: Callable[[str], Path], tmp_path: Path, file: str) -> None:
    base = DualEncoder.from_pretrained(tiny("clip"))
    debiaser_of(base, adapter=adapter_of(base)).save_pretrained(tmp_path / "parts")
    into = tmp_path / "into"
    into.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if file == "model.safetensors":  # takes the place of any link: the system stops it growing
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    else:
        (into / file).symlink_to("/dev/full")
    try:
        with pytest.raises(InputError, match=f"cannot write the merged weights to {into} .*TMPDIR"):
            merged_files(tmp_path / "parts", into)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
