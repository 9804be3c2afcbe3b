"""Faces of known groups, alone and pasted into photographs without people, and such photographs.

Where a face lies is known in every picture, so that nobody need draw boxes. The crops of UTKFace
are close, those of FairFace have a margin.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

# Photographs with people in the background, of whom no caption speaks.
BYSTANDERS = {"1418266617_b32143275b.jpg"}
RACES = ("White", "Black", "Asian", "Indian", "Others")
GENDERS = ("men", "women")
AGES = ("0-29", "0-29", "0-29", "0-29", "30-59", "30-59", "30-59", "60+", "60+")
# Sides in pixels of the crops that are pasted into one photograph: each face is there thrice.
PASTED = (96, 48, 24)
# The longer side of a photograph without people.
SCENE = 500
# A photograph of a face that fills it.
LARGE = 640
# A caption with one of these may be of a photograph with a person.
PERSON = re.compile(
    r"\b(m[ae]n|wom[ae]n|boys?|girls?|persons?|people|child(ren)?|kids?|bab(y|ies)|toddlers?|"
    r"lad(y|ies)|guys?|crowd|s?he|his|hers?|him|their|they|some(one|body)|team|couple|family|"
    r"group|friends?|humans?|hands?|legs?|arms?|feet|infants?|teen\w*|adults?|athletes?|face|"
    r"firefighters?|firemen|fireman|(motor|bi)?cyclists?|police\w*|males?|females?|audience|mother|father|son|daughter|"
    r"(play|rid|surf|ski|hik|climb|bik|skat|swimm|driv|rac|runn|own|perform|danc|box|walk|train|"
    r"sing|work|wrestl|fish|kayak|spectat|snowboard|skateboard|wakeboard|parasail)(er|or)s?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Known:
    """``picture``: uint8 (h, w, 3). ``places``: of the face's crops: condition, left, top, side."""

    groups: dict[str, str]
    picture: np.ndarray
    places: tuple[tuple[str, float, float, float], ...]


def decoded(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


def without_people(data: Path) -> list[Image.Image]:
    """Photographs of Flickr8k of whose five captions none names a person: dogs, mostly.

    The subset has them at 200 pixels; they are enlarged to what people post.
    """
    found = []
    for part in ("train", "test"):
        table = pq.read_table(data / "flickr8k_subset" / f"{part}-00000-of-00001.parquet")
        columns = (table[name].to_pylist() for name in ("filename", "captions", "image"))
        for name, captions, image in zip(*columns, strict=True):
            if name not in BYSTANDERS and not any(map(PERSON.search, captions)):
                scene = decoded(image["bytes"])
                scale = SCENE / max(scene.size)
                size = (round(scene.width * scale), round(scene.height * scale))
                found.append(scene.resize(size, Image.Resampling.LANCZOS))
    return found


def small_pictures(data: Path, count: int) -> list[Image.Image]:
    """Things and animals of CIFAR-10, 32 pixels, enlarged eight times."""
    table = pq.read_table(data / "cifar10_subset" / "test-00000-of-00001.parquet").slice(0, count)
    images = (decoded(image["bytes"].as_py()) for image in table["img"])
    return [image.resize((256, 256), Image.Resampling.BICUBIC) for image in images]


def utkface(data: Path, per_cell: int) -> list[tuple[dict[str, str], Image.Image]]:
    """As many faces of each race and gender, drawn with a fixed seed."""
    cells: dict[tuple[int, int], list[bytes]] = {}
    for part in ("train", "validation", "test"):
        table = pq.read_table(data / "utkface" / f"{part}-00000-of-00001.parquet")
        columns = (table[name].to_pylist() for name in ("race", "gender", "image"))
        for race, gender, image in zip(*columns, strict=True):
            cells.setdefault((race, gender), []).append(image["bytes"])
    faces = []
    for (race, gender), contents in sorted(cells.items()):
        order = np.random.default_rng([race, gender]).permutation(len(contents))[:per_cell]
        groups = {"race x gender": f"{RACES[race]} {GENDERS[gender]}"}
        faces += [(groups, decoded(contents[index])) for index in order]
    return faces


def fairface(data: Path) -> list[tuple[dict[str, str], Image.Image]]:
    """The 540 faces of FairFace, 30 of each gender and age."""
    table = pq.read_table(data / "fairface540" / "test-00000-of-00001.parquet")
    return [
        ({"gender": GENDERS[gender], "age": AGES[age]}, decoded(image["bytes"]))
        for image, gender, age in zip(
            *(table[name].to_pylist() for name in ("image", "gender", "age")), strict=True
        )
    ]


def known(
    faces: list[tuple[dict[str, str], Image.Image]],
    scenes: list[Image.Image],
    name: str,
    large: int,
) -> Iterator[Known]:
    """Every face alone, and thrice in a photograph; each `large`-th also enlarged."""
    for index, (groups, face) in enumerate(faces):
        side = float(face.width)
        yield Known(groups, np.asarray(face), ((f"{name} alone", 0.0, 0.0, side),))
        if index % large == 0:
            enlarged = face.resize((LARGE, LARGE), Image.Resampling.BICUBIC)
            yield Known(groups, np.asarray(enlarged), ((f"{name} {LARGE} px", 0, 0, LARGE),))
        yield _pasted(groups, face, scenes[index % len(scenes)], name, index)


def _pasted(
    groups: dict[str, str], face: Image.Image, scene: Image.Image, name: str, index: int
) -> Known:
    rng = np.random.default_rng(index)
    picture = scene.copy()
    places: list[tuple[str, float, float, float]] = []
    for side in PASTED:
        while True:
            left, top = (int(rng.integers(0, edge - side + 1)) for edge in picture.size)
            if all(
                left + side <= x or x + s <= left or top + side <= y or y + s <= top
                for _, x, y, s in places
            ):
                break
        picture.paste(face.resize((side, side), Image.Resampling.LANCZOS), (left, top))
        places.append((f"{name} {side} px", left, top, side))
    return Known(groups, np.asarray(picture), tuple(places))


def best_score(found: np.ndarray, left: float, top: float, side: float) -> float | None:
    """The score of the best box that lies about where the face is; None if none does.

    Detectors disagree about how much of a head is a face: the box's centre must be in the middle
    of the crop, and its side between a quarter of the crop's and one and a half times.
    """
    middle = found[:, :2] + found[:, 2:4] / 2 - [left, top]
    size = np.sqrt(np.maximum(found[:, 2] * found[:, 3], 0))
    near = (np.abs(middle - side / 2) <= side / 4).all(axis=1)
    hits = found[near & (size >= side / 4) & (size <= side * 1.5), 4]
    return float(hits.max()) if len(hits) else None
