"""The study of VLM-debias as people read it: tables, and figures of agreement and features."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unskew.classify.loss_table import LossCell, loss_table
from unskew.classify.representation import draw_representation
from unskew.classify.studies.cells import file_name
from unskew.classify.studies.tables import (
    SAME_IMAGES,
    Table,
    caption_of,
    spread,
    to_csv,
    to_markdown,
)
from unskew.classify.studies.vlm_debias import JTT_TIMES, Seen, VlmRow, VlmStudy, jtt_epochs
from unskew.classify.studies.vlm_methods import NONE, OURS, TRUE
from unskew.kept import write_whole

FIGURES = (
    ("unbiased_accuracy", "unbiased accuracy %", 1, 100),
    ("worst_group_accuracy", "worst-group accuracy %", 1, 100),
    ("group_std", "group STD %", 2, 100),
    ("accuracy", "accuracy %", 1, 100),
    ("aligned_accuracy", "aligned %", 1, 100),
    ("conflicting_accuracy", "conflicting %", 1, 100),
    ("best_epoch", "best epoch", 0, 1),
)
CURVE = "worst-group-by-ari.png"


def save(study: VlmStudy, folder: Path) -> None:
    """Write `vlm-debias.md`, `.csv`, `.json`, and then the figures.

    Raises:
        InputError: the folder cannot be written, or features cannot be drawn.
    """
    write_whole(folder / "vlm-debias.md", document(study))
    write_whole(folder / "vlm-debias.csv", to_csv(tables(study)))
    content = json.dumps(as_json(study), indent=1, allow_nan=False)
    write_whole(folder / "vlm-debias.json", content + "\n")
    if study.agreements:
        write_whole(folder / CURVE, draw_curve(study))
    for name, seen in study.seen.items():
        for target, names in enumerate(seen.target_names):
            write_whole(folder / features_picture(name, names), _features(name, seen, target))


def tables(study: VlmStudy) -> list[Table]:
    """Agreement of the pseudo-groups, the methods, and what they gain over no intervention."""
    return [
        *([_agreement(study)] if study.agreements else ()),
        *(_methods(study, name) for name in study.sets),
        _gains(study),
        *(_losses(name, seen) for name, seen in study.seen.items()),
    ]


def _agreement(study: VlmStudy) -> Table:
    return Table(
        f"Adjusted Rand index of the pseudo-groups seen by {study.model} with the labelled "
        "attribute, training images [95 % interval]",
        ("task", "index", "images"),
        tuple(
            (name, f"{a.adjusted_rand_index:.3f} [{a.ci_low:.3f}, {a.ci_high:.3f}]", str(a.n))
            for name, a in study.agreements.items()
        ),
    )


def _methods(study: VlmStudy, name: str) -> Table:
    rows = [row for row in study.rows if row.task == name]
    return Table(
        caption_of(name, study.sets[name], max(len(r.seeds) for r in rows)),
        ("method", "ARI of its groups", *(heading for _, heading, _, _ in FIGURES)),
        tuple(
            (
                row.method,
                "" if math.isnan(row.ari) else f"{row.ari:.2f}",
                *(spread(row.figures.get(f, ()), digits, by) for f, _, digits, by in FIGURES),
            )
            for row in rows
        ),
    )


def _gains(study: VlmStudy) -> Table:
    tasks: dict[str, int] = Counter(row.method for row in study.rows if row.method != NONE)
    return Table(
        "Over no intervention, in points: mean ± standard deviation over the tasks that have the "
        "method, and seeds",
        ("method", "tasks", *(heading.removesuffix(" %") for _, heading, _, _ in FIGURES[:3])),
        tuple(
            (method, str(n), *(spread(gains(study, method, f), d) for f, _, d, _ in FIGURES[:3]))
            for method, n in tasks.items()
        ),
    )


def _losses(name: str, seen: Seen) -> Table:
    """Table 3."""
    names = seen.attribute_names
    found = loss_table(seen.losses, seen.true, seen.pseudo, names, names)
    return Table(
        f"{name}: training loss without intervention, first seed, by labelled attribute and "
        "pseudo-group [95 % interval over images]",
        ("labelled", "pseudo-group", "images", "mean loss"),
        tuple((c.true, c.predicted, str(c.n), _mean_loss(c)) for c in found.cells),
    )


def _mean_loss(cell: LossCell) -> str:
    if not cell.n:
        return cell.reason
    interval = cell.reason or f"{cell.low:.3f}, {cell.high:.3f}"
    return f"{cell.mean:.3f} [{interval}]"


def features_picture(task: str, target: str) -> str:
    """The file of the features of one class."""
    return f"features-{file_name(f'{task} {target}')}.png"


def _features(name: str, seen: Seen, target: int) -> bytes:
    """A PNG of the features of one class, by predicted and by true attribute (Figure 2)."""
    rows = np.flatnonzero(seen.targets == target)
    file = io.BytesIO()
    draw_representation(
        seen.features[rows],
        seen.pseudo[rows],
        seen.true[rows],
        seen.attribute_names,
        seen.attribute_names,
        file,
        title=f"{name}: {seen.target_names[target]}, trained without intervention (t-SNE)",
    )
    return file.getvalue()


def gains(study: VlmStudy, method: str, figure: str) -> list[float]:
    """What a method has more than no intervention with the same seed, over its tasks and seeds."""
    found = []
    for name in dict.fromkeys(row.task for row in study.rows if row.method == method):
        first, second = (study.row(name, m) for m in (NONE, method))
        before = dict(zip(first.seeds, first.figures.get(figure, ()), strict=True))
        after = dict(zip(second.seeds, second.figures.get(figure, ()), strict=True))
        found += [after[seed] - before[seed] for seed in before if seed in after]
    return found


def document(study: VlmStudy) -> str:
    """All of it in Markdown."""
    s = study.settings
    parts: list[Any] = [
        "# Pseudo-groups from a vision-language model",
        f"Scale: {study.scale} (ResNet18 with {s.width} channels in its first stage, batches of "
        f"{s.batch_size}, {s.epochs} epochs; the best epoch by {s.select.replace('_', ' ')} on "
        "validation images, whose groups are known). Groups are class x attribute; methods "
        "without an ARI use none. JTT counts the errors of a first training of "
        f"{jtt_epochs(s)} epochs {JTT_TIMES:g} times; BPA, GroupDRO and VLM-debias have the "
        f"constants of their papers. {SAME_IMAGES}",
        *study.notes,
    ]
    if study.demonstration and study.agreements:
        parts.append(
            f"**{study.model} is for demonstration: its pseudo-groups are no evidence of what "
            "larger models see. It learnt from labelled faces of UTKFace's training part, so that "
            "its agreement with their labels is flattered.**"
        )
    parts += tables(study)
    parts += [f"{r.task}, {r.method}: {r.failure}" for r in study.rows if r.failure]
    if study.agreements:
        parts.append(
            f"![Worst-group accuracy of VLM-debias by the agreement of its groups, one panel per "
            f"task]({CURVE})"
        )
    for name, seen in study.seen.items():
        for target in seen.target_names:
            alt = f"t-SNE of the features of {target}, by predicted and by true attribute"
            parts.append(f"![{name}: {alt}]({features_picture(name, target)})")
    return to_markdown(parts)


def as_json(study: VlmStudy) -> dict[str, Any]:
    """All figures, as JSON can hold them; NaN is null."""
    return {
        "scale": study.scale,
        "settings": asdict(study.settings),
        "model": study.model,
        "demonstration": study.demonstration,
        "sets": {name: dict(parts) for name, parts in study.sets.items()},
        "notes": list(study.notes),
        "agreements": {
            name: {
                "adjusted_rand_index": _null(a.adjusted_rand_index),
                "ci_low": _null(a.ci_low),
                "ci_high": _null(a.ci_high),
                "n": a.n,
            }
            for name, a in study.agreements.items()
        },
        "rows": [
            {
                "task": row.task,
                "method": row.method,
                "ari": _null(row.ari),
                "seeds": list(row.seeds),
                "figures": {k: [_null(v) for v in values] for k, values in row.figures.items()},
                "failure": row.failure,
            }
            for row in study.rows
        ],
    }


def _null(value: float) -> float | None:
    return None if math.isnan(value) else value


@matplotlib.rc_context({"text.parse_math": False, "text.usetex": False})
def draw_curve(study: VlmStudy) -> bytes:
    """A PNG of worst-group accuracy by the ARI of the groups (Figure 3); bars are one deviation."""
    figure = Figure(figsize=(4.4 * len(study.agreements), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(study.agreements), squeeze=False)[0]
    for axes, name in zip(panels, study.agreements, strict=True):
        rows = [
            row
            for row in study.rows
            if row.task == name and (row.method in (OURS, TRUE) or "corrected" in row.method)
        ]
        points = sorted((row.ari, *_mean_and_sd(row)) for row in rows if row.figures)
        if points:
            x, y, bars = zip(*points, strict=True)
            axes.errorbar(x, y, yerr=bars, color="#4b2c83", marker="o", capsize=2, label=OURS)
        plain = study.row(name, NONE)
        if plain.figures:
            level = _mean_and_sd(plain)[0]
            axes.axhline(level, color="#b35806", linestyle="--", label=NONE)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("adjusted Rand index of the groups")
        axes.set_ylabel("worst-group accuracy %")
        if axes.has_data():
            axes.legend(fontsize=8)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": "unskew"})
    return file.getvalue()


def _mean_and_sd(row: VlmRow) -> tuple[float, float]:
    values: Sequence[float] = row.figures["worst_group_accuracy"]
    spread_ = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return 100 * float(np.mean(values)), 100 * spread_
