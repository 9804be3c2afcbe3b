"""A report told in order: what to beware of, the summary, each data set, each tower, the method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from unskew.audit.before_after import before_and_after
from unskew.audit.blocks import Block, Heading, Paragraph, Table, Warning
from unskew.audit.pairs import TEXT_ONLY
from unskew.audit.pictures import Planned, at
from unskew.audit.rows import MODALITY, DatasetInfo, PairRow
from unskew.audit.summary import Summary, families, summaries
from unskew.audit.two_sets import two_sets
from unskew.audit.wording import asked, bracketed, effect, interval, p_value

if TYPE_CHECKING:
    from unskew.audit.report import AuditReport

_FOLD = 15
"""A table longer than this is folded where the medium can do that."""

DEMONSTRATION = (
    "This report demonstrates the tool. It was made with unskew's built-in model or images and is "
    "no evidence about people, nor about any model in use."
)


def title(report: AuditReport) -> str:
    """Of the page and its first heading."""
    beside = "" if report.before is None else f", beside {report.before.model.name}"
    return f"Bias audit of {report.model.name}{beside}"


def document(report: AuditReport, pictures: Sequence[Planned] = ()) -> list[Block]:
    """The whole report as blocks; ``pictures`` are placed where they belong."""
    blocks: list[Block] = [Heading(1, title(report))]
    if report.demonstration:
        blocks.append(Warning(DEMONSTRATION))
    blocks += [*_summary(report), *before_and_after(report, pictures), *_reading(report)]
    for dataset in report.datasets:
        blocks += _dataset(report, dataset, pictures)
    for first, second in combinations(report.datasets, 2):
        blocks += two_sets(report, first.name, second.name, pictures)
    blocks += _text_only(report, pictures)
    blocks += _words(report)
    return [*blocks, *_method(report)]


def summary_table(report: AuditReport) -> Table:
    """One row per data set, category and modality: what the terminal shows too."""
    return Table(
        "Effect sizes between subgroups",
        ("images", "category", "asked", "clear", "mean |d|", "chance", "largest |d|", "which says"),
        tuple(
            _summary_row(s) for s in summaries(r for r in report.pairs if r.section != "contrasts")
        ),
    )


def ranking_table(report: AuditReport) -> Table:
    """MaxSkew and NDKL beside chance."""
    return Table(
        "Who is shown first: ranking measures, averaged over the prompts",
        (
            "images",
            "category",
            "k of n",
            "MaxSkew",
            "chance",
            "p",
            "NDKL",
            "chance",
            "most shown",
            "least shown",
        ),
        tuple(
            (
                r.dataset,
                r.category,
                f"{r.k} of {r.n}",
                f"{r.max_skew:.3f} "
                + interval(r.max_skew_ci_low, r.max_skew_ci_high, 3, signed=False),
                f"{r.chance_max_skew:.3f}",
                p_value(r.p_value),
                f"{r.ndkl:.3f}",
                f"{r.chance_ndkl:.3f}",
                bracketed(r.most_shown, r.clear),
                bracketed(r.least_shown, r.clear),
            )
            for r in report.rankings
        ),
    )


def _summary(report: AuditReport) -> Iterator[Block]:
    yield Heading(2, "Summary")
    largest = report.largest()
    if largest is not None:
        lead = (
            "Largest clear difference between two subgroups"
            if largest.clear
            else "No difference between two subgroups is clear; the largest that is not"
        )
        yield Paragraph(
            f"{lead}: {largest.sentence} "
            f"({MODALITY[largest.section]}, {largest.dataset}, {largest.category}: "
            f"d = {largest.effect_size:+.2f}, "
            f"{report.settings.confidence:.0%} interval "
            f"{interval(largest.ci_low, largest.ci_high)}, "
            f"p = {p_value(largest.p_holm)} after Holm)."
        )
    yield summary_table(report)
    if report.rankings:
        yield ranking_table(report)
    for dataset in report.datasets:
        if dataset.unreadable:
            yield Warning(
                f"{len(dataset.unreadable)} of {dataset.n_images} images of {dataset.name} "
                "could not be read and were left out; they are listed below."
            )
    yield from (Paragraph(note) for note in report.notes)


def _reading(report: AuditReport) -> Iterator[Block]:
    s = report.settings
    yield Heading(2, "How to read this")
    yield Paragraph(
        "The effect size d compares two subgroups: how much closer one is to the first attribute "
        "set than the other, in standard deviations of all their images or phrases. 0 is no "
        "difference, and 2 the largest that equally many images allow; 0.2, 0.5 and 0.8 are "
        "often called small, medium and large. Beside a mean |d| stands what it would be by chance "
        "if no subgroups differed."
    )
    yield Paragraph(
        f"The interval holds the true d with {s.confidence:.0%} confidence over other images of "
        "the same subgroups, if both spread about equally; the words asked are taken as given. "
        "The p-value is that of a permutation test of equal means. Holm's correction bounds the "
        "chance of any false alarm in a table, Benjamini-Hochberg's the share of false alarms. A "
        f"difference is called clear when its Holm-corrected p is below {1 - s.confidence:.2g}. "
        "What is not clear stands in (brackets)."
    )
    if report.rankings:
        yield Paragraph(
            "MaxSkew is the log of how far the most over-represented subgroup among the first k "
            "images exceeds its due share, NDKL how far all shares are from due along the ranking; "
            "a finite list is never even, so chance is printed beside them. Due is "
            + ("the share of all images" if s.ranking_target == "pool" else "an equal share")
            + ". Most and least shown are the subgroups furthest above and below what chance "
            "gives them. The interval is over other concepts."
        )
    yield Paragraph(
        "A difference that is not clear is no proof of its absence: look at the interval. And an "
        "audit of some images and words says nothing about images and words it has not seen."
    )
    yield from (Paragraph(f"{t.title}: {t.note}") for t in report.stimuli if t.note)


def _dataset(
    report: AuditReport, dataset: DatasetInfo, pictures: Sequence[Planned]
) -> Iterator[Block]:
    name = dataset.name
    yield Heading(2, f"Images: {name}")
    readable = dataset.n_images - len(dataset.unreadable)
    about = [f"{readable} images", dataset.credit, dataset.licence, dataset.note]
    yield Paragraph(". ".join(part.rstrip(".") for part in about if part) + ".")
    yield Table(
        "Images per subgroup",
        ("category", "subgroup", "images"),
        tuple((c, s, str(n)) for c, counts in dataset.counts.items() for s, n in counts.items()),
        folded=sum(map(len, dataset.counts.values())) > _FOLD,
    )
    for family, rows in families(r for r in report.pairs if r.dataset == name):
        _, category, stimuli, section = family
        yield Heading(3, f"{name}: {category}, {asked(section, stimuli)}")
        yield from at(pictures, family)
        yield _contrasts(rows) if section == "contrasts" else pair_table(rows)
        if section == "attributes":
            yield from _nearest(report, name, category, stimuli)
    if dataset.unreadable:
        yield Table(
            f"Images of {name} that could not be read",
            ("image", "reason"),
            tuple((u.name, u.reason) for u in dataset.unreadable),
        )


def _nearest(report: AuditReport, dataset: str, category: str, stimuli: str) -> Iterator[Block]:
    where = (dataset, category, stimuli)
    rows = [r for r in report.subgroups if (r.dataset, r.category, r.stimuli) == where]
    if rows:
        a, b = rows[0].attribute_a, rows[0].attribute_b
        yield Table(
            f"Mean association with {a} over {b} (cosine)",
            ("subgroup", "images", "mean", "interval", f"nearer to {a}"),
            tuple(
                (
                    r.subgroup,
                    str(r.n),
                    f"{r.mean_association:+.4f}",
                    interval(r.ci_low, r.ci_high, 4),
                    f"{r.share_nearer_a:.0%}",
                )
                for r in rows
            ),
            folded=len(rows) > _FOLD,
        )
    for by, caption in (
        ("similarity", "Nearest attributes (mean cosine)"),
        ("lift", "Attributes nearer than to the other subgroups (difference of mean cosines)"),
    ):
        top = [
            r
            for r in report.top_attributes
            if (r.dataset, r.category, r.stimuli) == where and r.by == by
        ]
        names = list(dict.fromkeys(r.subgroup for r in top))
        yield Table(
            caption,
            ("subgroup", "attributes"),
            tuple(
                (
                    name,
                    ", ".join(
                        f"{r.attribute} ({r.similarity if by == 'similarity' else r.lift:.3f})"
                        for r in top
                        if r.subgroup == name
                    ),
                )
                for name in names
            ),
            folded=len(names) > _FOLD,
        )


def pair_table(rows: Sequence[PairRow]) -> Table:
    """The pairwise table of the seed report's Appendix A, with its uncertainty."""
    polar = any(r.favoured for r in rows)
    return Table(
        f"{rows[0].attribute_a} against {rows[0].attribute_b}",
        ("subgroup A", "subgroup B", "d", "interval", "p", "p (Holm)", "p (BH)")
        + (("favoured",) if polar else ("which says",)),
        tuple(
            (
                r.subgroup_a,
                r.subgroup_b,
                effect(r.effect_size),
                interval(r.ci_low, r.ci_high),
                p_value(r.p_value),
                p_value(r.p_holm),
                p_value(r.p_bh),
                (_favoured(r) if polar else r.sentence) if r.reason is None else r.reason,
            )
            for r in rows
        ),
        folded=len(rows) > _FOLD,
    )


def _contrasts(rows: Sequence[PairRow]) -> Table:
    ordered = sorted(rows, key=lambda r: -abs(r.effect_size) if r.reason is None else 1.0)
    return Table(
        f"Single contrasting prompts, largest first ({sum(r.clear for r in rows)} of {len(rows)} "
        "clear after Holm over all of them)",
        ("prompts", "subgroup A", "subgroup B", "d", "interval", "p (Holm)", "favoured"),
        tuple(
            (
                f"{r.attribute_a} / {r.attribute_b}",
                r.subgroup_a,
                r.subgroup_b,
                effect(r.effect_size),
                interval(r.ci_low, r.ci_high),
                p_value(r.p_holm),
                _favoured(r) if r.reason is None else r.reason,
            )
            for r in ordered
        ),
        folded=len(rows) > _FOLD,
    )


def _text_only(report: AuditReport, pictures: Sequence[Planned]) -> Iterator[Block]:
    found = families(r for r in report.pairs if r.dataset == TEXT_ONLY)
    if found:
        yield Heading(2, "Text only: phrases for the subgroups")
    for family, rows in found:
        yield Heading(3, f"Phrases: {family[1]} ({family[2]})")
        yield from at(pictures, family)
        yield pair_table(rows)


def _words(report: AuditReport) -> Iterator[Block]:
    if not report.word_tests:
        return
    yield Heading(2, "Text only: word tests")
    for s in report.stimuli:
        if s.historical and any(w.stimuli == s.name for w in report.word_tests):
            yield Warning(f"Historical word lists. {s.note}")
    yield Table(
        "Word embedding association tests asked of the text tower",
        ("test", "d", "interval", "p", "p (Holm)", "which says"),
        tuple(
            (
                r.name,
                effect(r.effect_size),
                interval(r.ci_low, r.ci_high),
                p_value(r.p_value),
                p_value(r.p_holm),
                r.sentence if r.reason is None else r.reason,
            )
            for r in report.word_tests
        ),
    )


def _method(report: AuditReport) -> Iterator[Block]:
    s, m = report.settings, report.model
    yield Heading(2, "Method and sources")
    yield Paragraph(
        f"Model {m.name} (fingerprint {m.fingerprint[:16]}, {m.dim} dimensions). Effect size: "
        f"Caliskan et al. 2017, standard deviation with ddof = {s.ddof}. p between subgroups: "
        f"{s.alternative} permutation test on Welch's t (exact where subgroups are exchangeable, "
        "and in large ones valid for equal means whatever their sizes and spreads: Chung and "
        "Romano 2013); p of word tests: on the difference of means, as published. All partitions "
        f"up to 20,000, else at least {s.permutations:,} random ones with the +1 correction, and "
        "in large tables as many as a corrected p needs to fall below the limit. "
        f"Interval: {s.interval}. Corrections: {s.correction}, over the rows of a table. Seed "
        f"{s.seed}. Made {report.created} with unskew {report.unskew_version}."
    )
    yield Table(
        "What was asked",
        ("stimuli", "title", "source", "licence", "note"),
        tuple(
            (
                t.name,
                t.title,
                t.source,
                t.licence,
                ("Historical. " if t.historical else "") + t.note,
            )
            for t in report.stimuli
        ),
    )


def _summary_row(s: Summary) -> tuple[str, ...]:
    r = s.largest
    low, high = (r.ci_low, r.ci_high) if r.effect_size > 0 else (-r.ci_high, -r.ci_low)
    return (
        s.dataset,
        s.category,
        asked(s.section, s.stimuli),
        f"{s.clear} of {s.pairs}",
        f"{s.mean_abs:.2f}",
        f"{s.chance_abs:.2f}",
        f"{abs(r.effect_size):.2f} {interval(low, high)}",
        bracketed(r.sentence, r.clear),
    )


def _favoured(r: PairRow) -> str:
    if r.favoured is None:
        return ""
    return bracketed(r.favoured, r.clear)
