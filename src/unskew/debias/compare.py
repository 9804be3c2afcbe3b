"""Every method, over seeds, judged by one protocol: `compare_methods` makes the table.

A seed seeds the method and draws half of the fitting images of every subgroup, so that a method
without any randomness of its own has a spread, too: halves drawn without replacement vary as much
as samples of their size from the whole population do. The probe for leakage learns from the other
half, since what is erased exactly from the images fitted on is less well erased from others.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from unskew.corpora import CaptionedSet, ImageSet
from unskew.corpora.partition import image_digests
from unskew.debias.cells import Cell, Cells
from unskew.debias.fitting import FittingData, Labelled
from unskew.debias.methods import COMPARED, find_method, fit_method
from unskew.debias.protocol import Scores, Target, evaluate
from unskew.debias.rows import ComparisonTable, Row, chance_row, judged_row, original_row
from unskew.debias.seen import HeldOut, Seen, check_held_out, see
from unskew.errors import InputError, UnskewError

FIT_SHARE = 0.5
"""Of every subgroup's fitting images that a seed draws."""
PROBE_IMAGES = 2_000
"""At most so many of the others teach the linear probe: more change its accuracy by less than a
point, and an encoder with other towers must embed them anew."""

_log = logging.getLogger(__name__)


def compare_methods(
    encoder: Any,
    data: FittingData,
    held_out: HeldOut,
    attributes: Sequence[str],
    methods: Iterable[str] = COMPARED,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    others: Sequence[Any] = (),
    k: int | None = None,
    target: Target = "pool",
    exclude: Sequence[tuple[str, str]] = (),
    folder: Path | None = None,
    batch_size: int = 32,
) -> ComparisonTable:
    """Fit every method with every seed, and judge each on the held-out images.

    A method that cannot be fitted becomes a row that says why.

    Args:
        encoder: the model to debias.
        data: what `fitting_data` made with it.
        held_out: the image sets to judge on.
        attributes: the label columns that `data` was made with.
        methods: names in `METHODS`.
        seeds: one or more; the same number draws the same fitting images for every method.
        others: encoders that are judged as they are, such as published debiased ones.
        k, target: see `evaluate`.
        exclude: (attribute, subgroup) to leave out.
        folder: where the result of each fit is kept as soon as it is there, and found again.
        batch_size: images per forward.

    Raises:
        InputError: an unknown method, a set that cannot be judged on, images that are both fitted
            and judged on, or a folder that cannot be written.
    """
    methods = list(dict.fromkeys(methods))
    for name in methods:
        find_method(name)
    if not len(seeds):
        raise InputError("give at least one seed")
    fitted = [data.fit.images, *data.preserve_images]
    check_held_out(held_out, attributes, fitted, data.validation.images, exclude)
    bench = _Bench(
        encoder, data, held_out, tuple(attributes), k, target, tuple(exclude), batch_size, seeds[0]
    )
    cells = None if folder is None else Cells(folder, bench.settings())
    original = _kept(cells, "original", lambda: Cell(bench.judge(bench.original), None)).scores
    rows = [original_row(original), chance_row(original)]
    judged = [_other_row(bench, cells, other, original) for other in others]
    fits = tqdm([(m, s) for m in methods for s in seeds], unit="fit", disable=None)
    done: dict[str, dict[int, Cell | str]] = {name: {} for name in methods}
    for name, seed in fits:
        fits.set_description(f"{name}, seed {seed}")
        done[name][seed] = _attempt(bench, cells, name, seed)
    rows += [_method_row(name, found, original) for name, found in done.items()]
    rows += judged
    demonstration = bench.demonstration or any(o.demonstration for o in others)
    return _table(bench, rows, original, seeds, demonstration)


@dataclass(frozen=True)
class _Bench:
    """What all methods have in common. Nothing is embedded before a result is missing."""

    encoder: Any
    data: FittingData
    held_out: HeldOut
    attributes: tuple[str, ...]
    k: int | None
    target: Target
    exclude: tuple[tuple[str, str], ...]
    batch_size: int
    first_seed: int

    @property
    def sets(self) -> list[tuple[str, ImageSet | CaptionedSet]]:
        """(role, image set) of everything fitted, chosen and judged on."""
        preserve = [(f"preserve {i}", s) for i, s in enumerate(self.data.preserve_images, 1)]
        held = self.held_out.present.items()
        return [
            ("fit", self.data.fit.images),
            ("validation", self.data.validation.images),
            *preserve,
            *held,
        ]

    @property
    def demonstration(self) -> bool:
        return self.encoder.demonstration or any(s.demonstration for _, s in self.sets)

    @cached_property
    def probe(self) -> Labelled:
        """What teaches the probe of encoders that nothing is fitted for here."""
        return drawn(self.data, self.first_seed)[1]

    @cached_property
    def original(self) -> Seen:
        return self.seen_by(self.encoder, self.probe)

    def seen_by(self, encoder: Any, probe: Labelled) -> Seen:
        return see(
            encoder,
            self.held_out,
            self.attributes,
            probe,
            exclude=self.exclude,
            batch_size=self.batch_size,
        )

    def judge(self, seen: Seen) -> Scores:
        return evaluate(seen, self.k, self.target)

    def fit(self, name: str, seed: int, checkpoints: Path | None) -> Cell:
        part, probe = drawn(self.data, seed)
        start = time.perf_counter()
        debiaser = fit_method(name, self.encoder, part, seed, checkpoints)
        seconds = time.perf_counter() - start
        if debiaser.adapter is None:
            seen = replace(self.original, probe=probe).through(debiaser.heads, name)
        else:
            seen = self.seen_by(debiaser.apply(self.encoder), probe)
        return Cell(self.judge(seen), seconds)

    def settings(self) -> dict[str, Any]:
        """All that decides the result of a method and a seed."""
        return {
            "model": self.encoder.fingerprint,
            "attributes": list(self.attributes),
            "exclude": sorted(self.exclude),
            "k": self.k,
            "target": self.target,
            "probe": self.first_seed,
            "sets": {role: _set_digest(s) for role, s in self.sets},
            "words": None if self.data.words is None else _digest(self.data.words.model_dump()),
        }


def drawn(data: FittingData, seed: int) -> tuple[FittingData, Labelled]:
    """The data with half of the fitting images of every subgroup; and others, for the probe."""
    rng = np.random.default_rng(seed)
    fitted, others = [], []
    for subgroup in range(len(data.subgroups)):
        rows = rng.permutation(np.flatnonzero(data.fit.labels == subgroup))
        count = max(1, round(FIT_SHARE * len(rows)))
        fitted.append(rows[:count])
        others.append(rows[count:])
    chosen = np.sort(np.concatenate(fitted))
    rest = rng.permutation(np.concatenate(others))[:PROBE_IMAGES]
    named = data.named
    if named is not None:
        named = replace(named, caption_of=named.caption_of[chosen])
    part = replace(data, fit=data.fit.take(chosen), named=named)
    return part, data.fit.take(np.sort(rest))


def _attempt(bench: _Bench, cells: Cells | None, name: str, seed: int) -> Cell | str:
    """A result, or why there is none; a failure is tried again by the next run."""
    key = f"{name}-{seed}"
    found = None if cells is None else cells.load(key)
    if found is not None:
        return found
    checkpoints = None if cells is None else cells.checkpoints(key)
    try:
        found = bench.fit(name, seed, checkpoints)
    except UnskewError as error:
        return str(error)
    except Exception as error:  # a defect of one method must not cost the table of the others
        _log.exception("%s, seed %d", name, seed)
        return f"{type(error).__name__}: {error}"
    if cells is not None:
        cells.save(key, found)
    if checkpoints is not None and checkpoints.is_dir():
        shutil.rmtree(checkpoints)
    return found


def _kept(cells: Cells | None, key: str, make: Any) -> Cell:
    found = None if cells is None else cells.load(key)
    if found is None:
        found = make()
        if cells is not None:
            cells.save(key, found)
    return found


def _method_row(name: str, done: dict[int, Cell | str], original: Scores) -> Row:
    method = find_method(name)
    cells = {seed: c for seed, c in done.items() if isinstance(c, Cell)}
    why = {seed: c for seed, c in done.items() if isinstance(c, str)}
    times = [c.fit_seconds for c in cells.values() if c.fit_seconds is not None]
    failure = next(iter(why.values()), "")
    if why and cells:
        failure = f"seed {', '.join(map(str, why))}: {failure}"
    return judged_row(
        name,
        method.title,
        method.paper,
        {seed: cell.scores for seed, cell in cells.items()},
        original,
        fit_seconds=float(np.mean(times)) if times else None,
        failure=" ".join(failure.split()),
    )


def _table(
    bench: _Bench, rows: Sequence[Row], original: Scores, seeds: Sequence[int], demonstration: bool
) -> ComparisonTable:
    return ComparisonTable(
        model=bench.encoder.name,
        demonstration=demonstration,
        attributes=bench.data.attributes,
        subgroups=bench.data.subgroups,
        sets={role: (s.name, len(s)) for role, s in bench.sets},
        settings={
            "seeds": list(seeds),
            "target": bench.target,
            "k_in": original.in_domain.k,
            "k_out": original.out_of_domain.k if original.out_of_domain else None,
            "fit_share": FIT_SHARE,
            "probe_images": len(bench.probe),
        },
        rows=tuple(rows),
        notes=(*dict.fromkeys(s.note for _, s in bench.sets if s.note), *bench.data.notes),
    )


def _other_row(bench: _Bench, cells: Cells | None, other: Any, original: Scores) -> Row:
    key = f"other-{re.sub(r'[^A-Za-z0-9.-]+', '_', other.name)[-60:]}-{other.fingerprint[:16]}"
    cell = _kept(cells, key, lambda: Cell(bench.judge(bench.seen_by(other, bench.probe)), None))
    return judged_row(other.name, "judged as it is", "", {0: cell.scores}, original)


def _set_digest(images: ImageSet | CaptionedSet) -> str:
    """Of the pictures, and of all labels or captions."""
    said: Any = images.captions if isinstance(images, CaptionedSet) else None
    if isinstance(images, ImageSet):
        said = {c: images.labels(c).tolist() for c in images.categories}
    return _digest([[d.hex() for d in image_digests(images)], said])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
