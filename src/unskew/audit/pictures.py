"""Which pictures a report has, and what each one shows in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from unskew.audit.blocks import Picture, anchor
from unskew.audit.compare import Comparison
from unskew.audit.summary import families

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

Place = tuple[str, ...]
"""Where a picture belongs: the family of its rows, ("data sets", first, second, category,
stimuli), or ("before and after", data set, category)."""

_MATRIX = range(3, 21)
"""Numbers of subgroups for which a matrix says more than a list and can still be read."""

_SLUG = 60
"""Characters of a place kept in a file name; the running number alone makes it unique."""


@dataclass(frozen=True)
class Planned:
    place: Place
    picture: Picture
    make: Callable[[Path], object]


def pictures(report: AuditReport) -> list[Planned]:
    """Heatmap and bars of every family of whole attribute sets; bars for every two data sets;
    arrows from before to after for every data set and category.

    Rows without a defined effect size have no place in a picture: their table says why.
    """
    from unskew.audit import figures

    planned: list[Planned] = []

    def plan(place: Place, kind: str, alt: str, make: Callable[[Path], object]) -> None:
        slug = anchor(" ".join(place))[:_SLUG].strip("-")
        file = f"figures/{len(planned) + 1:02d}-{kind}-{slug}.png"
        planned.append(Planned(place, Picture(file, alt), make))

    for family, rows in families(r for r in report.pairs if not math.isnan(r.effect_size)):
        dataset, category, stimuli, section = family
        if section == "contrasts":
            continue
        what = f"effect sizes between the subgroups of {category} in {dataset} ({stimuli})"
        if len({n for r in rows for n in (r.subgroup_a, r.subgroup_b)}) in _MATRIX:
            plan(family, "heatmap", f"Matrix of {what}", partial(figures.heatmap, rows))
        plan(family, "bars", f"Bars with intervals: {what}", partial(figures.bars, rows))
    for first, second in combinations([d.name for d in report.datasets], 2):
        for (category, stimuli), shared in _shared(report, first, second).items():
            plan(
                ("data sets", first, second, category, stimuli),
                "side-by-side",
                f"Effect sizes for {category} in {first} and in {second} ({stimuli}), "
                "with intervals",
                partial(figures.side_by_side, shared),
            )
    for (dataset, category), changes in _moved(report).items():
        plan(
            ("before and after", dataset, category),
            "arrows",
            f"Effect sizes for {category} in {dataset} before and after, with intervals",
            partial(figures.moved, changes),
        )
    return planned


def _moved(report: AuditReport) -> dict[tuple[str, str], list[Comparison]]:
    """Pairs whose effect size is defined before and after, by data set and category; where
    nothing moved there is nothing to draw."""
    found: dict[tuple[str, str], list[Comparison]] = {}
    for row in report.changes():
        if row.section != "contrasts" and not math.isnan(row.change):
            found.setdefault((row.dataset_after, row.category), []).append(row)
    return {k: rows for k, rows in found.items() if any(r.moved for r in rows)}


def _shared(
    report: AuditReport, first: str, second: str
) -> dict[tuple[str, str], list[Comparison]]:
    """Pairs whose effect size is defined in both data sets, by category and stimuli."""
    found: dict[tuple[str, str], list[Comparison]] = {}
    for row in report.compare_datasets(first, second):
        if row.section == "attributes" and not math.isnan(row.change):
            found.setdefault((row.category, row.stimuli), []).append(row)
    return found


def draw(planned: Planned, folder: Path) -> None:
    """Make the picture below ``folder``."""
    planned.make(folder / planned.picture.file)


def at(planned: Sequence[Planned], place: Place) -> list[Picture]:
    """The pictures that belong at ``place``."""
    return [p.picture for p in planned if p.place == place]
