"""The loop of adversarial training: one forward per shard, one step of the encoder per batch."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from unskew.debias.adversary import Adversary
from unskew.debias.batches import Inputs, Shard
from unskew.debias.checkpoint import Checkpoint, Checkpoints, load_optimizer, optimizer_tensors
from unskew.debias.matrix_adam import MatrixAdam, lora_groups
from unskew.debias.modality import TERMS, Modality
from unskew.errors import InputError

if TYPE_CHECKING:
    from accelerate import Accelerator

LOSSES = "losses.jsonl"
_KEPT = ("highest", "best_score", "worse")
AS_GOOD = 0.02
"""Scores that differ by less are equal: so much they do by chance, on a few hundred images. Of
equal candidates the last is taken, whose class means are closest."""


class Towers(nn.Module):
    """Both towers behind one `forward`: the only way in, so that processes can share gradients."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Mapping[str, Inputs]) -> dict[str, Tensor]:
        """Modality -> unit embeddings (n, d), float32."""
        return {modality: self._embed(modality, batch) for modality, batch in inputs.items()}

    def _embed(self, modality: str, batch: Inputs) -> Tensor:
        tower = getattr(self.model, f"get_{modality}_features")
        accepted = inspect.signature(tower).parameters
        output = tower(**{name: value for name, value in batch.items() if name in accepted})
        features = output if torch.is_tensor(output) else output.pooler_output
        return F.normalize(features.float(), dim=1)


@dataclass
class Progress:
    """Where a run stands. ``best``: the last adapter whose score, ``best_score``, is as good as the
    ``highest``; ``worse``: evaluations since the highest."""

    step: int = 0
    highest: float | None = None
    best_score: float | None = None
    best: dict[str, Tensor] | None = None
    worse: int = 0


class Training:
    """One run. `model` is a `peft.PeftModel` whose adapter is trained in place."""

    def __init__(
        self,
        model: Any,
        modalities: Mapping[str, Modality],
        accelerator: Accelerator,
        *,
        steps: int,
        accumulation: int,
        lr: float,
        seed: int,
    ) -> None:
        self.model = model
        self.modalities = modalities
        self.accelerator = accelerator
        self.steps = steps
        self.accumulation = accumulation
        self.seed = seed
        self.progress = Progress()
        self.optimizer = MatrixAdam(lora_groups(model, lr))
        self.towers = accelerator.prepare(Towers(model))
        model.eval()
        for name, module in model.named_modules():
            if "lora_dropout" in name:
                module.train()

    def run(
        self,
        checkpoints: Checkpoints | None,
        checkpoint_every: int,
        judge: Callable[[], float] | None,
        evaluate_every: int,
        patience: int,
    ) -> None:
        """Train to the end, or until `patience` evaluations in a row were no better.

        `judge` gives the score of the model as it is, higher is better; the last one as good as the
        best is left in the model.
        """
        main = self.accelerator.is_main_process
        bar = tqdm(
            total=self.steps,
            initial=self.progress.step,
            unit="step",
            disable=None if main else True,
            leave=False,
        )
        with bar:
            for inputs in self._batches() if self.progress.worse < patience else ():
                losses = self.step(inputs)
                self._log(losses, checkpoints)
                bar.update()
                bar.set_postfix({name: f"{value:.4g}" for name, value in losses.items()})
                done = self.progress.step == self.steps
                if judge is not None and (self.progress.step % evaluate_every == 0 or done):
                    self._judge(judge)
                    done = done or self.progress.worse >= patience
                if checkpoints is not None and (done or self.progress.step % checkpoint_every == 0):
                    self._save(checkpoints)
                if done:
                    break
        if self.progress.best is not None:
            self._set_adapter(self.progress.best)

    def step(self, inputs: list[dict[str, Inputs]]) -> dict[str, float]:
        """One step of the encoder on a batch, then the adversaries' answer; its losses.

        `inputs`: what this process forwards, shard by shard.
        """
        number, rank = self.progress.step, self.accelerator.process_index
        torch.manual_seed(_draw_seed(self.seed, number, rank))  # LoRA dropout's
        for group in self.optimizer.param_groups:
            group["lr"] = group["first_lr"] * self._pace()
        sums = {m: torch.zeros(len(TERMS), device=self.accelerator.device) for m in self.modalities}
        found: dict[str, list[Tensor]] = {m: [] for m in self.modalities}
        for micro, batch in enumerate(inputs):
            last = micro == len(inputs) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.towers):
                total = self._forward(batch, micro, sums, found)
                # Processes average their gradients, and this is a sum over the whole batch.
                self.accelerator.backward(total * self.accelerator.num_processes)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._answer(found)
        self.progress.step += 1
        return self._reduced(sums)

    def _forward(
        self,
        batch: dict[str, Inputs],
        micro: int,
        sums: dict[str, Tensor],
        found: dict[str, list[Tensor]],
    ) -> Tensor:
        """The loss of a shard; its parts are added to `sums`, its embeddings to `found`."""
        with self.accelerator.autocast():
            embeddings = self.towers(batch)
        total = torch.zeros((), device=self.accelerator.device)
        for name, modality in self.modalities.items():
            shard = self._shards(modality)[micro]
            losses = modality.losses(embeddings[name], shard)
            sums[name] += losses.detach()
            found[name].append(embeddings[name].detach()[: len(shard.labelled)])
            total = total + modality.total(losses)
        return total

    def _answer(self, found: dict[str, list[Tensor]]) -> None:
        """The adversaries of every process learn from the embeddings of all."""
        for name, modality in self.modalities.items():
            shards = modality.sampler.batch(self.progress.step)
            order = [s for rank in range(self._processes) for s in shards[rank :: self._processes]]
            faces = self.accelerator.gather(torch.cat(found[name]))
            modality.update(faces, np.concatenate([s.labelled for s in order]), self._pace())

    def _pace(self) -> float:
        """The share of the learning rate that is left: it falls with the square of the way to go.

        The class means can only be brought together as exactly as the last steps are small.
        """
        return (1 - self.progress.step / self.steps) ** 2

    @property
    def _processes(self) -> int:
        return self.accelerator.num_processes

    def _shards(self, modality: Modality, step: int | None = None) -> list[Shard]:
        """What this process takes of a batch."""
        shards = modality.sampler.batch(self.progress.step if step is None else step)
        return shards[self.accelerator.process_index :: self._processes]

    def _batches(self) -> Iterator[list[dict[str, Inputs]]]:
        """The inputs of every step from here on, shard by shard, on the device."""
        steps = range(self.progress.step, self.steps)
        streams: dict[str, Generator[Inputs]] = {}
        for name, modality in self.modalities.items():
            numbers = [modality.numbers(s) for step in steps for s in self._shards(modality, step)]
            streams[name] = modality.items.batches(numbers)
        with ExitStack() as stack:
            for stream in streams.values():
                stack.callback(stream.close)
            for _ in steps:
                yield [self._next(streams) for _ in range(self.accumulation)]

    def _next(self, streams: Mapping[str, Iterator[Inputs]]) -> dict[str, Inputs]:
        return {
            name: {k: v.to(self.accelerator.device) for k, v in next(stream).items()}
            for name, stream in streams.items()
        }

    def _reduced(self, sums: dict[str, Tensor]) -> dict[str, float]:
        """The losses of the whole batch by name."""
        together = self.accelerator.reduce(torch.stack(list(sums.values())), "sum").tolist()
        named: dict[str, float] = {}
        for modality, values in zip(sums, together, strict=True):
            named |= {f"{modality}/{t}": v for t, v in zip(TERMS, values, strict=True)}
        return named

    def _log(self, losses: dict[str, float], checkpoints: Checkpoints | None) -> None:
        if not all(np.isfinite(list(losses.values()))):
            raise InputError(
                f"training diverged at step {self.progress.step}: lower learning_rate, or raise "
                "batch_size"
            )
        self.accelerator.log(losses, step=self.progress.step)
        if checkpoints is not None and self.accelerator.is_main_process:
            append_losses(checkpoints.folder / LOSSES, self.progress.step, losses)

    def _judge(self, judge: Callable[[], float]) -> None:
        score = judge()
        self.accelerator.log({"score": score}, step=self.progress.step)
        progress = self.progress
        if progress.highest is None or score > progress.highest:
            progress.highest, progress.worse = score, 0
        else:
            progress.worse += 1
        if score > progress.highest - AS_GOOD:
            progress.best_score, progress.best = score, deepcopy(self._adapter())

    def _adapter(self) -> dict[str, Tensor]:
        from peft import get_peft_model_state_dict

        return get_peft_model_state_dict(self.model, save_embedding_layers=False)

    def _set_adapter(self, state: Mapping[str, Tensor]) -> None:
        from peft import set_peft_model_state_dict

        place = self.accelerator.device
        set_peft_model_state_dict(self.model, {k: v.to(place) for k, v in state.items()})

    def _parts(self) -> Iterator[tuple[str, Adversary]]:
        for name, modality in self.modalities.items():
            for attribute, adversary in modality.adversaries.items():
                yield f"adversary.{name}.{attribute}.", adversary

    def _save(self, checkpoints: Checkpoints) -> None:
        """Adapter, adversaries, optimisers and step: no weight of the base model."""
        if not self.accelerator.is_main_process:
            return
        tensors = {f"adapter.{k}": v for k, v in self._adapter().items()}
        tensors |= {f"best.{k}": v for k, v in (self.progress.best or {}).items()}
        tensors |= optimizer_tensors(self.optimizer, "optimizer.")
        for prefix, adversary in self._parts():
            tensors |= {f"{prefix}state.{k}": v for k, v in adversary.state_dict().items()}
            tensors |= optimizer_tensors(adversary.optimizer, f"{prefix}optimizer.")
        state = {name: getattr(self.progress, name) for name in _KEPT}
        checkpoints.save(Checkpoint(self.progress.step, tensors, state))

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from there."""
        tensors = checkpoint.tensors
        self._set_adapter(_below(tensors, "adapter."))
        load_optimizer(self.optimizer, "optimizer.", tensors)
        for prefix, adversary in self._parts():
            adversary.restore(_below(tensors, f"{prefix}state."))
            load_optimizer(adversary.optimizer, f"{prefix}optimizer.", tensors)
        self.progress = Progress(
            checkpoint.step,
            best=_below(tensors, "best.") or None,
            **{name: checkpoint.state[name] for name in _KEPT},
        )


def append_losses(path: Path, step: int, losses: Mapping[str, float]) -> None:
    """One line of JSON per step.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **losses}) + "\n")
    except OSError as error:
        raise InputError(f"cannot write to {path}: {error.strerror or error}") from error


def cut_losses(path: Path, step: int) -> None:
    """Drop the lines after `step`, which will be written again; a cut line ends what is kept.

    Raises InputError if the file cannot be written; the old one is then still there.
    """
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8").splitlines()[:step]
    new = path.with_suffix(".new")
    try:
        new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        os.replace(new, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _draw_seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
