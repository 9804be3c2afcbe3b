"""Do pseudo-groups from a vision-language model make a classifier fairer?

Tables 2, 3 and 4 and Figures 2 and 3 of Zhang and Chunara, "Leveraging vision-language models for
fair facial attribute classification", with its baselines under one training loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unskew.classify.network import Classifier
from unskew.classify.objectives import OBJECTIVES
from unskew.classify.predict import predict
from unskew.classify.presets import Scale, TrainSettings, preset
from unskew.classify.pseudo_groups import pseudo_groups
from unskew.classify.strategies import bias_pseudo_attributes, just_train_twice, make_strategy
from unskew.classify.strategy import Strategy
from unskew.classify.studies.cells import (
    FAILURE,
    ROOMS,
    Cell,
    Result,
    file_name,
    refuse_failures,
    run_cells,
)
from unskew.classify.studies.data import StudyData, fingerprint, judged, sizes, study_data
from unskew.classify.studies.vlm_methods import NONE, Variant, chosen, variants_of
from unskew.classify.train import train
from unskew.classify.trained import Trained
from unskew.errors import InputError
from unskew.kept import Kept
from unskew.measures import PartitionAgreement, adjusted_rand_index
from unskew.stimuli import load_descriptions

Ints = NDArray[np.int64]

PRESET = "vlm-debias"
IMAGE_SIZES: dict[Scale, int] = {"paper": 224, "small": 32, "smoke": 32}
LIMITS: dict[Scale, tuple[int | None, int | None]] = {
    "paper": (None, None),
    "small": (20_000, 4_000),
    "smoke": (500, 400),
}
"""Training images, and images of validation and of test, at each scale; None: all."""
JTT_SHARE, JTT_TIMES = 0.2, 5.0
"""Of the epochs, how many the first training of JTT takes; how much its errors then count."""


@dataclass(frozen=True)
class Task:
    """What a classifier is to tell, and the attribute by which it should not differ.

    Attributes:
        name: such as "UTKFace: gender by age".
        data: see `unskew.corpora.biased`.
        described: the attribute, as `load_descriptions` knows it; None where no model is to see it,
            and only the methods without groups, or with the labelled ones, are studied.
        image_size: side in pixels; None: `IMAGE_SIZES`.
    """

    name: str
    data: DatasetDict
    described: str | None
    image_size: int | None = None


@dataclass(frozen=True)
class Seen:
    """The training images of a task, as a network trained without intervention sees them.

    Attributes:
        features: float32 (n, d), what the last layer sees.
        losses: float64 (n,), cross-entropy.
        targets, true, pseudo: int64 (n,); the class, the labelled attribute, the pseudo-group.
        target_names, attribute_names: of their numbers.
    """

    features: NDArray[np.float32]
    losses: NDArray[np.float64]
    targets: Ints
    true: Ints
    pseudo: Ints
    target_names: tuple[str, ...]
    attribute_names: tuple[str, ...]


@dataclass(frozen=True)
class VlmRow:
    """One method on one task, over seeds.

    Attributes:
        task, method: which.
        ari: adjusted Rand index of the groups used with the labelled ones; NaN where none are used.
        seeds: that were trained.
        figures: name -> (seeds,): accuracy, aligned and conflicting accuracy, unbiased and
            worst-group accuracy, group STD, epochs, and which of them was the best (from 1).
        failure: why seeds are missing.
    """

    task: str
    method: str
    ari: float
    seeds: tuple[int, ...]
    figures: Mapping[str, tuple[float, ...]]
    failure: str = ""


@dataclass(frozen=True)
class VlmStudy:
    """All rows, and what they were made with.

    Attributes:
        scale, settings: of all trainings.
        model: that saw the pseudo-groups, a demonstration only if `demonstration`.
        sets: task -> images of every split, and how many of training conflict.
        agreements: task -> of the pseudo-groups with the labelled ones, on the training images.
        rows: of all methods.
        seen: task -> what a network without intervention, of the first seed, makes of the training
            images.
        notes: pseudo-groups without an image, and why figures are undefined, a sentence each.
    """

    scale: Scale
    settings: TrainSettings
    model: str
    demonstration: bool
    sets: Mapping[str, Mapping[str, int]]
    agreements: Mapping[str, PartitionAgreement]
    rows: tuple[VlmRow, ...]
    seen: Mapping[str, Seen]
    notes: tuple[str, ...] = ()

    def row(self, task: str, method: str) -> VlmRow:
        """The row of a method on a task."""
        return next(r for r in self.rows if (r.task, r.method) == (task, method))


def study_vlm_debias(
    tasks: Sequence[Task],
    encoder: Any,
    out: Path,
    *,
    scale: Scale = "small",
    seeds: Sequence[int] = (0, 1, 2),
    methods: Sequence[str] | None = None,
    ablations: bool = False,
    jobs: int | None = None,
) -> VlmStudy:
    """Train every method on every task with every seed.

    Args:
        tasks: of different names.
        encoder: the `DualEncoder` that sees the pseudo-groups.
        out: results are kept in its folder `cells`, from which a run that was stopped goes on.
        scale: "paper", "small" or "smoke"; see `unskew.classify.presets`.
        seeds: of network, order and augmentation; the images are the same for all.
        methods: names of rows; all by default. No intervention is always among them.
        ablations: also vary the momentum, and correct a part of the pseudo-groups.
        jobs: see `run_cells`.

    Raises:
        InputError: no tasks or seeds, an unknown method, a set that cannot be used, no training
            that succeeds, or `out` cannot be written.
    """
    if not tasks or not seeds:
        missing = "seed" if tasks else "task, a biased set to study"
        raise InputError(f"give at least one {missing}")
    settings = preset(PRESET, scale)
    loaded = {
        t.name: study_data(t.name, t.data, t.image_size or IMAGE_SIZES[scale], *LIMITS[scale])
        for t in tasks
    }
    pseudo, notes = _look(tasks, encoder, loaded)
    true = {name: data.train.attributes.numpy() for name, data in loaded.items()}
    agreements = {name: adjusted_rand_index(found, true[name]) for name, found in pseudo.items()}
    rows = {
        name: variants_of(labels, pseudo.get(name), agreements.get(name), ablations)
        for name, labels in true.items()
    }
    variants = chosen(rows, methods)
    kept = _kept(out, scale, encoder, tasks, loaded)
    cells = {
        (name, variant.method, seed): _cell(data, settings, variant, seed, kept)
        for name, data in loaded.items()
        for variant in variants[name]
        for seed in seeds
    }
    found = _results(cells, kept, jobs)
    return VlmStudy(
        scale=scale,
        settings=settings,
        model=encoder.name,
        demonstration=encoder.demonstration,
        sets={name: sizes(data) for name, data in loaded.items()},
        agreements=agreements,
        rows=_rows(variants, found, seeds),
        seen={
            name: _seen(cells[name, NONE, seeds[0]], kept, groups)
            for name, groups in pseudo.items()
            if FAILURE not in found[name, NONE, seeds[0]]
        },
        notes=notes,
    )


def _look(
    tasks: Sequence[Task], encoder: Any, loaded: Mapping[str, StudyData]
) -> tuple[dict[str, Ints], tuple[str, ...]]:
    """The pseudo-groups of every task that has any, and the notes on them and on the data."""
    pseudo, notes = {}, []
    for task in tasks:
        data = loaded[task.name]
        if task.described:
            found, beware = pseudo_attributes(encoder, task.described, task.data["train"], data)
            pseudo[task.name] = found
            notes += [f"{task.name}: {note}." for note in beware]
        notes += data.notes
    return pseudo, tuple(notes)


def _kept(
    out: Path, scale: Scale, encoder: Any, tasks: Sequence[Task], loaded: Mapping[str, StudyData]
) -> Kept:
    settings = {
        "scale": scale,
        "model": encoder.fingerprint,
        "described": {task.name: task.described for task in tasks},
        "sets": {name: fingerprint(data) for name, data in loaded.items()},
    }
    return Kept(out / "cells", settings, ROOMS)


Place = tuple[str, str, int]
"""Of a cell: task, method and seed."""


def _results(cells: Mapping[Place, Cell], kept: Kept, jobs: int | None) -> dict[Place, Result]:
    # BPA starts from the network of no intervention, so these come first.
    first = [cell for (_, method, _), cell in cells.items() if method == NONE]
    rest = [cell for (_, method, _), cell in cells.items() if method != NONE]
    found = run_cells(first, kept, jobs) | run_cells(rest, kept, jobs)
    refuse_failures(found)
    return {place: found[cell.name] for place, cell in cells.items()}


def pseudo_attributes(
    encoder: Any, attribute: str, train_set: Dataset, data: StudyData
) -> tuple[Ints, tuple[str, ...]]:
    """The attribute of each training image as the encoder sees it, in the numbers of the labels.

    The descriptions may have names of their own: each takes the number of the label that it agrees
    with most, which changes no group. With it come the notes of `PseudoGroups`.
    """
    images = train_set.select(data.rows)["image"]
    found = pseudo_groups(encoder, images, load_descriptions().attribute(attribute).default)
    labels = data.train.attributes.numpy()
    count = max(len(found.names), len(data.train.attribute_names))
    table = np.zeros((count, count), dtype=np.int64)
    np.add.at(table, (found.labels, labels), 1)
    number = linear_sum_assignment(table, maximize=True)[1]
    return number[found.labels].astype(np.int64), found.notes


def _cell(
    data: StudyData, settings: TrainSettings, variant: Variant, seed: int, kept: Kept
) -> Cell:
    arguments = {
        "data": data,
        "settings": settings,
        "strategy": variant.strategy,
        "attributes": variant.attributes,
        "options": dict(variant.options),
        "seed": seed,
        "plain": str(kept.checkpoints(file_name(f"{data.name}-{NONE}-{seed}"))),
    }
    return Cell(file_name(f"{data.name}-{variant.method}-{seed}"), _run, arguments)


def _run(
    data: StudyData,
    settings: TrainSettings,
    strategy: str,
    attributes: Ints | None,
    options: Mapping[str, float],
    seed: int,
    plain: str,
    checkpoints: str,
) -> Result:
    """Train and judge on the test images. `plain`: checkpoints of no intervention."""
    first = {"bpa": plain, "jtt": str(Path(checkpoints) / "first")}.get(strategy, "")
    how = _strategy(data, settings, strategy, attributes, options, seed, first)
    trained = _trained(data, settings, how, seed, checkpoints)
    figures = judged(trained.network, data, settings.batch_size)
    figures |= {"epochs": float(len(trained.history)), "best_epoch": trained.best_epoch + 1.0}
    return {"figures": figures}


def _trained(
    data: StudyData, settings: TrainSettings, strategy: Strategy | None, seed: int, checkpoints: str
) -> Trained:
    """Trained, or taken from the checkpoint of a run that is over."""
    return train(
        _network(data, settings, seed),
        data.train,
        data.validation,
        settings,
        strategy=strategy,
        seed=seed,
        out=checkpoints,
    )


def _network(data: StudyData, settings: TrainSettings, seed: int) -> Classifier:
    return settings.network(len(data.train.target_names), data.train.images.shape[-1], seed)


def jtt_epochs(settings: TrainSettings) -> int:
    """Of the first training of JTT."""
    return max(1, round(JTT_SHARE * settings.epochs))


def _strategy(
    data: StudyData,
    settings: TrainSettings,
    name: str,
    attributes: Ints | None,
    options: Mapping[str, float],
    seed: int,
    first: str,
) -> Strategy:
    """`first`: checkpoints of the first training, of a strategy that has one."""
    common = (_network(data, settings, seed), data.train, data.validation, settings)
    if name == "jtt":
        epochs = jtt_epochs(settings)
        return just_train_twice(*common, epochs=epochs, times=JTT_TIMES, seed=seed, out=first)
    if name == "bpa":
        return bias_pseudo_attributes(*common, seed=seed, out=first)
    return make_strategy(name, data.train.targets.numpy(), attributes, seed, **options)


def _seen(cell: Cell, kept: Kept, pseudo: Ints) -> Seen:
    """What the network of a finished cell without intervention makes of its training images."""
    data, settings, seed = (cell.arguments[name] for name in ("data", "settings", "seed"))
    trained = _trained(data, settings, None, seed, str(kept.checkpoints(cell.name)))
    found = predict(trained.network, data.train, settings.batch_size)
    losses = OBJECTIVES["softmax-cross-entropy"](torch.from_numpy(found.logits), data.train.targets)
    return Seen(
        features=found.features,
        losses=losses.double().numpy(),
        targets=data.train.targets.numpy(),
        true=data.train.attributes.numpy(),
        pseudo=pseudo,
        target_names=data.train.target_names,
        attribute_names=data.train.attribute_names,
    )


def _rows(
    variants: Mapping[str, Sequence[Variant]],
    found: Mapping[Place, Result],
    seeds: Sequence[int],
) -> tuple[VlmRow, ...]:
    return tuple(
        _row(task, variant, {seed: found[task, variant.method, seed] for seed in seeds})
        for task, of_task in variants.items()
        for variant in of_task
    )


def _row(task: str, variant: Variant, results: Mapping[int, Result]) -> VlmRow:
    done = {seed: r["figures"] for seed, r in results.items() if FAILURE not in r}
    failures = [f"seed {seed}: {r[FAILURE]}" for seed, r in results.items() if FAILURE in r]
    names = next(iter(done.values())) if done else ()
    figures = {name: tuple(f[name] for f in done.values()) for name in names}
    return VlmRow(task, variant.method, variant.ari, tuple(done), figures, "; ".join(failures))
