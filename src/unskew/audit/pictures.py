"""Which pictures a report has, and what each one shows in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from unskew.audit.blocks import Picture, anchor
from unskew.audit.summary import families

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

Place = tuple[str, ...]
"""Where a picture belongs: the family of its rows, or ("data sets", first, second, ...)."""

_MATRIX = range(3, 21)
"""Numbers of subgroups for which a matrix says more than a list and can still be read."""


@dataclass(frozen=True)
class Planned:
    place: Place
    picture: Picture
    make: Callable[[Path], object]


def pictures(report: AuditReport) -> list[Planned]:
    """Heatmap and bars of every family of whole attribute sets; bars for every two data sets."""
    from unskew.audit import figures

    planned: list[Planned] = []

    def plan(place: Place, kind: str, alt: str, make: Callable[[Path], object]) -> None:
        file = f"figures/{len(planned) + 1:02d}-{anchor(' '.join((*place, kind)))}.png"
        planned.append(Planned(place, Picture(file, alt), make))

    for family, rows in families(report.pairs):
        dataset, category, _, section = family
        if section == "contrasts":
            continue
        what = f"effect sizes between the subgroups of {category} in {dataset}"
        if len({n for r in rows for n in (r.subgroup_a, r.subgroup_b)}) in _MATRIX:
            plan(family, "heatmap", f"Matrix of {what}", partial(figures.heatmap, rows))
        plan(family, "bars", f"Bars with intervals: {what}", partial(figures.bars, rows))
    for first, second in combinations([d.name for d in report.datasets], 2):
        shared = [r for r in report.compare_datasets(first, second) if r.section == "attributes"]
        for category in dict.fromkeys(r.category for r in shared):
            rows_shown = [r for r in shared if r.category == category]
            plan(
                ("data sets", first, second, category),
                "side-by-side",
                f"Effect sizes for {category} in {first} and in {second}, with intervals",
                partial(figures.side_by_side, rows_shown),
            )
    return planned


def draw(planned: Planned, folder: Path) -> None:
    """Make the picture below ``folder``."""
    planned.make(folder / planned.picture.file)


def at(planned: Sequence[Planned], place: Place) -> list[Picture]:
    """The pictures that belong at ``place``."""
    return [p.picture for p in planned if p.place == place]
