"""From a curation to a set that `load_dataset` reads, with its card, datasheet and numbers."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unskew.curate.agreement import Agreement, agreement
from unskew.curate.curation import open_curation
from unskew.curate.sets.alike import joined
from unskew.curate.sets.assemble import Built, Origin, Plan, assemble
from unskew.curate.sets.bystanders import known_faces
from unskew.curate.sets.place import written_whole
from unskew.curate.sets.removals import REMOVALS
from unskew.curate.sets.select import Standing, select

__all__ = ["Built", "Plan", "build_set"]

TITLE = "Real-world images of people, by identity"
ABOUT = (
    "Images that people have posted or published, with the identity subgroup that they were "
    "collected for, or that reviewers have given them."
)


def build_set(folder: str | Path, out: str | Path, plan: Plan | None = None) -> Built:
    """Make a set of the curation in `folder`; see `unskew.curate.sets.select.select` for what
    enters. Its file removals.txt, where it has one, is kept to at every build. The same curation
    and plan give the same bytes.

    Raises:
        InputError, NotFoundError: `folder` is no curation, nobody has looked for faces in it that
            are to be hidden, a label is not in the taxonomy, nothing is left to publish, `out`
            holds something else, or the disk is full. Then `out` is as it was.
    """
    plan = plan or Plan()
    curation = open_curation(folder)
    faces = known_faces(curation) if plan.blur_bystanders else None
    chosen = select(curation)
    own = curation.folder / REMOVALS
    origin = Origin(
        title=TITLE,
        about=ABOUT,
        candidates=len(curation.records),
        left_out=chosen.left_out,
        others=chosen.others,
        lists=[own] if own.is_file() else [],
        review=review(chosen.decisions),
        faces=faces,
    )
    with written_whole(Path(out)) as staging:
        entries = joined(chosen.entries, curation.folder, staging)
        return assemble(entries, origin, plan, curation.folder, staging, Path(out))


def review(stand: Standing) -> dict[str, Any]:
    """What the numbers say of the reviewers, who are not called by name."""
    names = sorted({reviewer for of_record in stand.values() for reviewer in of_record})
    number = {name: f"reviewer {place}" for place, name in enumerate(names, start=1)}
    return {
        "reviewed": {"reviewers": len(names), "records": len(stand)},
        "agreement": [_told(found, number) for found in agreement(stand)],
    }


def _told(found: Agreement, number: dict[str, str]) -> dict[str, Any]:
    said = {**asdict(found), "measure": found.name}
    said["reviewers"] = [number[name] for name in found.reviewers]
    return {key: None if isinstance(v, float) and math.isnan(v) else v for key, v in said.items()}
