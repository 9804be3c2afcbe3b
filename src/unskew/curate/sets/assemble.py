"""From entries to the files of a set: what may be published, in splits, and told in numbers."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unskew import __version__
from unskew.corpora.published import BUILD, METADATA
from unskew.curate.sets.bystanders import Faces, hidden, hide_bystanders
from unskew.curate.sets.card import write_card
from unskew.curate.sets.composition import composition
from unskew.curate.sets.datasheet import write_datasheet
from unskew.curate.sets.entry import Entry
from unskew.curate.sets.parquet import write_rows
from unskew.curate.sets.place import file_digest, file_digests
from unskew.curate.sets.removals import Names, Removed, read_removals, without_removed
from unskew.curate.sets.rights import Mode, left_out
from unskew.curate.sets.split import SHARES, split_up
from unskew.errors import InputError
from unskew.stimuli import taxonomy

FORMAT = 1


@dataclass(frozen=True)
class Plan:
    """How a set is to be made.

    Attributes:
        mode: see `unskew.curate.sets.rights.Mode`.
        removals: a list of what is to be taken out; see `read_removals`.
        shares: of train, validation and test. seed: of the draw of splits.
        contact: where people ask for their images to be taken down; None leaves a blank to fill.
        blur_bystanders: hide all faces but one in every image; not in a set of addresses.
    """

    mode: Mode = "images"
    removals: Path | None = None
    shares: tuple[int, int, int] = SHARES
    seed: int = 0
    contact: str | None = None
    blur_bystanders: bool = False

    def __post_init__(self) -> None:
        if self.blur_bystanders and self.mode == "urls-only":
            raise InputError(
                "a set of addresses has no images in which bystanders could be blurred: leave out "
                "one of --urls-only and --blur-bystanders"
            )


@dataclass(frozen=True)
class Origin:
    """Where entries come from.

    Attributes:
        title: of the set. about: what it is, in a few sentences of the card. page: of the set that
            it was made of, where others have published that.
        candidates: how many there were. left_out: those that are no entries, by reason.
        others: SHA-256, url and page of these.
        lists: further files of removals.
        review: what build.json says of the reviewers.
        faces: in the images; None where nobody has looked for them.
    """

    title: str
    about: str
    candidates: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    others: Sequence[Names] = ()
    lists: Sequence[Path] = ()
    review: Mapping[str, Any] = field(default_factory=dict)
    faces: Faces | None = None
    page: str | None = None


@dataclass(frozen=True)
class Built:
    """A set that was built.

    Attributes:
        folder: where it lies.
        numbers: what build.json holds.
        unknown_removals: entries of the removal lists that nothing had.
    """

    folder: Path
    numbers: dict[str, Any]
    unknown_removals: tuple[str, ...]


def assemble(
    entries: Sequence[Entry], origin: Origin, plan: Plan, images: Path, staging: Path, out: Path
) -> Built:
    """Write all files of the set to `staging`, the folder that will be `out`.

    `images`: the folder of a collection, which holds the image files.

    Raises:
        InputError, NotFoundError: a list of removals cannot be read, nothing is left, an image is
            gone or was changed, nobody has looked for faces that are to be hidden, or the disk
            takes no more.
    """
    faces = origin.faces if plan.blur_bystanders else None
    if plan.blur_bystanders and faces is None:
        raise InputError("bystanders cannot be blurred: nobody has looked for faces here")
    changed = staging / ".changed"
    if faces is not None:
        entries = hide_bystanders(entries, faces, images, changed, plan.mode)
        images = changed
    lists = [*origin.lists, *([plan.removals] if plan.removals else [])]
    listed = list(dict.fromkeys(said for path in lists for said in read_removals(path)))
    removed = without_removed(entries, listed, origin.others)
    kept, reasons = _permitted(removed.entries, plan.mode)
    reasons.update(origin.left_out)
    if not kept:
        raise InputError(_nothing_left(out, plan.mode, origin.candidates, reasons, removed.removed))
    order = {category: place for place, category in enumerate(taxonomy())}
    kept.sort(key=lambda entry: order[entry.category])
    rows = split_up(kept, plan.shares, plan.seed)
    write_rows(rows, staging, None if plan.mode == "urls-only" else images)
    if faces is not None:
        shutil.rmtree(changed)
    numbers = {
        "format": FORMAT,
        "made_with": {"unskew": __version__},
        "title": origin.title,
        "about": origin.about,
        "page": origin.page,
        "mode": plan.mode,
        "publishable": plan.mode != "private",
        "contact": plan.contact,
        "shares": list(plan.shares),
        "seed": plan.seed,
        "candidates": origin.candidates,
        "left_out": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "removals": _told(removed),
        "bystanders": None if faces is None else hidden(rows, faces),
        "content": file_digest(staging / METADATA),
        **composition(rows),
        **origin.review,
    }
    write_card(numbers, staging)
    write_datasheet(numbers, staging)
    numbers["files"] = file_digests(staging)
    content = json.dumps(numbers, ensure_ascii=False, indent=1)
    (staging / BUILD).write_text(content + "\n", encoding="utf-8")
    return Built(out, numbers, removed.unknown)


def _told(removed: Removed) -> dict[str, int]:
    """What a list of removals has done, without what is on it."""
    counts = {"listed": removed.listed, "removed": removed.removed}
    return {**counts, "unknown": len(removed.unknown)}


def _permitted(entries: Sequence[Entry], mode: Mode) -> tuple[list[Entry], Counter[str]]:
    """What may be in a set of this mode, and how many may not, by reason."""
    kept, reasons = [], Counter[str]()
    for entry in entries:
        reason = left_out(entry, mode)
        if reason is None:
            kept.append(entry)
        else:
            reasons[reason] += 1
    return kept, reasons


def _nothing_left(
    out: Path, mode: Mode, candidates: int, reasons: Mapping[str, int], removed: int
) -> str:
    why = [f"{count}: {reason}" for reason, count in sorted(reasons.items(), key=lambda i: -i[1])]
    if removed:
        why.append(f"{removed}: on a list of removals")
    said = f"nothing is left for the set {out}: of {candidates} records, {'; '.join(why) or 'none'}"
    if mode != "images":  # the other modes leave nothing out for its licence
        return said
    return (
        f"{said}. What may not be passed on can be in a set of addresses (--urls-only) or in one "
        "for your own use (--private)"
    )
