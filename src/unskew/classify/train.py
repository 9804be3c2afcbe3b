"""The one training loop: any objective, any strategy, resumed after a kill as if never stopped."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xxhash
from accelerate import Accelerator
from torch import Tensor
from tqdm.auto import tqdm

from unskew.classify.augment import augmented
from unskew.classify.checkpoint import (
    Checkpoint,
    CheckpointFile,
    load_optimizer,
    optimizer_tensors,
    prefixed,
    under,
)
from unskew.classify.network import Classifier, name_labels
from unskew.classify.objectives import Objective, objective_named
from unskew.classify.pixels import Pixels
from unskew.classify.predict import (
    channels_last,
    check_size,
    empty_groups,
    lay_out,
    predict,
    scores,
    to_float,
)
from unskew.classify.presets import TrainSettings
from unskew.classify.strategy import NoIntervention, Strategy
from unskew.classify.trained import Trained
from unskew.errors import InputError

_SAMPLE, _AUGMENT, _DROPOUT = range(3)
"""What a generator is for; part of its seed."""


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
    devices = list(range(torch.cuda.device_count()))
    with (
        torch.random.fork_rng(devices=devices),
        torch.backends.cudnn.flags(enabled=True, deterministic=True, benchmark=False),
    ):
        loop = _Loop(network, train, validation, settings, (name, function), strategy, seed, select)
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


class _Loop:
    """One run, epoch by epoch."""

    def __init__(
        self,
        network: Classifier,
        train: Pixels,
        validation: Pixels,
        settings: TrainSettings,
        objective: tuple[str, Objective],
        strategy: Strategy,
        seed: int,
        select: str,
    ) -> None:
        self.accelerator = Accelerator()
        if self.accelerator.num_processes > 1:
            raise InputError("classifiers are trained by one process: start without a launcher")
        self.train, self.validation, self.settings = train, validation, settings
        self.objective_name, self.objective = objective
        self.strategy, self.seed, self.select = strategy, seed, select
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        lay_out(network)
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.optimizer]
        optimizer = kind(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.network, self.optimizer = self.accelerator.prepare(network, optimizer)

    @property
    def best_epoch(self) -> int:
        """The first epoch whose score no other exceeds."""
        return int(np.argmax([entry[self.select] for entry in self.history]))

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or patience is."""
        if not self.history:
            return False
        since_best = len(self.history) - 1 - self.best_epoch
        patience = self.settings.patience
        return len(self.history) >= self.settings.epochs or (
            patience is not None and since_best >= patience
        )

    def run(self, file: CheckpointFile | None) -> None:
        """Train to the end, and leave the best weights in the network."""
        found = file.load() if file else None
        if found is not None:
            self._restore(found)
        while not self.done:
            self._epoch(len(self.history))
            if file is not None:
                file.save(self._checkpoint())
        self.network.load_state_dict(self.best)

    def _epoch(self, epoch: int) -> None:
        """Draw, learn, judge."""
        torch.manual_seed(_seed(self.seed, epoch, _DROPOUT))
        order = self.strategy.sample(epoch, _generator(self.seed, epoch, _SAMPLE))
        sums, counts = torch.zeros(2, len(self.train), dtype=torch.float64)
        views = _generator(self.seed, epoch, _AUGMENT)
        batches = _batches(order, self.settings.batch_size)
        bar = tqdm(
            batches,
            desc=f"epoch {epoch + 1}/{self.settings.epochs}",
            unit="step",
            disable=None,
            leave=False,
        )
        self.network.train()
        for step, indices in enumerate(bar):
            losses, loss = self._step(indices, views)
            if not math.isfinite(loss):
                raise InputError(
                    f"training diverged: the loss ({self.objective_name}) is {loss} at epoch "
                    f"{epoch}, step {step}; lower the learning rate "
                    f"({self.settings.learning_rate:g})"
                )
            sums.index_add_(0, indices, losses)
            counts.index_add_(0, indices, torch.ones_like(losses))
            bar.set_postfix(loss=f"{loss:.4g}")
        if self.strategy.wants_losses:
            self.strategy.after_epoch(epoch, (sums / counts).numpy())
        found = predict(self.network, self.validation, self.settings.batch_size)
        judged = scores(found, self.validation, self.objective)
        self.history.append(
            {"epoch": epoch, "train_loss": float(sums.sum() / counts.sum()), **judged}
        )
        if self.best_epoch == epoch:
            self.best = {k: v.detach().clone() for k, v in self.network.state_dict().items()}

    def _step(self, indices: Tensor, views: torch.Generator) -> tuple[Tensor, float]:
        """One step on a batch; the losses of its examples, float64 (b,), and what was minimised."""
        device = self.accelerator.device
        images = to_float(self.train.images[indices], device)
        if self.settings.augment:
            images = augmented(images, views)
        logits = self.network(channels_last(self.network.normalised(images))).logits
        losses = self.objective(logits, self.train.targets[indices].to(device))
        loss = self.strategy.reduce(losses, indices.to(device))
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return losses.detach().cpu().double(), loss.item()

    def _checkpoint(self) -> Checkpoint:
        strategy = self.strategy.state_dict()
        tensors = {k: v for k, v in strategy.items() if torch.is_tensor(v)}
        return Checkpoint(
            {
                **prefixed("network", self.network.state_dict()),
                **prefixed("best", self.best),
                **prefixed("optimizer", optimizer_tensors(self.optimizer)),
                **prefixed("strategy", tensors),
            },
            {
                "history": self.history,
                "strategy": {k: v for k, v in strategy.items() if k not in tensors},
            },
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.history = list(checkpoint.state["history"])
        self.network.load_state_dict(under("network", checkpoint.tensors))
        self.best = under("best", checkpoint.tensors)
        load_optimizer(self.optimizer, under("optimizer", checkpoint.tensors))
        self.strategy.load_state_dict(
            {**checkpoint.state["strategy"], **under("strategy", checkpoint.tensors)}
        )


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """Batches in order; a last one of a single example is dropped, which has no variance."""
    return [batch for batch in order.split(size) if len(batch) > 1]


def _seed(seed: int, epoch: int, purpose: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, purpose]).generate_state(1, np.uint64)[0] >> 1)


def _generator(seed: int, epoch: int, purpose: int) -> torch.Generator:
    return torch.Generator().manual_seed(_seed(seed, epoch, purpose))


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
    named = "; ".join(empty[:3]) + (f" and {len(empty) - 3} more" if len(empty) > 3 else "")
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
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        else:
            digest.update(f"{name} {value!r}".encode())
    return digest.hexdigest()
