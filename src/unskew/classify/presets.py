"""The settings of both papers, and of smaller scales that a processor can train."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.classify.network import Classifier

Scale: TypeAlias = Literal["paper", "small", "smoke"]
SCALES: tuple[Scale, ...] = ("paper", "small", "smoke")
_POSITIVE = ("learning_rate", "batch_size", "epochs", "width")


@dataclass(frozen=True)
class TrainSettings:
    """What can be chosen for a training run.

    Attributes:
        optimizer: "adam" adds weight decay to the gradient, "adamw" decays the weights themselves.
        learning_rate: constant.
        weight_decay: as the optimizer takes it.
        batch_size: examples of a step.
        epochs: at most.
        patience: epochs without a better validation score after which training stops; None: never.
        augment: random flips, colour jitter and greyscale; see `augment`.
        select: the validation score by which the best epoch is chosen. Where attributes are
            unknown, unbiased accuracy gives way to plain accuracy.
        dropout, width, downsample: of the network that `resnet18` makes for these settings.

    Raises:
        InputError: a value makes no sense.
    """

    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    batch_size: int = 512
    epochs: int = 100
    patience: int | None = 12
    augment: bool = False
    select: Literal["accuracy", "unbiased_accuracy"] = "accuracy"
    dropout: float = 0.4
    width: int = 64
    downsample: bool = False

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.batch_size < 2:
            raise InputError("batch_size is 1; batch normalisation needs at least 2")
        if not self.weight_decay >= 0:
            raise InputError(f"weight_decay is {self.weight_decay}; it must be 0 or more")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience is {self.patience}; it must be at least 1, or None")
        if self.optimizer not in ("adam", "adamw"):
            raise InputError(f"no optimizer {self.optimizer!r}: choose adam or adamw")
        if self.select not in ("accuracy", "unbiased_accuracy"):
            raise InputError(f"select is {self.select!r}: choose accuracy or unbiased_accuracy")

    def network(self, n_classes: int, image_size: int, seed: int = 0) -> Classifier:
        """ResNet18 as these settings ask for it; see `resnet18`."""
        from unskew.classify.network import resnet18

        return resnet18(
            n_classes,
            image_size,
            self.dropout,
            width=self.width,
            downsample=self.downsample,
            seed=seed,
        )


_OBJECTIVES = TrainSettings()
"""Bangaru, Baru and Chakravarthula, "Interpreting Bias in the Neural Networks", section 3.
It names neither a limit of epochs nor what its early stopping watches: here it is 100, and
validation accuracy, which means the same under every objective."""

_VLM_DEBIAS = TrainSettings(
    optimizer="adamw",
    weight_decay=1e-4,
    batch_size=256,
    epochs=100,
    patience=None,
    augment=True,
    select="unbiased_accuracy",
    dropout=0.0,
)
"""Zhang and Chunara, "Leveraging vision-language models for fair facial attribute classification",
section 4."""

PRESETS: dict[str, dict[Scale, TrainSettings]] = {
    "objectives": {
        "paper": _OBJECTIVES,
        "small": replace(_OBJECTIVES, batch_size=128, epochs=6, width=16, downsample=True),
        "smoke": replace(_OBJECTIVES, batch_size=64, epochs=2, width=8, downsample=True),
    },
    "vlm-debias": {
        "paper": _VLM_DEBIAS,
        "small": replace(_VLM_DEBIAS, batch_size=64, epochs=6, width=16, downsample=True),
        "smoke": replace(_VLM_DEBIAS, batch_size=64, epochs=2, width=8, downsample=True),
    },
}
"""What is smaller about a smaller scale: the network, the batches and the epochs."""


def preset(name: str, scale: str = "paper") -> TrainSettings:
    """The settings of a paper at a scale.

    Raises:
        InputError: there is no such preset or scale.
    """
    if name not in PRESETS:
        raise InputError(f"no preset {name!r}: choose among {', '.join(PRESETS)}")
    for known, settings in PRESETS[name].items():
        if known == scale:
            return settings
    raise InputError(f"no scale {scale!r}: choose among {', '.join(SCALES)}")
