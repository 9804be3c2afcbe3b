"""The study of objectives as people read it: tables, heatmaps, and the order in words."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import stats

from unskew.classify.studies.cells import file_name
from unskew.classify.studies.objectives import ObjectiveRow, ObjectiveStudy, as_json
from unskew.classify.studies.tables import (
    SAME_IMAGES,
    Table,
    caption_of,
    spread,
    to_csv,
    to_markdown,
)
from unskew.kept import write_whole

_COLUMNS = (
    ("accuracy", "test accuracy %", 1, 100),
    ("aligned_accuracy", "aligned %", 1, 100),
    ("conflicting_accuracy", "conflicting %", 1, 100),
    ("progressive_dissimilarity", "progressive dissimilarity", 2, 1),
    ("block_share", "layers in the largest block %", 0, 100),
    ("epochs", "epochs", 0, 1),
)


def save(study: ObjectiveStudy, folder: Path) -> None:
    """Write `objectives.md`, `.csv`, `.json` and one `cka-….png` per set.

    Raises:
        InputError: the folder cannot be written.
    """
    for name in study.sets:
        write_whole(folder / picture(name), draw(study, name))
    write_whole(folder / "objectives.md", document(study))
    write_whole(folder / "objectives.csv", to_csv(tables(study)))
    content = json.dumps(as_json(study), indent=1, allow_nan=False)
    write_whole(folder / "objectives.json", content + "\n")


def picture(name: str) -> str:
    """The file of a set's heatmaps."""
    return f"cka-{file_name(name)}.png"


def tables(study: ObjectiveStudy) -> list[Table]:
    """One per set: our figures, and the paper's accuracy where it has one."""
    return [_table(study, name) for name in study.sets]


def _table(study: ObjectiveStudy, name: str) -> Table:
    rows = _rows(study, name)
    return Table(
        caption_of(name, study.sets[name], max(len(r.seeds) for r in rows)),
        ("objective", *(heading for _, heading, _, _ in _COLUMNS), "paper's accuracy %"),
        tuple(
            (
                row.objective,
                *(spread(row.figures.get(f, ()), digits, by) for f, _, digits, by in _COLUMNS),
                "" if math.isnan(row.published) else f"{row.published:.2f}",
            )
            for row in rows
        ),
    )


def document(study: ObjectiveStudy) -> str:
    """All of it in Markdown."""
    s = study.settings
    parts: list[Any] = [
        "# Six objectives on biased images",
        f"Scale: {study.scale} (ResNet18 with {s.width} channels in its first stage, batches of "
        f"{s.batch_size}, at most {s.epochs} epochs, patience {s.patience}, dropout "
        f"{s.dropout:g}). {SAME_IMAGES}",
        *study.notes,
    ]
    for name in study.sets:
        parts += [f"## {name}", _table(study, name), in_words(study, name)]
        parts += [f"{row.objective}: {row.failure}" for row in _rows(study, name) if row.failure]
        parts.append(
            f"![CKA between all layers of the networks trained on {name}, one heatmap per "
            f"objective]({picture(name)})"
        )
    return to_markdown(parts)


def in_words(study: ObjectiveStudy, name: str) -> str:
    """The order of the objectives by test accuracy, ours and the paper's."""
    done = [r for r in _rows(study, name) if r.figures]
    if len(done) < 2:
        return ""
    ours = {r.objective: float(np.mean(r.figures["accuracy"])) for r in done}
    order = sorted(done, key=lambda r: -ours[r.objective])
    said = f"Here, from the best to the worst: {', '.join(r.objective for r in order)}."
    close = _close(order)
    if close:
        said += f" Within the larger standard deviation of the best: {', '.join(close)}."
    published = {r.objective: r.published for r in done if not math.isnan(r.published)}
    if not published:
        return f"{said} The paper has no figures for this set."
    theirs = sorted(published, key=lambda o: -published[o])
    both = [(ours[o], published[o]) for o in theirs]
    said += f" In the paper: {', '.join(theirs)}."
    tau = stats.kendalltau(*zip(*both, strict=True))
    if math.isnan(tau.statistic):  # one objective, or all alike
        return said
    return (
        f"{said} Kendall's tau between the two orders is "
        f"{tau.statistic:.2f} (p = {tau.pvalue:.2f}; with {len(both)} objectives only nearly equal "
        "or opposite orders could be told from chance)."
    )


def _close(order: list[ObjectiveRow]) -> list[str]:
    best = np.asarray(order[0].figures["accuracy"])
    found = []
    for row in order[1:]:
        other = np.asarray(row.figures["accuracy"])
        if len(best) < 2 or len(other) < 2:
            continue
        if best.mean() - other.mean() <= max(best.std(ddof=1), other.std(ddof=1)):
            found.append(row.objective)
    return found


def _rows(study: ObjectiveStudy, name: str) -> list[ObjectiveRow]:
    return [row for row in study.rows if row.data == name]


@matplotlib.rc_context({"text.parse_math": False, "text.usetex": False})
def draw(study: ObjectiveStudy, name: str) -> bytes:
    """A PNG of one heatmap per objective, as Figure 1: mean over seeds, the first layer below."""
    rows = _rows(study, name)
    across = min(3, len(rows))
    down = -(-len(rows) // across)
    figure = Figure(figsize=(3.4 * across + 0.8, 3.5 * down), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(down, across, squeeze=False)
    # Read alike with and without colour blindness; undefined is grey.
    colours = matplotlib.colormaps["cividis"].with_extremes(bad="#d9d9d9")
    image = None
    for axes, row in zip(grid.flat, rows, strict=False):
        axes.set_title(row.objective, fontsize=10)
        if not row.cka.size:
            axes.text(0.5, 0.5, "not trained", ha="center", transform=axes.transAxes)
            continue
        image = axes.imshow(
            np.ma.masked_invalid(row.cka), origin="lower", cmap=colours, vmin=0, vmax=1
        )
        axes.set_xlabel("layer", fontsize=8)
        axes.set_ylabel("layer", fontsize=8)
        axes.tick_params(labelsize=7)
    if image is not None:
        figure.colorbar(image, ax=grid, fraction=0.03).set_label("CKA")
    figure.suptitle(f"Layers of ResNet18 trained on {name}", fontsize=11)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": "unskew"})
    return file.getvalue()
