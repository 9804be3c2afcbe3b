"""The built-in model: `load_mini()`.

Importing this package registers its two towers with transformers, so that a saved copy of the
model loads with `AutoModel.from_pretrained`.
"""

from transformers import AutoConfig, AutoModel

from unskew.encoders.mini.load import load_mini
from unskew.encoders.mini.text import MeanPooledBertConfig, MeanPooledBertModel
from unskew.encoders.mini.vision import EfficientNetLiteConfig, EfficientNetLiteModel

__all__ = [
    "EfficientNetLiteConfig",
    "EfficientNetLiteModel",
    "MeanPooledBertConfig",
    "MeanPooledBertModel",
    "load_mini",
]

AutoConfig.register(EfficientNetLiteConfig.model_type, EfficientNetLiteConfig)
AutoModel.register(EfficientNetLiteConfig, EfficientNetLiteModel)
AutoConfig.register(MeanPooledBertConfig.model_type, MeanPooledBertConfig)
AutoModel.register(MeanPooledBertConfig, MeanPooledBertModel)
