"""Which layers get LoRA, for every sort of tower."""

import re

import pytest
import transformers as hf
from adversarial_setup import WIDTHS, tiny_clip

from unskew.debias.lora_targets import lora_targets
from unskew.encoders.mini import EfficientNetLiteConfig
from unskew.errors import InputError

LAYERS = ["mlp.fc1", "mlp.fc2", *(f"self_attn.{p}_proj" for p in ("k", "out", "q", "v"))]


def matched(model, towers=("image",), blocks=1):
    expression = lora_targets(model, towers, blocks)
    return sorted(n for n, _ in model.named_modules() if re.fullmatch(expression, n))


def mini():
    """The built-in model's towers, in small."""
    vision = EfficientNetLiteConfig(
        stem_channels=8,
        kernel_sizes=[3, 3],
        strides=[1, 2],
        out_channels=[8, 12],
        repeats=[1, 2],
        expand_ratios=[1, 2],
        head_channels=16,
        pooled_blocks=[1],
        pooled_grids=[1],
        pooler_width=8,
        image_size=32,
    )
    text = hf.BertConfig(vocab_size=20, **WIDTHS)
    config = hf.VisionTextDualEncoderConfig.from_vision_text_configs(
        vision, text, projection_dim=16
    )
    return hf.VisionTextDualEncoderModel(config)


def test_late_attention_and_mlp_and_the_projection_of_clip():
    model = tiny_clip()[0]
    last = [f"vision_model.encoder.layers.1.{layer}" for layer in LAYERS]
    assert matched(model) == sorted([*last, "visual_projection"])
    assert matched(model, blocks=0) == ["visual_projection"]
    both = matched(model, ("image", "text"), blocks=99)
    assert len(both) == 2 * (2 * len(LAYERS) + 1)
    assert "text_model.encoder.layers.0.mlp.fc1" in both


def test_the_built_in_model_without_its_depthwise_convolutions():
    found = matched(mini())
    assert found == sorted(
        [
            "vision_model.blocks.2.expand",
            "vision_model.blocks.2.project",
            "vision_model.head",
            "vision_model.pooler",
            "visual_projection",
        ]
    )
    assert not any("depthwise" in name or "stem" in name for name in matched(mini(), blocks=99))


def test_the_attention_pooling_of_siglip_is_left_out():
    config = hf.SiglipConfig(
        text_config=WIDTHS | {"vocab_size": 20, "projection_size": 32},
        vision_config=WIDTHS | {"image_size": 32, "patch_size": 8},
    )
    found = matched(hf.SiglipModel(config))
    assert "vision_model.head.mlp.fc1" in found
    assert not any("head.attention" in name for name in found)
    assert sum("layers.1" in name for name in found) == len(LAYERS)


def test_what_cannot_be_found_is_said():
    model = tiny_clip()[0]
    with pytest.raises(InputError, match="blocks is -1"):
        lora_targets(model, ("image",), -1)
    with pytest.raises(InputError, match="no tower 'audio'; there are image, text"):
        lora_targets(model, ("audio",), 1)
