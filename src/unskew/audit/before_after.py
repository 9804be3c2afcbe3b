"""What a model's debiasing changed: the seed report's Appendix B, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from unskew.audit.blocks import Block, Heading, Paragraph, Table
from unskew.audit.compare import Comparison
from unskew.audit.pictures import Planned, at
from unskew.audit.rows import MODALITY, RankingRow
from unskew.audit.summary import Summary, families, summaries
from unskew.audit.wording import UNDEFINED, asked, bracketed, effect, interval, p_value

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

_FOLD = 40


def before_and_after(report: AuditReport, pictures: Sequence[Planned]) -> Iterator[Block]:
    """The section of a report that has another from before beside it; nothing otherwise."""
    if report.before is None:
        return
    before, after = report.before.model, report.model
    yield Heading(2, "Before and after")
    yield Paragraph(
        f"Before: {before.name} (fingerprint {before.fingerprint[:16]}). After: {after.name} "
        f"(fingerprint {after.fingerprint[:16]}). Both were asked the same about the same images, "
        "so that a change can be real even where the two intervals overlap. A change towards 0 is "
        "less bias; how much of it is chance, and what it cost elsewhere, this table does not say."
    )
    yield change_table(report)
    if report.rankings:
        yield ranking_change_table(report)
        yield Paragraph(
            "The intervals of MaxSkew stand side by side: each says how far its own value would "
            "move with other concepts, and neither is an interval of the change or of the cut, "
            "which may be much surer. `unskew compare` gives the cut with its paired interval."
        )
    rows = report.changes()
    for dataset in dict.fromkeys(r.dataset_after for r in rows):
        yield Heading(3, f"Before and after: {dataset}")
        here = [r for r in rows if r.dataset_after == dataset]
        if not any(r.moved for r in here):
            yield Paragraph(f"Pairs of subgroups that moved: none of {len(here)}.")
            continue
        for category in dict.fromkeys(r.category for r in here):
            yield from at(pictures, ("before and after", dataset, category))
        whole = [r for r in here if r.section != "contrasts"]
        single = [r for r in here if r.section == "contrasts"]
        if whole:
            yield _pairs("Pairs of subgroups before and after", whole)
        if single:
            single.sort(key=lambda r: -abs(r.change) if not math.isnan(r.change) else 1.0)
            yield _pairs("Single contrasting prompts, largest change first", single)


def change_table(report: AuditReport) -> Table:
    """One row per data set, category and modality, before and after; largest |d| of all pairs."""
    new, old = _summaries(report), {} if report.before is None else _summaries(report.before)
    rows = (r for r in report.pairs if r.section != "contrasts")
    return Table(
        "Effect sizes between subgroups, before → after",
        ("images", "category", "asked", "clear", "mean |d|", "chance", "largest |d|"),
        tuple(
            _change_row(family, len(members), old.get(family), new.get(family))
            for family, members in families(rows)
        ),
    )


def _change_row(
    family: tuple[str, str, str, str], pairs: int, before: Summary | None, after: Summary | None
) -> tuple[str, ...]:
    """A summary is None where no effect size of the family is defined."""
    dataset, category, stimuli, section = family
    both = (before, after)
    clear = [str(s.clear if s else 0) for s in both]
    mean = [f"{s.mean_abs:.2f}" if s else UNDEFINED for s in both]
    largest = [f"{s.max_abs:.2f}" if s else UNDEFINED for s in both]
    known = after or before
    return (
        dataset,
        category,
        asked(section, stimuli),
        f"{' → '.join(clear)} of {pairs}",
        " → ".join(mean),
        f"{known.chance_abs:.2f}" if known else UNDEFINED,
        " → ".join(largest),
    )


def ranking_change_table(report: AuditReport) -> Table:
    """MaxSkew and NDKL before and after, beside chance."""
    old = {} if report.before is None else {_ranked(r): r for r in report.before.rankings}
    both = [(old[_ranked(r)], r) for r in report.rankings if _ranked(r) in old]
    return Table(
        "Who is shown first, before → after (cut: of what was clearly above chance before)",
        (
            "images",
            "category",
            "k of n",
            "MaxSkew before",
            "after",
            "chance",
            "cut",
            "p",
            "NDKL",
            "chance",
            "most shown",
        ),
        tuple(
            (
                a.dataset,
                a.category,
                f"{a.k} of {a.n}",
                _max_skew(b),
                _max_skew(a),
                f"{a.chance_max_skew:.3f}",
                f"{cut(b.max_skew, a.max_skew, a.chance_max_skew):.0%}" if b.clear else "",
                f"{p_value(b.p_value)} → {p_value(a.p_value)}",
                f"{b.ndkl:.3f} → {a.ndkl:.3f}",
                f"{a.chance_ndkl:.3f}",
                f"{bracketed(b.most_shown, b.clear)} → {bracketed(a.most_shown, a.clear)}",
            )
            for b, a in both
        ),
    )


def cut(before: float, after: float, chance: float) -> float:
    """The share of what lay above chance that is gone: 1 all of it, below 0 it grew.

    NaN where nothing lay above chance.
    """
    return (before - after) / (before - chance) if before > chance else math.nan


def _pairs(caption: str, rows: Sequence[Comparison]) -> Table:
    """Appendix B of the seed report: pair, d, favoured subgroup, before and after."""
    return Table(
        caption,
        (
            "category",
            "asked",
            "subgroup A",
            "subgroup B",
            "d before",
            "interval",
            "d after",
            "interval",
            "change",
            "favoured before",
            "favoured after",
        ),
        tuple(
            (
                r.category,
                f"{MODALITY[r.section]}: {r.attribute_a} / {r.attribute_b}",
                r.subgroup_a,
                r.subgroup_b,
                effect(r.before),
                interval(*r.before_ci),
                effect(r.after),
                interval(*r.after_ci),
                effect(r.change),
                _favoured(r, r.before, r.favoured_before, r.clear_before),
                _favoured(r, r.after, r.favoured_after, r.clear_after),
            )
            for r in rows
        ),
        folded=len(rows) > _FOLD,
    )


def _favoured(r: Comparison, d: float, favoured: str | None, clear: bool) -> str:
    """The favoured subgroup; where no attribute set is the pleasant one, who is closer to which."""
    if math.isnan(d):
        return ""
    closer = r.subgroup_a if d > 0 else r.subgroup_b
    return bracketed(favoured or f"{closer}: {r.attribute_a}", clear)


def _summaries(report: AuditReport) -> dict[tuple[str, str, str, str], Summary]:
    rows = (r for r in report.pairs if r.section != "contrasts")
    return {(s.dataset, s.category, s.stimuli, s.section): s for s in summaries(rows)}


def _ranked(r: RankingRow) -> tuple[str, str, str]:
    return r.dataset, r.category, r.stimuli


def _max_skew(r: RankingRow) -> str:
    limits = interval(r.max_skew_ci_low, r.max_skew_ci_high, 3, signed=False)
    return f"{r.max_skew:.3f} {limits}"
