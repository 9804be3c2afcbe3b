"""An audit of swapped captions, told: tables, a picture per category, the files of the report."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from unskew.audit.blocks import (
    Block,
    Heading,
    Paragraph,
    Picture,
    Table,
    Warning,
    anchor,
    to_html,
    to_markdown,
)
from unskew.audit.captions import MIN_IMAGES, CaptionAudit, Change, SwapPair
from unskew.audit.document import DEMONSTRATION
from unskew.audit.save import cannot_write, check_writable
from unskew.audit.wording import bracketed, interval, p_value

_FOLD = 15
_NAMES = ("captions.md", "captions.html", "captions.json")


def save_captions(audit: CaptionAudit, folder: Path) -> Path:
    """Make every file elsewhere, then move them into place; the JSON last.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    from unskew.audit.caption_figure import changes

    check_writable(folder)
    pictures = {c: f"captions-{anchor(c)}.png" for c in _categories(audit)}
    blocks = told(audit, pictures)
    plain = _plain(dataclasses.asdict(audit))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unskew-") as name:
            new = Path(name)
            for category, file in pictures.items():
                changes(_shown(audit, category), new / file)
            (new / "captions.md").write_text(to_markdown(blocks), encoding="utf-8")
            page = to_html(_title(audit), blocks, new)
            (new / "captions.html").write_text(page, encoding="utf-8")
            text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)
            (new / "captions.json").write_text(text + "\n", encoding="utf-8")
            for file in (*pictures.values(), *_NAMES):
                os.replace(new / file, folder / file)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder


def told(audit: CaptionAudit, pictures: dict[str, str]) -> list[Block]:
    """The audit as blocks; ``pictures``: category -> file."""
    blocks: list[Block] = [Heading(1, _title(audit))]
    if audit.demonstration:
        blocks.append(Warning(DEMONSTRATION))
    blocks += [Heading(2, "Summary"), Paragraph(summary(audit)), swap_table(audit)]
    if few := few_told(audit):
        blocks.append(Paragraph(few))
    for category, file in pictures.items():
        blocks += [
            Heading(3, category),
            Picture(file, f"Change of similarity for {category}, each way, with intervals"),
        ]
    blocks += [
        Heading(2, "How to read this"),
        Paragraph(
            "A change is the cosine of the caption with its image once the identity is swapped, "
            "minus that before, mean over captions; grammar follows (articles, pronouns, verbs), "
            "and captions that mention several subgroups of a category are not asked. Below 0: "
            "the model finds the true caption closer, as it does if it sees who is there. A to B "
            "minus B to A is the lean: above 0, it costs less to make a caption one about B than "
            "the way back. A change of the text alone, as by a longer word, is part of every "
            "change, and what else the caption says stays, even where it is rarely said of the "
            "other subgroup."
        ),
        Paragraph(
            f"Intervals ({audit.confidence:.0%}) are Student's, with the captions of one image "
            "kept together (linearised ratio, Cochran 1977), over other images of the same kind; "
            "the wording of the swap is taken as given. p is after Holm's correction over all "
            "pairs, of the changes and of the leans each. What is not clear at "
            f"{1 - audit.confidence:.2g} stands in (brackets). Model {audit.model} (fingerprint "
            f"{audit.fingerprint[:16]}). Too few: fewer than {MIN_IMAGES} images have a caption "
            "that says the subgroup."
        ),
    ]
    return blocks


def summary(audit: CaptionAudit) -> str:
    """What was asked, in a sentence or two."""
    lost = f" {audit.n_unreadable} more could not be read." if audit.n_unreadable else ""
    return (
        f"{audit.n_captions} captions of {audit.n_images} images mention just one subgroup of a "
        f"category.{lost} {audit.note}".strip()
    )


def few_told(audit: CaptionAudit) -> str:
    """The pairs too rare to say anything about; empty if there are none."""
    few = [p for p in audit.pairs if not _defined(p)]
    if not few:
        return ""
    names = ", ".join(dict.fromkeys(p.category for p in few))
    return (
        f"{len(few)} pairs are left out of the table, since fewer than {MIN_IMAGES} images have a "
        f"caption that says either of the two ({names})."
    )


def swap_table(audit: CaptionAudit) -> Table:
    """One row per pair of subgroups that is mentioned often enough in one of the two."""
    limit = 1 - audit.confidence
    rows = [p for p in audit.pairs if _defined(p)]
    return Table(
        "Change of similarity when only the identity word changes",
        (
            "category",
            "A",
            "B",
            "A to B",
            "p (Holm)",
            "images",
            "B to A",
            "p (Holm)",
            "images",
            "A to B minus B to A",
            "p (Holm)",
        ),
        tuple(
            (
                p.category,
                p.subgroup_a,
                p.subgroup_b,
                *_cells(p.a_to_b, limit),
                *_cells(p.b_to_a, limit),
                _told(p.asymmetry, p.ci_low, p.ci_high, p.p_holm < limit),
                p_value(p.p_holm),
            )
            for p in rows
        ),
        folded=len(rows) > _FOLD,
    )


def _cells(change: Change, limit: float) -> tuple[str, str, str]:
    clear = change.p_holm < limit
    told = _told(change.mean, change.ci_low, change.ci_high, clear)
    return told, p_value(change.p_holm), str(change.n_images)


def _told(value: float, low: float, high: float, clear: bool) -> str:
    if math.isnan(value):
        return "too few"
    return f"{bracketed(f'{value:+.4f}', clear)} {interval(low, high, 4)}"


def _title(audit: CaptionAudit) -> str:
    return f"Swapped captions: {audit.model} on {audit.dataset}"


def _categories(audit: CaptionAudit) -> list[str]:
    return list(dict.fromkeys(p.category for p in audit.pairs if _defined(p)))


def _shown(audit: CaptionAudit, category: str) -> list[SwapPair]:
    return [p for p in audit.pairs if p.category == category and _defined(p)]


def _defined(pair: SwapPair) -> bool:
    return not (math.isnan(pair.a_to_b.mean) and math.isnan(pair.b_to_a.mean))


def _plain(value: Any) -> Any:
    """NaN as None, so that any JSON reader takes it."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
