"""Whether the image checks flag people of one group more than of another: unharmed faces.

    python benchmarks/curation_checks.py --data ../shared/data --by-group

UTKFace has race and gender, FairFace gender and age. For every check: the share of faces flagged,
with 95 % Wilson intervals, of all and of the groups with the least and the most; and a permutation
test that every group is flagged equally often, corrected over all checks and sets by Holm.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from face_detectors import equality, heading, row, wilson
from face_scenes import fairface, utkface
from planted_defects import encoded

from unskew.curate.flags import load_rules
from unskew.curate.measure import measure
from unskew.measures import holm

ANY = "any of them"
Counts = dict[str, tuple[int, int]]


def flagged(faces: Iterable, axis: str) -> dict[str, Counts]:
    """check -> group -> (flagged, all)."""
    rules, all_of, hits = load_rules(), Counter[str](), Counter[tuple[str, str]]()
    for groups, image in faces:
        group = groups[axis]
        scores = measure(encoded(image, "PNG")).scores
        failed = {check for check, score in scores.items() if rules[check].judge(score)}
        all_of[group] += 1
        hits.update((check, group) for check in failed | ({ANY} if failed else set()))
    checks = sorted({check for check, _ in hits} - {ANY})
    return {c: {g: (hits[c, g], n) for g, n in sorted(all_of.items())} for c in (*checks, ANY)}


def compare_groups(data: Path, per_cell: int) -> None:
    by_age = [
        ({"gender x age": f"{groups['gender']} {groups['age']}"}, image)
        for groups, image in fairface(data)
    ]
    sets = {
        ("UTKFace", "race x gender"): flagged(utkface(data, per_cell), "race x gender"),
        ("FairFace", "gender x age"): flagged(by_age, "gender x age"),
    }
    rows = [(name, c, counts) for (name, _), found in sets.items() for c, counts in found.items()]
    p = np.array([equality(counts) for *_, counts in rows])
    columns = ["set", "check", "n", "flagged", "lowest group", "highest group", "p", "p (Holm)"]
    heading("Unharmed faces that are flagged, by group", columns)
    for (name, check, counts), single, corrected in zip(rows, p, holm(p), strict=True):
        order = sorted(counts, key=lambda group: counts[group][0] / counts[group][1])
        hits, count = (sum(column) for column in zip(*counts.values(), strict=True))
        ends = [f"{g} {wilson(*counts[g])}" for g in (order[0], order[-1])]
        numbers = [f"{single:.4f}", f"{corrected:.3f}"]
        row([name, check, str(count), wilson(hits, count), *ends, *numbers])
    for (name, axis), found in sets.items():
        heading(f"{name} by {axis}: share flagged", [axis, *found])
        for group in found[ANY]:
            row([group, *(wilson(*counts[group]) for counts in found.values())])
