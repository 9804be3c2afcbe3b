"""A small curation of the faces that ship with the package, as a collection of them would be."""

import json
from pathlib import Path

from unskew.corpora import load_images
from unskew.curate.curation import DECISIONS
from unskew.curate.decisions import Decision, DecisionLog
from unskew.curate.pipeline import curate

LICENCES = ("CC0-1.0", "CC-BY-4.0", "LicenseRef-all-rights-reserved")
SITE = "https://pictures.example"


def face_files(count):
    """The first faces of each gender, in turn: (bytes, "Female" or "Male")."""
    faces = load_images("faces")
    labels = faces.labels("gender")
    sides = [[row for row, label in enumerate(labels) if label == g] for g in ("Female", "Male")]
    rows = [row for pair in zip(*sides, strict=False) for row in pair][:count]
    return [(faces.images[row]["bytes"], labels[row]) for row in rows]


def write_raw(folder, count=24, **changes):
    """Images and an export of them; `changes`: what the lines of the export have instead.

    Every three pictures are by one author, and every third may not be passed on.
    """
    (folder / "images").mkdir(parents=True)
    lines = []
    for number, (content, gender) in enumerate(face_files(count)):
        (folder / "images" / f"{number:02}.jpg").write_bytes(content)
        who = "woman" if gender == "Female" else "man"
        lines.append(
            {
                "id": f"{number:02}",
                "image": f"images/{number:02}.jpg",
                "url": f"{SITE}/{number:02}.jpg",
                "page": f"{SITE}/{number:02}",
                "text": f"a {who} in the street, number {number}",
                "author": f"author {number // 3}",
                "licence": LICENCES[number % 3],
                "source": "pictures.example",
                "category": "gender",
                "subgroup": gender,
                "query": "portrait",
                "retrieved": "2026-01-01T00:00:00+00:00",
            }
            | {key: value(number) for key, value in changes.items()}
        )
    export = folder / "export.jsonl"
    export.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return export


def curated(folder, count=24, **changes) -> Path:
    """The curation of such an export, whose authors fall into the same splits at every run."""
    (folder / "curated").mkdir(parents=True)
    (folder / "curated" / "salt").write_text("of these tests alone")
    curate(write_raw(folder / "raw", count, **changes), folder / "curated")
    return folder / "curated"


def decide(folder, made):
    """Append decisions: (record id, reviewer, action), and of a relabel category and subgroup."""
    with DecisionLog(folder / DECISIONS) as log:
        for record, reviewer, action, *label in made:
            category, subgroup = label or (None, None)
            log.append(
                Decision(record, reviewer, action, "2026-01-02T00:00:00Z", category, subgroup)
            )


def metadata(folder):
    """The rows of a set's metadata.jsonl."""
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
