"""Piles of real pictures with planted defects, and how a check did on them: recall and precision.

The pictures are of the scraped pile, Flickr and FairFace. The measure of blur and the thresholds of
blur, over-exposure and near-duplicates were chosen on others: every fourth picture of the pile,
which is left out here, and other rows of Flickr, FairFace and UTKFace. That blur was to be measured
otherwise was seen here. The remaining thresholds are older: they were chosen on other rows of
Flickr and FairFace, but in part on these pictures of the pile.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import planted_defects as planted
import pyarrow.parquet as pq
from PIL import Image

from unskew.curate.checks import CheckedImage, check_images

# Pictures of the pile that are what a check looks for: drawings, and visible watermarks.
NOT_CLEAN = ("christianity1", "judaism1", "grandpa1_", "grandpa6_", "girl1_", "arab-muslim/1_")
# Every so many-th picture of the pile is left out: thresholds were chosen on those.
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
    "watermark": ("watermark", "faint watermark"),
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


def _clean(data: Path) -> list[bytes]:
    files = sorted(p for p in (data / "raw_pile").glob("*/*") if p.is_file())
    return [p.read_bytes() for p in files if not any(w in p.as_posix() for w in NOT_CLEAN)]


def _rows(data: Path, table: str) -> list[bytes]:
    found = pq.read_table(data / f"{table}-00000-of-00001.parquet", columns=["image"])["image"]
    return [row["bytes"] for row in found.to_pylist()]


def _shown(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.draft("RGB", (SIDE, SIDE))
    image = image.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    return image


def pictures(data: Path, per_set: int) -> Iterator[Image.Image]:
    contents = [c for i, c in enumerate(_clean(data)) if i % CHOSEN_ON][:per_set]
    for table in ("flickr8k_subset/test", "fairface540/test"):
        contents += _rows(data, table)[41 : 41 + per_set // 2]
    yield from map(_shown, contents)


def development(data: Path, per_set: int) -> Iterator[tuple[str, Image.Image]]:
    """Pictures to choose by, with the name of their set; none of them is among `pictures`."""
    for content in _clean(data)[::CHOSEN_ON]:
        yield "pile", _shown(content)
    for table in ("flickr8k_subset/train", "fairface540/test", "utkface/train"):
        rows = _rows(data, table)
        # FairFace has but one part: every other row behind those that are tested on.
        rows = rows[100::2] if table.startswith("fairface") else rows
        for content in rows[:per_set]:
            yield table.split("/")[0], _shown(content)


def quality_pile(root: Path, images: list[Image.Image], data: Path) -> Pile:
    pile, rng = Pile(root), np.random.default_rng(1)
    harmless = list(planted.HARMLESS.items())
    for i, image in enumerate(images):
        name, change = harmless[i % len(harmless)]
        pile.add("clean", name.replace(" ", "-"), change(image))
        for kind, defect in planted.DEFECTS.items():
            changed = defect(image, rng)
            name = f"{kind.replace(' ', '-')}.jpg"
            if kind == "watermark" and planted.faint(image, changed):
                kind = f"faint {kind}"
            pile.add(kind, name, planted.encoded(changed))
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


@dataclass(frozen=True)
class Found:
    """How a check did: of `planted` items among `others` that it is not to flag."""

    recall: float
    precision: float
    others: int
    by_kind: dict[str, tuple[int, int]]


def judged(pile: Pile, flagged: set[str], wanted: Iterable[str], clean: Iterable[str]) -> Found:
    """`flagged`: the files that a check flags. `wanted`, `clean`: kinds that it is to flag, or not;
    files of other kinds do not count."""
    wanted, clean = list(wanted), set(clean)
    by_kind = {}
    for kind in wanted:
        files = [path for path, of in pile.kinds.items() if of == kind]
        by_kind[kind] = (len(flagged.intersection(files)), len(files))
    others = {path for path, kind in pile.kinds.items() if kind in clean}
    hits, total = (sum(column) for column in zip(*by_kind.values(), strict=True))
    wrong = len(flagged & others)
    return Found(hits / total, hits / max(1, hits + wrong), len(others), by_kind)
