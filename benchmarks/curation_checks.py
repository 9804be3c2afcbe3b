"""Recall and precision of the image checks on planted defects, beside cleanvision's.

    python benchmarks/curation_checks.py --data ../shared/data

See tests/curate/planted_piles.py for the pictures. cleanvision is compared if it is installed.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "curate"))
import planted_defects as planted
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--per-set", type=int, default=60, help="pictures of the scraped pile")
    chosen = parser.parse_args()
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
