"""Near-duplicates among the entries of a set, which are not to be in two splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from unskew.curate.curation import MEASURED
from unskew.curate.duplicates import SIDE, near_duplicates
from unskew.curate.flags import load_rules
from unskew.curate.measured_log import MeasuredLog
from unskew.curate.sets.entry import Entry
from unskew.curate.stored import Stored
from unskew.errors import InputError


def joined(entries: Sequence[Entry], folder: Path, workspace: Path) -> list[Entry]:
    """The entries of the curation `folder`; near-duplicates among them are `together`.

    `workspace`: a folder on the disk for what is compared. Raises InputError if it is full.
    """
    if not (folder / MEASURED).is_file():
        raise InputError(f"{folder} has no {MEASURED}: run unskew curate again")
    known: list[str] = []
    with (
        MeasuredLog(folder / MEASURED, look_for_writing=False) as log,
        Stored(workspace, (SIDE, SIDE), np.uint8) as fingerprints,
    ):
        for digest in sorted({entry.sha256 for entry in entries if entry.sha256}):
            pixels = log[digest].fingerprint if digest in log else None
            if pixels is not None:
                known.append(digest)
                fingerprints.append(pixels[None])
        together = _pairs(known, fingerprints, workspace)
    return [
        replace(entry, together=(*entry.together, *together.get(entry.sha256 or "", ())))
        for entry in entries
    ]


def _pairs(known: Sequence[str], fingerprints: Stored, workspace: Path) -> dict[str, list[str]]:
    """Of every picture that resembles another, the names of its pairs."""
    rule = load_rules()["near_duplicate"]
    found: defaultdict[str, list[str]] = defaultdict(list)
    for pair in near_duplicates(fingerprints, workspace):
        if rule.judge(pair.score) is not None:
            both = known[pair.earlier], known[pair.later]
            for digest in both:
                found[digest].append(f"alike {' '.join(both)}")
    return dict(found)
