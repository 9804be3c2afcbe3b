"""Classifiers trained on biased images: objectives, strategies against bias, one training loop.

Names load on first use, so that importing the room loads no torch. `train`, `predict` and
`pseudo_groups` have the names of their modules, and are imported from there.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_LAZY = {
    "OBJECTIVES": "objectives",
    "PRESETS": "presets",
    "STRATEGIES": "strategies",
    "Classifier": "network",
    "Pixels": "pixels",
    "Predictions": "predict",
    "PseudoGroups": "pseudo_groups",
    "Strategy": "strategy",
    "SumOfSquares": "objectives",
    "TrainSettings": "presets",
    "Trained": "trained",
    "load_pixels": "pixels",
    "make_strategy": "strategies",
    "preset": "presets",
    "resnet18": "network",
}

__all__ = [
    "OBJECTIVES",
    "PRESETS",
    "STRATEGIES",
    "Classifier",
    "Pixels",
    "Predictions",
    "PseudoGroups",
    "Strategy",
    "SumOfSquares",
    "TrainSettings",
    "Trained",
    "load_pixels",
    "make_strategy",
    "preset",
    "resnet18",
]

if TYPE_CHECKING:
    from unskew.classify.network import Classifier, resnet18
    from unskew.classify.objectives import OBJECTIVES, SumOfSquares
    from unskew.classify.pixels import Pixels, load_pixels
    from unskew.classify.predict import Predictions
    from unskew.classify.presets import PRESETS, TrainSettings, preset
    from unskew.classify.pseudo_groups import PseudoGroups
    from unskew.classify.strategies import STRATEGIES, make_strategy
    from unskew.classify.strategy import Strategy
    from unskew.classify.trained import Trained


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'unskew.classify' has no attribute {name!r}")
    return getattr(import_module(f"unskew.classify.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
