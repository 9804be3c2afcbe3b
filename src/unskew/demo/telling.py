"""Parts of a report, as the page shows them: the same blocks, and the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import matplotlib
import numpy as np

from unskew.audit import AuditReport
from unskew.audit.blocks import Block, Heading, Paragraph, Picture, Warning
from unskew.audit.document import DEMONSTRATION, document
from unskew.audit.pictures import Planned, pictures
from unskew.audit.summary import families
from unskew.audit.wording import asked
from unskew.demo.show import Drawn, Fading, Shown, Similarities, png_address
from unskew.inside import LayerCka

Family = tuple[str, str, str, str]
_COLOURS = "cividis"
"""Reads alike with and without colour blindness, and in grey."""


def choices(report: AuditReport) -> dict[str, Family]:
    """What can be looked at closely: families of effect sizes, by a name for a list."""
    return {
        f"{category} in {dataset}, {asked(section, stimuli)}"
        + (", single prompts" if section == "contrasts" else ""): (
            dataset,
            category,
            stimuli,
            section,
        )
        for (dataset, category, stimuli, section), _ in families(report.pairs)
    }


def summary(report: AuditReport) -> list[Shown]:
    """What the report says first."""
    name = "Summary" if report.before is None else "Before and after"
    warning = [Warning(DEMONSTRATION)] if report.demonstration else []
    return [*warning, *_section(document(report), name)]


def closely(report: AuditReport, family: Family) -> list[Shown]:
    """One category: its matrix, its intervals, its pairs, and its nearest attributes."""
    dataset, category, stimuli, section = family
    planned = [p for p in pictures(report) if p.place == family]
    heading = f"{dataset}: {category}, {asked(section, stimuli)}"
    if dataset not in [d.name for d in report.datasets]:
        heading = f"Phrases: {category} ({stimuli})"
    return _drawn(_section(document(report, planned), heading), planned)


def changed(report: AuditReport, family: Family) -> list[Shown]:
    """One category before and after: a figure that fades from one to the other, and arrows."""
    if report.before is None:
        raise TypeError("a report without one from before has no changes to show")
    pairs = [
        next((p for p in pictures(r) if p.place == family), None) for r in (report.before, report)
    ]
    shown: list[Shown] = []
    if pairs[0] is not None and pairs[1] is not None:
        before, after = (png_address(p.make) for p in pairs if p is not None)
        shown.append(Fading(before, after, pairs[1].picture.alt))
    arrows = [p for p in pictures(report) if p.place == ("before and after", *family[:2])]
    return [*shown, *_drawn([p.picture for p in arrows], arrows)]


def layers(found: LayerCka) -> list[Shown]:
    """The heatmap of a CKA, and what it says in words."""
    what = f"CKA between the layers of {found.model_a} and of {found.model_b}, on a scale of 0 to 1"
    return [Drawn(png_address(found.heatmap), what), *map(Paragraph, found.summary())]


def similarities(drawn: Sequence[Drawn], texts: Sequence[str], cosines: np.ndarray) -> Similarities:
    """Cosines (pictures, texts) as a table; colours run from the lowest to the highest."""
    low, high = float(cosines.min()), float(cosines.max())
    colours = matplotlib.colormaps[_COLOURS]

    def cell(value: float) -> tuple[str, str, str]:
        place = (value - low) / (high - low) if high > low else 0.5
        ground = matplotlib.colors.to_hex(colours(place))
        return f"{value:.3f}", ground, "#ffffff" if place < 0.5 else "#000000"

    return Similarities(
        "Cosine similarity of pictures and texts",
        tuple(texts),
        tuple(
            (picture, tuple(cell(float(v)) for v in row))
            for picture, row in zip(drawn, cosines, strict=True)
        ),
    )


def _section(blocks: Sequence[Block], name: str) -> list[Shown]:
    """From a heading to the next of its level or above, as a section of the page."""
    start = next(i for i, b in enumerate(blocks) if isinstance(b, Heading) and b.text == name)
    level = blocks[start].level  # type: ignore[union-attr]
    found: list[Shown] = [Heading(2, name)]
    for block in blocks[start + 1 :]:
        if isinstance(block, Heading):
            if block.level <= level:
                break
            block = replace(block, level=3)
        found.append(block)
    return found


def _drawn(blocks: Sequence[Shown], planned: Sequence[Planned]) -> list[Shown]:
    """With pictures in place of the plans for them."""
    makers = {p.picture.file: p.make for p in planned}
    return [
        Drawn(png_address(makers[b.file]), b.alt) if isinstance(b, Picture) else b for b in blocks
    ]
