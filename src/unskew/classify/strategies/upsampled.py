"""Just train twice: what a first, short training gets wrong is shown more often in the second."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from unskew.classify.strategies.base import Base, drawn
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.classify.network import Classifier
    from unskew.classify.pixels import Pixels
    from unskew.classify.presets import TrainSettings


class Upsampled(Base):
    """Every example that was wrong is `times` as likely as one that was right.

    The second training of Liu et al., ICML 2021 (arXiv 2107.09044), where the wrong ones stand
    `times` in the training set. Here an epoch is n draws with replacement from that set instead of
    the whole of it, so that it costs what an epoch of any other strategy does.
    """

    name = "jtt"

    def __init__(self, wrong: Any, times: float) -> None:
        """`wrong` (n,) bool, by training row; `times`: at least 1 (the paper tries 4 to 500).

        Raises:
            InputError: not one truth value per row, or `times` below 1.
        """
        marked = torch.as_tensor(wrong)
        if marked.dtype != torch.bool or marked.ndim != 1 or len(marked) == 0:
            raise InputError("wrong must say true or false once per training example")
        if not times >= 1:
            raise InputError(f"times must be at least 1, got {times!r}")
        self.weights = torch.where(marked.cpu(), float(times), 1.0).double()

    def sample(self, epoch: int, generator: torch.Generator) -> Tensor:
        """Rows (n,) of the training set."""
        return drawn(self.weights, generator)

    def _fixed(self) -> dict[str, Any]:
        return {"weights": self.weights}


def just_train_twice(
    network: "Classifier",
    train_set: "Pixels",
    validation: "Pixels",
    settings: "TrainSettings",
    *,
    epochs: int,
    times: float,
    objective: str = "softmax-cross-entropy",
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
) -> Upsampled:
    """Train `network` plainly for `epochs`, and up-sample the training examples it gets wrong.

    `epochs` and `times` decide how well this works; the paper chooses both by the worst group of a
    validation set that has group labels. Of the first training the network that `train` returns
    is judged, without augmentation. `out` keeps the checkpoint of this training, as in `train`.

    Raises:
        InputError: as `train`, and for `times` below 1.
    """
    from unskew.classify.predict import predict
    from unskew.classify.train import train

    first = train(
        network,
        train_set,
        validation,
        replace(settings, epochs=epochs),
        objective=objective,
        seed=seed,
        out=out,
    )
    classes = predict(first.network, train_set, settings.batch_size).classes
    return Upsampled(torch.from_numpy(classes) != train_set.targets, times)
