"""Six objectives on biased images, and what their networks look like inside (CKA).

Table 3 and Figure 1 of Bangaru, Baru and Chakravarthula, "Interpreting Bias in the Neural
Networks: A Peek Into Representational Similarity".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import DatasetDict
from numpy.typing import NDArray
from torch import Tensor

from unskew.classify.network import Classifier
from unskew.classify.objectives import OBJECTIVES
from unskew.classify.pixels import Pixels
from unskew.classify.predict import to_float
from unskew.classify.presets import Scale, TrainSettings, preset
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
from unskew.classify.train import train
from unskew.errors import InputError
from unskew.inside import block_structure, layer_cka, progressive_dissimilarity
from unskew.kept import Kept

PRESET = "objectives"
LIMITS: dict[Scale, tuple[int | None, int | None]] = {
    "paper": (None, None),
    "small": (10_000, 5_000),
    "smoke": (1_000, 500),
}
"""Training images, and images of validation and of test, at each scale; None: all."""
CKA_BATCH = 256
CKA_IMAGES: dict[Scale, int] = {"paper": 10_000, "small": 2_048, "smoke": 256}

PUBLISHED_RATIO = 0.05
PUBLISHED = {
    "Colored MNIST": {
        "softmax-cross-entropy": 95.31,
        "binary-cross-entropy": 93.75,
        "negative-log-likelihood": 95.81,
        "l1": 95.19,
        "l2": 93.00,
        "sos": 95.00,
    },
    "Corrupted CIFAR-10": {
        "softmax-cross-entropy": 34.44,
        "binary-cross-entropy": 32.47,
        "negative-log-likelihood": 35.25,
        "l1": 25.11,
        "l2": 25.34,
        "sos": 34.81,
    },
    "BFFHQ": {
        "softmax-cross-entropy": 57.03,
        "binary-cross-entropy": 54.40,
        "negative-log-likelihood": 53.19,
        "l1": 52.53,
        "l2": 55.73,
        "sos": 49.69,
    },
}
"""Test accuracy in percent, by the paper's Table 3; 5 % of its training images conflict."""


@dataclass(frozen=True)
class ObjectiveRow:
    """One objective on one set, over seeds.

    Attributes:
        data, objective: which.
        seeds: that were trained.
        figures: name -> (seeds,): accuracy, aligned and conflicting accuracy, unbiased and
            worst-group accuracy, epochs, progressive dissimilarity and block share.
        layers: of the CKA matrix, in order.
        cka: (layers, layers), mean over seeds.
        published: test accuracy in the paper, in percent; NaN where it has none.
        failure: why seeds are missing.
    """

    data: str
    objective: str
    seeds: tuple[int, ...]
    figures: Mapping[str, tuple[float, ...]]
    layers: tuple[str, ...]
    cka: NDArray[np.float64]
    published: float
    failure: str = ""


@dataclass(frozen=True)
class ObjectiveStudy:
    """All rows, and what they were made with.

    Attributes:
        scale, settings: of all trainings.
        sets: set -> images of every split, and how many of training conflict.
        rows: of all sets and objectives.
        notes: why figures are undefined, a sentence each.
    """

    scale: Scale
    settings: TrainSettings
    sets: Mapping[str, Mapping[str, int]]
    rows: tuple[ObjectiveRow, ...]
    notes: tuple[str, ...] = ()


def study_objectives(
    sets: Mapping[str, DatasetDict],
    out: Path,
    *,
    scale: Scale = "small",
    seeds: Sequence[int] = (0, 1, 2),
    image_sizes: Mapping[str, int],
    jobs: int | None = None,
) -> ObjectiveStudy:
    """Train every objective on every set with every seed, and compare the layers of each network.

    Args:
        sets: name -> biased set; see `unskew.corpora.biased`.
        out: results are kept in its folder `cells`, from which a run that was stopped goes on.
        scale: "paper", "small" or "smoke"; see `unskew.classify.presets` and `LIMITS`.
        seeds: of network, order and dropout; the images are the same for all.
        image_sizes: side of the images of each set, in pixels.
        jobs: see `run_cells`.

    Raises:
        InputError: no sets or seeds, a set that cannot be used, no training that succeeds, or `out`
            cannot be written.
    """
    if not sets:
        raise InputError("there is no biased set to study: give at least one")
    if not seeds:
        raise InputError("give at least one seed")
    settings = preset(PRESET, scale)
    most_train, most_judged = LIMITS[scale]
    loaded = {
        name: study_data(name, data, image_sizes[name], most_train, most_judged)
        for name, data in sets.items()
    }
    cells = _cells(loaded, settings, seeds, CKA_IMAGES[scale])
    digests = {name: fingerprint(data) for name, data in loaded.items()}
    kept = Kept(out / "cells", {"scale": scale, "sets": digests}, ROOMS)
    results = run_cells(list(cells.values()), kept, jobs)
    refuse_failures(results)
    rows = tuple(
        _row(name, objective, {s: results[cells[name, objective, s].name] for s in seeds})
        for name in loaded
        for objective in OBJECTIVES
    )
    return ObjectiveStudy(
        scale,
        settings,
        {name: sizes(data) for name, data in loaded.items()},
        rows,
        tuple(note for data in loaded.values() for note in data.notes),
    )


def _cells(
    loaded: Mapping[str, StudyData], settings: TrainSettings, seeds: Sequence[int], cka_images: int
) -> dict[tuple[str, str, int], Cell]:
    """By set, objective and seed."""
    return {
        (name, objective, seed): Cell(
            file_name(f"{name}-{objective}-{seed}"),
            _run,
            {
                "data": data,
                "settings": settings,
                "objective": objective,
                "seed": seed,
                "cka_images": cka_images,
            },
        )
        for name, data in loaded.items()
        for objective in OBJECTIVES
        for seed in seeds
    }


def _run(
    data: StudyData,
    settings: TrainSettings,
    objective: str,
    seed: int,
    cka_images: int,
    checkpoints: str,
) -> Result:
    """Train, judge on the test images, and compare the layers."""
    network = settings.network(len(data.train.target_names), data.train.images.shape[-1], seed)
    trained = train(
        network,
        data.train,
        data.validation,
        settings,
        objective=objective,
        seed=seed,
        out=checkpoints,
    )
    figures = judged(trained.network, data, settings.batch_size)
    cka = layer_cka(network, _batches(network, data.test, cka_images))
    return {
        "figures": {**figures, "epochs": float(len(trained.history))},
        "layers": list(cka.layers_a),
        "cka": [[_null(v) for v in row] for row in cka.matrix.tolist()],
    }


def _batches(network: Classifier, pixels: Pixels, most: int) -> list[Tensor]:
    """At most so many images, as the network sees them, in batches of one size.

    They are drawn at random, the same for every network: batches of a set that is sorted by class
    would hold one class each.
    """
    count = min(most, len(pixels))
    count -= count % min(CKA_BATCH, count)
    rows = torch.from_numpy(np.random.default_rng(0).permutation(len(pixels))[:count])
    images = to_float(pixels.images[rows], network.device)
    return list(network.normalised(images).split(CKA_BATCH))


def _row(data: str, objective: str, results: Mapping[int, Result]) -> ObjectiveRow:
    done = {seed: r for seed, r in results.items() if FAILURE not in r}
    failures = [f"seed {seed}: {r[FAILURE]}" for seed, r in results.items() if FAILURE in r]
    matrices = [np.array(r["cka"], dtype=np.float64) for r in done.values()]
    figures: dict[str, tuple[float, ...]] = {}
    if done:
        names = next(iter(done.values()))["figures"]
        figures = {name: tuple(r["figures"][name] for r in done.values()) for name in names}
        figures["progressive_dissimilarity"] = tuple(map(progressive_dissimilarity, matrices))
        figures["block_share"] = tuple(block_structure(m).share for m in matrices)
    return ObjectiveRow(
        data=data,
        objective=objective,
        seeds=tuple(done),
        figures=figures,
        layers=tuple(next(iter(done.values()))["layers"]) if done else (),
        cka=np.mean(matrices, axis=0) if matrices else np.empty((0, 0)),
        published=PUBLISHED.get(data, {}).get(objective, math.nan),
        failure="; ".join(failures),
    )


def as_json(study: ObjectiveStudy) -> dict[str, Any]:
    """All of it, as JSON can hold it; NaN is null."""
    return {
        "scale": study.scale,
        "settings": asdict(study.settings),
        "sets": {name: dict(parts) for name, parts in study.sets.items()},
        "notes": list(study.notes),
        "rows": [
            {
                "data": row.data,
                "objective": row.objective,
                "seeds": list(row.seeds),
                "figures": {k: [_null(v) for v in values] for k, values in row.figures.items()},
                "published_accuracy_percent": _null(row.published),
                "failure": row.failure,
                "layers": list(row.layers),
                "cka": [[_null(v) for v in line] for line in row.cka.tolist()],
            }
            for row in study.rows
        ],
    }


def _null(value: float) -> float | None:
    return None if math.isnan(value) else value
