"""The same pair of subgroups in two reports, or in two data sets of one report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unskew.audit.rows import PairRow
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

_ROUNDING = 1e-6


@dataclass(frozen=True)
class Comparison:
    """The same pair in two reports, or in two data sets of one report."""

    category: str
    stimuli: str
    section: str
    attribute_a: str
    attribute_b: str
    subgroup_a: str
    subgroup_b: str
    dataset_before: str
    dataset_after: str
    before: float
    before_ci: tuple[float, float]
    after: float
    after_ci: tuple[float, float]
    change: float
    favoured_before: str | None
    favoured_after: str | None
    clear_before: bool
    clear_after: bool

    @property
    def moved(self) -> bool:
        """The effect size changed by more than rounding."""
        return not abs(self.change) < _ROUNDING

    @property
    def disagree(self) -> bool:
        """Both intervals exclude zero, on opposite sides."""
        return (self.before_ci[0] > 0 and self.after_ci[1] < 0) or (
            self.before_ci[1] < 0 and self.after_ci[0] > 0
        )


def match_pairs(
    before: Iterable[PairRow], after: Iterable[PairRow], by_dataset: bool
) -> list[Comparison]:
    """Pair up rows that ask the same; a pair named the other way round has its sign turned."""

    def key(r: PairRow) -> tuple[object, ...]:
        pair = frozenset((r.subgroup_a, r.subgroup_b))
        where = r.dataset if by_dataset else ""
        return (where, r.category, r.stimuli, r.section, r.attribute_a, r.attribute_b, pair)

    others = {key(r): r for r in after}
    matched = []
    for row in before:
        other = others.get(key(row))
        if other is None:
            continue
        turned = other.subgroup_a != row.subgroup_a
        d = -other.effect_size if turned else other.effect_size
        ci = (-other.ci_high, -other.ci_low) if turned else (other.ci_low, other.ci_high)
        matched.append(
            Comparison(
                category=row.category,
                stimuli=row.stimuli,
                section=row.section,
                attribute_a=row.attribute_a,
                attribute_b=row.attribute_b,
                subgroup_a=row.subgroup_a,
                subgroup_b=row.subgroup_b,
                dataset_before=row.dataset,
                dataset_after=other.dataset,
                before=row.effect_size,
                before_ci=(row.ci_low, row.ci_high),
                after=d,
                after_ci=ci,
                change=d - row.effect_size,
                favoured_before=row.favoured,
                favoured_after=other.favoured,
                clear_before=row.clear,
                clear_after=other.clear,
            )
        )
    return matched


def refuse_other_questions(before: AuditReport, after: AuditReport) -> None:
    """Raise InputError unless both reports are of the same images, stimuli and settings."""

    def asked(r: AuditReport) -> dict[str, object]:
        return {
            "settings": r.settings,
            "stimuli": r.stimuli,
            "images": [(d.name, d.n_images, d.counts) for d in r.datasets],
            "ranking lengths": [(w.dataset, w.category, w.stimuli, w.k) for w in r.rankings],
        }

    theirs = asked(before)
    for what, value in asked(after).items():
        if value != theirs[what]:
            raise InputError(
                f"the audits of {before.model.name} and {after.model.name} differ in their "
                f"{what}: before and after are compared on the same questions only"
            )
