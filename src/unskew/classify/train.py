"""The one training loop: any objective, any strategy, resumed after a kill as if never stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import xxhash

from unskew.classify.checkpoint import CheckpointFile
from unskew.classify.loop import Loop
from unskew.classify.network import Classifier, name_labels
from unskew.classify.objectives import Objective, objective_named
from unskew.classify.pixels import Pixels
from unskew.classify.predict import check_size, empty_groups, listed
from unskew.classify.presets import TrainSettings
from unskew.classify.strategy import NoIntervention, Strategy
from unskew.classify.trained import Trained
from unskew.errors import InputError


def train(
    network: Classifier,
    train: Pixels,
    validation: Pixels,
    settings: TrainSettings,
    *,
    objective: str | Objective = "softmax-cross-entropy",
    strategy: Strategy | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
) -> Trained:
    """Train a network in place, and leave it with the weights of its best epoch.

    Images are normalised by the mean and standard deviation of `train`. Every random draw follows
    from `seed` and the epoch, so that a run that was killed, called again with the same arguments
    and the same `out`, goes on from the last whole epoch and ends with the same history and the
    same weights, bit for bit, on the same device with as many threads.

    Args:
        network: as `resnet18` makes it; trained on the device that Accelerate chooses.
        train: what is learnt.
        validation: what the best epoch is chosen on.
        settings: see `presets`.
        objective: a name of `OBJECTIVES`, or a function from logits (b, c) and classes (b,) to
            losses (b,).
        strategy: how to cope with bias; by default not at all.
        seed: of order, augmentation and dropout; `resnet18` has its own.
        out: a folder for the checkpoint; left out, the run cannot be resumed.

    Raises:
        InputError: images that do not fit the network, labels that do not fit each other, one class
            only, a group empty in validation where groups choose the best epoch, `out` holds
            another run or cannot be written, a loss that is not finite, several processes.
    """
    _check(network, train, validation)
    select, notes = _selection(validation, settings)
    name, function = objective_named(objective)
    strategy = strategy or NoIntervention(len(train))
    file = None
    if out is not None:
        run = _described(network, train, validation, settings, name, strategy, seed)
        file = CheckpointFile(Path(out), run)
    name_labels(network, train.target_names)
    network.config.image_mean, network.config.image_std = train.mean_and_std
    with (
        torch.random.fork_rng(devices=range(torch.cuda.device_count())),
        torch.backends.cudnn.flags(enabled=True, deterministic=True, benchmark=False),
    ):
        loop = Loop(network, train, validation, settings, (name, function), strategy, seed, select)
        loop.run(file)
    return Trained(
        network=network.eval(),
        history=tuple(loop.history),
        best_epoch=loop.best_epoch,
        selected_by=select,
        settings=settings,
        objective=name,
        strategy=strategy.name,
        seed=seed,
        notes=tuple(notes),
    )


def _check(network: Classifier, train: Pixels, validation: Pixels) -> None:
    """Raise InputError where data and network do not fit."""
    for what, pixels in (("training images", train), ("validation images", validation)):
        check_size(network, pixels, f"the {what}")
    present = train.targets.unique().tolist()
    if len(present) < 2:
        raise InputError(
            f"all {len(train)} training images are of one class, "
            f"{train.target_names[present[0]]!r}: there is nothing to tell apart"
        )
    for what in ("target_names", "attribute_names"):
        ours, theirs = getattr(train, what), getattr(validation, what)
        if ours and theirs and ours != theirs:
            raise InputError(
                f"{what} of training and validation differ: {', '.join(ours):.60} and "
                f"{', '.join(theirs):.60}"
            )


def _selection(validation: Pixels, settings: TrainSettings) -> tuple[str, list[str]]:
    """By which score the best epoch is chosen, and what has to be said about it."""
    if not validation.has_attributes:
        note = "The attribute of the validation images is unknown, so there are no group scores"
        if settings.select == "unbiased_accuracy":
            return "accuracy", [f"{note}, and the best epoch is chosen by plain accuracy."]
        return settings.select, [f"{note}."]
    empty = empty_groups(validation)
    if not empty:
        return settings.select, []
    named = listed(empty)
    if settings.select == "unbiased_accuracy":
        raise InputError(
            f"the validation images have none of the group {named}: unbiased accuracy, which "
            "chooses the best epoch, is undefined; add some, or select by accuracy"
        )
    return settings.select, [
        f"The validation images have none of the group {named}: its group scores are NaN."
    ]


def _described(
    network: Classifier,
    train: Pixels,
    validation: Pixels,
    settings: TrainSettings,
    objective: str,
    strategy: Strategy,
    seed: int,
) -> dict[str, Any]:
    """What must be the same for a run to go on."""
    return {
        "network": _digest(network.state_dict()),
        "dropout": network.config.dropout,
        "train": _digest(vars(train)),
        "validation": _digest(vars(validation)),
        "objective": objective,
        "strategy": strategy.name,
        "strategy's options": _digest(strategy.state_dict()),
        "seed": seed,
        **{f"setting {k}": v for k, v in asdict(settings).items()},
    }


def _digest(values: Mapping[str, Any]) -> str:
    """Of named tensors and other values."""
    digest = xxhash.xxh3_128()
    for name, value in values.items():
        if torch.is_tensor(value):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().numpy().data)
        else:
            digest.update(f"{name} {value!r}".encode())
    return digest.hexdigest()
