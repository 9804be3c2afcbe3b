"""Put the built-in model together: two pretrained towers, and the projections shipped here."""

import threading
from pathlib import Path

from safetensors.torch import load_file
from torch import nn
from transformers import (
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)
from transformers.initialization import no_init_weights

from unskew.encoders.mini.towers import (
    load_image_processor,
    load_text_tower,
    load_tokenizer,
    load_vision_tower,
)
from unskew.encoders.mini.vision import EfficientNetLiteConfig

PROJECTIONS = Path(__file__).with_name("projections.safetensors")
EMBEDDING_DIM = 384
_ONE_AT_A_TIME = threading.Lock()


def load_mini() -> tuple[VisionTextDualEncoderModel, VisionTextDualEncoderProcessor]:
    """The built-in model `unskew/mini`, in eval mode and float32, and its processor.

    EfficientNet-lite0 and all-MiniLM-L6-v2 with projections into one space of 384 dimensions. It
    is for demonstration, tests and teaching: see the model card beside this file. Nothing is
    downloaded. Raises InputError if the packages of `unskew[demo]` are missing.
    """
    # The start at random would take as long as all the rest, and every weight is read. To leave it
    # out is a setting of the whole process, which two threads would put back for each other.
    with _ONE_AT_A_TIME, no_init_weights():
        model, processor = untrained_mini()
    trained = {name: value.float() for name, value in load_file(PROJECTIONS).items()}
    found = model.load_state_dict(trained, strict=False)
    unread = [name for name in found.missing_keys if not _of_a_tower(name)]
    if unread or found.unexpected_keys:
        raise RuntimeError(
            f"{PROJECTIONS.name} holds tensors the model has no place for, or lacks some: "
            f"{unread + found.unexpected_keys}"
        )
    return model.eval(), processor


def _of_a_tower(name: str) -> bool:
    """Whether the weights of that name come with the tower."""
    tower, part, *_ = name.split(".")
    return tower in ("vision_model", "text_model") and part != "pooler"


def untrained_mini() -> tuple[VisionTextDualEncoderModel, VisionTextDualEncoderProcessor]:
    """The same with the pooler and the projections as initialised: what training starts from."""
    vision, text = load_vision_tower(EfficientNetLiteConfig()), load_text_tower()
    config = VisionTextDualEncoderConfig.from_vision_text_configs(
        vision.config, text.config, projection_dim=EMBEDDING_DIM
    )
    config.demonstration = True  # saved with every copy, so that what is made of one says so too
    model = VisionTextDualEncoderModel(config, vision, text)
    nn.init.eye_(model.text_projection.weight)
    processor = VisionTextDualEncoderProcessor(
        load_image_processor(vision.config.image_size), load_tokenizer()
    )
    return model, processor
