"""The fingerprint changes when, and only when, the embeddings could."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tiny_models import clip_tokenizer

from unskew.encoders import DualEncoder


@pytest.fixture
def parts(tiny: Callable[[str], Path]) -> tuple[Any, Any]:
    model = transformers.AutoModel.from_pretrained(tiny("clip"))
    return model, transformers.AutoProcessor.from_pretrained(tiny("clip"))


def print_of(parts: tuple[Any, Any]) -> str:
    return DualEncoder(*parts, "name").fingerprint


def test_it_is_the_same_for_the_same_model_under_another_name_and_place(
    parts: tuple[Any, Any], tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    loaded = DualEncoder.from_pretrained(tiny("clip"))
    assert print_of(parts) == loaded.fingerprint
    for part in parts:
        part.save_pretrained(tmp_path)
    copied = DualEncoder.from_pretrained(tmp_path)
    assert copied.fingerprint == loaded.fingerprint
    loaded.embed_texts(["kind", "a photo of a dangerous person"])
    assert DualEncoder(loaded.model, loaded.processor, "x").fingerprint == loaded.fingerprint


def test_it_changes_with_one_weight(parts: tuple[Any, Any]) -> None:
    before = print_of(parts)
    with torch.no_grad():
        parts[0].text_projection.weight[0, 0] += 1e-6
    assert print_of(parts) != before


def test_it_changes_with_the_order_of_weights(parts: tuple[Any, Any]) -> None:
    before = print_of(parts)
    with torch.no_grad():
        weight = parts[0].text_projection.weight
        weight.copy_(weight.flip(0))
    assert print_of(parts) != before


def test_it_changes_with_the_preprocessing(parts: tuple[Any, Any]) -> None:
    before = print_of(parts)
    parts[1].image_processor.image_mean = [0.5, 0.5, 0.5]
    assert print_of(parts) != before


def test_it_changes_with_the_tokenizer(parts: tuple[Any, Any]) -> None:
    before = print_of(parts)
    tokenizer = clip_tokenizer()
    assert print_of(
        (parts[0], transformers.CLIPProcessor(parts[1].image_processor, tokenizer))
    ) == (before)
    tokenizer.add_tokens(["unskew"])
    other = transformers.CLIPProcessor(parts[1].image_processor, tokenizer)
    assert print_of((parts[0], other)) != before


def test_it_changes_with_a_setting_of_the_model(parts: tuple[Any, Any]) -> None:
    before = print_of(parts)
    parts[0].config.vision_config.hidden_act = "gelu"
    assert print_of(parts) != before
