"""PAIRS: Fraser and Kiritchenko, EACL 2024 (arXiv 2402.05779)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from unskew.curate.imports.base import About, Labelled, file_content, images_below
from unskew.errors import InputError
from unskew.stimuli import canonical_subgroup

ABOUT = About(
    name="PAIRS",
    page="https://github.com/katiefraser/PAIRS",
    text="Pictures that a generator (Midjourney) made of 50 everyday scenes, each with a Black "
    "man, a Black woman, a white man and a white woman: nobody in them exists, and the labels are "
    "words of the prompts. The four pictures of a scene are alike on purpose. By Kathleen C. "
    "Fraser and Svetlana Kiritchenko, EACL 2024. Their datasheet calls it free for any use.",
    licence="LicenseRef-PAIRS",
    mode="private",
)
SECTIONS = ("occupations", "status", "potential_crime")
# One file is called white_man1.png.
_NAME = re.compile(r"(black|white)_(man|woman)\d*", re.IGNORECASE)


def read(folder: Path) -> Iterator[Labelled]:
    """The pictures of <section>/<scene>/<race>_<gender>.png below a folder, all for testing.

    Raises:
        InputError: `folder` holds none.
    """
    found = [path for path in images_below(folder) if _is_picture(path)]
    if not found:
        raise InputError(
            f"{folder} is no PAIRS: no file below it is <section>/<scene>/<race>_<gender>.png "
            f"with a section of {', '.join(SECTIONS)}"
        )
    for path in found:
        section, scene, _ = path.parts[-3:]
        race, gender = path.stem.split("_")
        said = {"race": race, "gender": gender.rstrip("0123456789")}
        yield Labelled(
            key="/".join(path.parts[-3:]),
            read=partial(file_content, folder / path),
            labels={
                category: canonical_subgroup(category, word) for category, word in said.items()
            },
            said={c: f"{word} ({section}, {scene})" for c, word in said.items()},
            together=(f"scene {section} {scene}",),
            split="test",
        )


def _is_picture(path: Path) -> bool:
    there = len(path.parts) >= 3 and path.parts[-3] in SECTIONS
    return there and _NAME.fullmatch(path.stem) is not None
