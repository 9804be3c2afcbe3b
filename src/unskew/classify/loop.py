"""Epoch by epoch: draw, learn, judge, save. `train` sets it up."""

from __future__ import annotations

import math

import numpy as np
import torch
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
from unskew.classify.network import Classifier
from unskew.classify.objectives import Objective
from unskew.classify.pixels import Pixels
from unskew.classify.predict import channels_last, lay_out, predict, scores, to_float
from unskew.classify.presets import TrainSettings
from unskew.classify.strategy import Strategy
from unskew.errors import InputError

_SAMPLE, _AUGMENT, _DROPOUT = range(3)
"""What a generator is for; part of its seed."""


class Loop:
    """One run. Every random draw follows from its seed and the number of the epoch."""

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
