"""Two data sets side by side: where they disagree, and every pair that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from unskew.audit.blocks import Block, Heading, Paragraph, Table
from unskew.audit.differences import Difference, differences
from unskew.audit.pictures import Planned, at
from unskew.audit.wording import asked, effect, interval, p_value

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

_FOLD = 15
NOTHING_SHARED = (
    "Nothing to compare between data sets: no pair of subgroups is in both, under the same "
    "category and the same names."
)


def two_sets(
    report: AuditReport, first: str, second: str, pictures: Sequence[Planned]
) -> Iterator[Block]:
    """The section on two data sets."""
    rows = differences(report.compare_datasets(first, second), report.settings.confidence)
    yield Heading(2, f"{first} beside {second}")
    if not rows:
        yield Paragraph(NOTHING_SHARED)
        return
    yield Paragraph(disagreements_told(rows, report.settings.confidence))
    if any(r.kind for r in rows):
        yield disagreement_table(rows)
    whole = [r for r in rows if r.pair.section != "contrasts"]
    for family in dict.fromkeys((r.pair.category, r.pair.stimuli) for r in whole):
        yield from at(pictures, ("data sets", first, second, *family))
    if whole:
        yield Table(
            "The same pairs in both data sets",
            (
                "category",
                "asked",
                "subgroup A",
                "subgroup B",
                first,
                second,
                "difference",
                "interval",
                "p (Holm)",
            ),
            tuple(
                (
                    r.pair.category,
                    asked(r.pair.section, r.pair.stimuli),
                    r.pair.subgroup_a,
                    r.pair.subgroup_b,
                    f"{effect(r.pair.before)} {interval(*r.pair.before_ci)}",
                    f"{effect(r.pair.after)} {interval(*r.pair.after_ci)}",
                    effect(r.pair.change),
                    interval(r.ci_low, r.ci_high),
                    p_value(r.p_holm),
                )
                for r in whole
            ),
            folded=len(whole) > _FOLD,
        )
    yield Paragraph(
        "The interval of a difference is that of two independent samples of images, from the two "
        "intervals of d (MOVER: Zou and Donner 2008); data sets that share images are not. Other "
        "images, labels, and ways of photographing all make data sets differ: a difference is no "
        "proof that one of them is wrong."
    )


def disagreement_table(rows: Sequence[Difference]) -> Table:
    """Pairs whose effect sizes differ clearly: opposite signs first, then by size."""
    clear = sorted((r for r in rows if r.kind), key=lambda r: (r.kind or "", -abs(r.pair.change)))
    return Table(
        "Where data sets disagree",
        (
            "in",
            "category",
            "asked",
            "pair",
            "d in the first",
            "d in the second",
            "difference",
            "p (Holm)",
        ),
        tuple(
            (
                r.kind or "",
                r.pair.category,
                f"{asked(r.pair.section, r.pair.stimuli)}: {r.pair.attribute_a} / "
                f"{r.pair.attribute_b}",
                f"{r.pair.subgroup_a} / {r.pair.subgroup_b}",
                f"{r.pair.dataset_before} {effect(r.pair.before)} {interval(*r.pair.before_ci)}",
                f"{r.pair.dataset_after} {effect(r.pair.after)} {interval(*r.pair.after_ci)}",
                f"{effect(r.pair.change)} {interval(r.ci_low, r.ci_high)}",
                p_value(r.p_holm),
            )
            for r in clear
        ),
        folded=len(clear) > _FOLD,
    )


def disagreements_told(rows: Sequence[Difference], confidence: float) -> str:
    """How many pairs differ in sign and in size, in one sentence."""
    sign, size = (sum(r.kind == kind for r in rows) for kind in ("sign", "size"))
    pairs = "1 pair" if len(rows) == 1 else f"{len(rows)} pairs"
    verb = "disagrees" if sign == 1 else "disagree"
    return (
        f"Of {pairs} that two data sets share, {sign} {verb} in sign (both effects clear of 0, on "
        f"opposite sides) and {size} more in size, by Holm-corrected p below {1 - confidence:.2g}."
    )
