"""Recall and precision of the image checks on planted defects, beside cleanvision's.

    python benchmarks/curation_checks.py --data ../shared/data
    python benchmarks/curation_checks.py --data ../shared/data --drawings FOLDER
    python benchmarks/curation_checks.py --data ../shared/data --by-group

See tests/curate/planted_piles.py for the pictures. cleanvision is compared if it is installed.
--drawings tells the drawings of many artists, a folder that scripts/gather_drawings.py makes, and
photographs in the same sizes and formats; --by-group tells who is flagged (curation_groups.py).
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "curate"))
import numpy as np
import planted_defects as planted
from curation_groups import compare_groups
from PIL import Image
from planted_drawings import families, laid, stored
from planted_piles import (
    CHECKS,
    Found,
    Pile,
    corrupt_pile,
    duplicate_pile,
    judged,
    pictures,
    quality_pile,
)

from unskew.curate.drawing import drawn
from unskew.curate.flags import load_rules
from unskew.curate.pixels import small_copy
from unskew.curate.tones import background

PHOTOGRAPHS = 200
PEER = {
    "blurred": "blurry",
    "too_small": "odd_size",
    "over_exposed": "light",
    "under_exposed": "dark",
    "low_information": "low_information",
    "exact_duplicate": "exact_duplicates",
    "near_duplicate": "near_duplicates",
}


def peer(pile: Pile) -> dict[str, set[str]]:
    """The issues cleanvision finds in each file; None of a file it gives no scores."""
    from cleanvision import Imagelab

    lab = Imagelab(filepaths=[str(pile.root / path) for path in sorted(pile.kinds)])
    lab.find_issues(n_jobs=1, verbose=False)
    table = lab.issues
    names = [c for c in table.columns if c.startswith("is_")]
    found = {}
    for path, row in zip(table.index, table.to_dict("records"), strict=True):
        issues = {n.removeprefix("is_").removesuffix("_issue") for n in names if row[n] is True}
        unscored = row["blurry_score"] != row["blurry_score"]
        found[Path(path).name] = issues | ({"unreadable"} if unscored else set())
    return found


def row(name: str, found: Found) -> str:
    parts = ", ".join(f"{kind} {hits}/{of}" for kind, (hits, of) in found.by_kind.items())
    return f"| {name} | {found.recall:.3f} | {found.precision:.3f} | {found.others} | {parts} |"


def compare(pile: Pile, checks: dict[str, tuple[str, ...]], clean: Iterable[str]) -> None:
    ours = {path: {flag.check for flag in c.flags} for path, c in pile.checked().items()}
    theirs: dict[str, set[str]] | None = None
    try:
        theirs = peer(pile)
    except ImportError:
        pass
    except Exception as error:  # what it does not survive is a result of the comparison
        print(f"cleanvision stops: {type(error).__name__}: {str(error)[:80]}")
    for check, wanted in checks.items():
        flagged = {path for path, found in ours.items() if check in found}
        print(row(f"{check}: unskew", judged(pile, flagged, wanted, clean)))
        if theirs is None or (check not in PEER and check != "unreadable"):
            continue
        flagged = {path for path, found in theirs.items() if PEER.get(check, check) in found}
        # It tells both pictures of a pair.
        first = {"repeated"} if check.endswith("_duplicate") else set()
        print(row(f"{check}: cleanvision", judged(pile, flagged, wanted, set(clean) - first)))


def compare_families(folder: Path, data: Path) -> None:
    """The share of each family of drawings, and of photographs, that passes for drawings."""
    rule, rng = load_rules()["drawing"], np.random.default_rng(4)
    shown: dict[str, list[list[bool]]] = {}

    def look(name: str, image: Image.Image) -> None:
        contents = planted.encoded(image, "PNG"), stored(image, rng)
        copies = [small_copy(content).rgb for content in contents]
        flags = [rule.judge(drawn(copy, background(copy))) is not None for copy in copies]
        shown.setdefault(name, []).append(flags)

    for family, image in families(folder, "test"):
        look(family, laid(image, rng))
    for image in pictures(data, PHOTOGRAPHS):
        look("photographs", image)
    print("| pictures | n | as they are | stored in any size and format |\n|---|---|---|---|")
    for name, flags in shown.items():
        as_is, as_stored = np.mean(flags, axis=0)
        print(f"| {name} | {len(flags)} | {as_is:.3f} | {as_stored:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--per-set", type=int, default=60, help="pictures of the scraped pile")
    parser.add_argument("--drawings", type=Path)
    parser.add_argument("--by-group", action="store_true")
    parser.add_argument("--per-cell", type=int, default=400, help="faces of each race and gender")
    chosen = parser.parse_args()
    if chosen.by_group:
        compare_groups(chosen.data, chosen.per_cell)
        return
    if chosen.drawings:
        compare_families(chosen.drawings, chosen.data)
        return
    images = list(pictures(chosen.data, chosen.per_set))
    print("| check | recall | precision | without it | found |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        roots = [Path(folder) / name for name in ("quality", "duplicates", "corrupt")]
        for root in roots:
            root.mkdir()
        compare(
            corrupt_pile(roots[2], images), {"unreadable": (*planted.CORRUPT, "bomb")}, ("clean",)
        )
        near = {"exact_duplicate": ("exact",), "near_duplicate": tuple(planted.NEAR)}
        compare(duplicate_pile(roots[1], images), near, ("original", "repeated"))
        compare(quality_pile(roots[0], images, chosen.data), CHECKS, ("clean",))


if __name__ == "__main__":
    main()
