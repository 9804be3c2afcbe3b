"""Recall and precision of the image checks on planted defects, beside cleanvision's; and speed.

    python benchmarks/curation_checks.py --data ../shared/data
    python benchmarks/curation_checks.py --data ../shared/data --speed 1000

Defects are planted in pictures of the scraped pile, of Flickr and of FairFace. Thresholds were
chosen on other pictures of Flickr and FairFace, but in part on the same ones of the pile.
cleanvision is compared if it is installed.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from unskew.curate.checks import CheckedImage, check_images

sys.path.append(str(Path(__file__).parents[1] / "tests" / "curate"))
import planted_defects as planted

# Pictures of the pile that are what a check looks for: drawings, and visible watermarks.
NOT_CLEAN = ("christianity1", "judaism1", "grandpa1_", "grandpa6_", "girl1_", "arab-muslim/1_")
# Every so many-th picture of the pile is left out: all thresholds were chosen on those.
CHOSEN_ON = 4
SIDE = 500
CHECKS = {
    "blurred": ("gaussian blur", "motion blur"),
    "too_small": ("thumbnail",),
    "over_exposed": ("over-exposed",),
    "under_exposed": ("under-exposed",),
    "low_information": ("flat",),
    "drawing": ("drawing",),
    "text_heavy": ("screenshot",),
    "watermark": ("watermark",),
}
PEER = {
    "blurred": "blurry",
    "too_small": "odd_size",
    "over_exposed": "light",
    "under_exposed": "dark",
    "low_information": "low_information",
    "exact_duplicate": "exact_duplicates",
    "near_duplicate": "near_duplicates",
}


@dataclass
class Pile:
    """A folder of files, and what was planted in each."""

    root: Path
    kinds: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, name: str, content: bytes) -> None:
        path = f"{len(self.kinds):05d}-{name}"
        (self.root / path).write_bytes(content)
        self.kinds[path] = kind

    def checked(self) -> dict[str, CheckedImage]:
        log = self.root.with_suffix(".log")
        return {c.name: c for c in check_images(sorted(self.kinds), log, root=self.root)}

    def peer(self) -> dict[str, set[str]]:
        """The issues cleanvision finds in each file; None of a file it gives no scores."""
        from cleanvision import Imagelab

        lab = Imagelab(filepaths=[str(self.root / path) for path in sorted(self.kinds)])
        lab.find_issues(n_jobs=1, verbose=False)
        table = lab.issues
        names = [c for c in table.columns if c.startswith("is_")]
        found = {}
        for path, row in zip(table.index, table.to_dict("records"), strict=True):
            issues = {n.removeprefix("is_").removesuffix("_issue") for n in names if row[n] is True}
            unscored = row["blurry_score"] != row["blurry_score"]
            found[Path(path).name] = issues | ({"unreadable"} if unscored else set())
        return found


def pictures(data: Path, per_set: int) -> Iterator[Image.Image]:
    files = sorted(p for p in (data / "raw_pile").glob("*/*") if p.is_file())
    clean = [p for p in files if not any(word in p.as_posix() for word in NOT_CLEAN)]
    contents = [p.read_bytes() for i, p in enumerate(clean) if i % CHOSEN_ON][:per_set]
    for table in ("flickr8k_subset/test", "fairface540/test"):
        rows = pq.read_table(data / f"{table}-00000-of-00001.parquet", columns=["image"])["image"]
        contents += [row["bytes"] for row in rows.to_pylist()[41 : 41 + per_set // 2]]
    for content in contents:
        image = Image.open(BytesIO(content))
        image.draft("RGB", (SIDE, SIDE))
        image = image.convert("RGB")
        image.thumbnail((SIDE, SIDE))
        yield image


def quality_pile(root: Path, images: list[Image.Image], data: Path) -> Pile:
    pile, rng = Pile(root), np.random.default_rng(1)
    harmless = list(planted.HARMLESS.items())
    for i, image in enumerate(images):
        name, change = harmless[i % len(harmless)]
        pile.add("clean", name.replace(" ", "-"), change(image))
        for kind, defect in planted.DEFECTS.items():
            pile.add(kind, f"{kind.replace(' ', '-')}.jpg", planted.encoded(defect(image, rng)))
    emoji = pq.read_table(data / "noto_emoji_people/train-00000-of-00001.parquet")["image"]
    for row in emoji.to_pylist()[7 :: len(emoji) // len(images)]:
        pile.add("drawing", "emoji.png", row["bytes"])
    return pile


def duplicate_pile(root: Path, images: list[Image.Image]) -> Pile:
    pile, rng = Pile(root), np.random.default_rng(2)
    contents = [planted.encoded(image, quality=92) for image in images]
    for i, content in enumerate(contents):
        pile.add("original" if i % 2 else "repeated", "original.jpg", content)
    for i, image in enumerate(images[::2]):
        if i % 4 == 0:
            pile.add("exact", "exact.jpg", contents[2 * i])
        for kind, change in planted.NEAR.items():
            pile.add(kind, f"{kind.replace(' ', '-')}.jpg", change(image, rng))
    return pile


def corrupt_pile(root: Path, images: list[Image.Image]) -> Pile:
    pile, rng = Pile(root), np.random.default_rng(3)
    harmless = list(planted.HARMLESS.items())
    damages = list(planted.CORRUPT.items())
    for i, image in enumerate(images):
        name, change = harmless[i % len(harmless)]
        pile.add("clean", name.replace(" ", "-"), change(image))
        kind, damage = damages[i % len(damages)]
        pile.add(kind, f"{kind.replace(' ', '-')}.jpg", damage(planted.encoded(image), rng))
    pile.add("bomb", "bomb.png", planted.bomb())
    pile.add("clean", "animated.gif", planted.animated_gif(images[0], images[1]))
    return pile


def row(check: str, kinds: list[str], found: list[bool], truth: list[bool]) -> str:
    """One line: recall and precision, and the recall of each kind that was planted."""
    hits = sum(f and t for f, t in zip(found, truth, strict=True))
    recall, precision = hits / sum(truth), hits / max(1, sum(found))
    parts = []
    for kind in dict.fromkeys(k for k, t in zip(kinds, truth, strict=True) if t):
        of = [f for k, f in zip(kinds, found, strict=True) if k == kind]
        parts.append(f"{kind} {sum(of)}/{len(of)}")
    without = len(truth) - sum(truth)
    return f"| {check} | {recall:.3f} | {precision:.3f} | {without} | {', '.join(parts)} |"


def compare(pile: Pile, checks: dict[str, tuple[str, ...]], clean: tuple[str, ...]) -> None:
    ours = {path: {flag.check for flag in c.flags} for path, c in pile.checked().items()}
    try:
        peer = pile.peer()
    except ImportError:
        peer = None
    except Exception as error:  # what it does not survive is a result of the comparison
        print(f"cleanvision stops: {type(error).__name__}: {str(error)[:80]}")
        peer = None
    for check, wanted in checks.items():
        chosen = [p for p, kind in pile.kinds.items() if kind in (*wanted, *clean)]
        kinds = [pile.kinds[p] for p in chosen]
        truth = [kind in wanted for kind in kinds]
        print(row(f"{check}: unskew", kinds, [check in ours[p] for p in chosen], truth))
        name = PEER.get(check, check)
        if peer is not None and (check in PEER or check == "unreadable"):
            if check.endswith("_duplicate"):  # it tells both pictures of a pair
                chosen = [p for p in chosen if pile.kinds[p] != "repeated"]
                kinds = [pile.kinds[p] for p in chosen]
                truth = [kind in wanted for kind in kinds]
            found = [name in peer[p] for p in chosen]
            print(row(f"{check}: cleanvision", kinds, found, truth), flush=True)


def speed(images: list[Image.Image], n: int) -> None:
    """Images of 200 px on one core, checked by both."""
    with tempfile.TemporaryDirectory() as folder:
        pile, rng = Pile(Path(folder) / "pile"), np.random.default_rng(4)
        pile.root.mkdir()
        for i in range(n):
            image = images[i % len(images)].resize((200, 200))
            noise = rng.normal(0, 4, (200, 200, 3))
            pile.add("any", "x.jpg", planted.encoded(planted._image(np.asarray(image) + noise)))
        for name, run in (("unskew", pile.checked), ("cleanvision", pile.peer)):
            start = time.process_time()
            run()
            spent = time.process_time() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name}: {n / spent:.0f} images per CPU second; peak {peak:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--per-set", type=int, default=60, help="pictures of the scraped pile")
    parser.add_argument("--speed", type=int, default=0, help="images; measure only the speed")
    chosen = parser.parse_args()
    images = list(pictures(chosen.data, chosen.per_set))
    if chosen.speed:
        speed(images, chosen.speed)
        return
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
