"""Build the image sets that ship with the package, from the real data they are taken from.

    python scripts/build_builtin_images.py --data ../shared/data

writes ``faces.parquet`` and ``emoji.parquet`` into the package. Which emoji carry which label is
the table PANELS below. The same versions of Pillow and pyarrow (kept in the files' metadata) give
the same bytes.
"""

import argparse
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

PACKAGE_DATA = Path(__file__).resolve().parents[1] / "src" / "unskew" / "corpora" / "data"

# The pair of size and quality nearest to the originals (PSNR after scaling back to 224 pixels)
# of those that keep the file under 3 MB.
FACE_PIXELS = 160
FACE_QUALITY = 79
AGE_GROUPS = {
    "0-29": ("0-2", "3-9", "10-19", "20-29"),
    "30-59": ("30-39", "40-49", "50-59"),
    "60+": ("60-69", "70+"),
}

TONES = ("light", "medium-light", "medium", "medium-dark", "dark")
ANY_TONE = ("none", *TONES)  # "none" is the yellow default


@dataclass(frozen=True)
class Panel:
    """One category; its subgroups show the same emoji in the same tones wherever Noto has them."""

    category: str
    tones: tuple[str, ...]
    subgroups: dict[str, tuple[str, ...]]  # label -> short names in Noto's data
    toned: bool = True  # whether its images also carry a label in the category skin_tone


PANELS = (
    Panel(
        "gender",
        TONES,
        {
            "Woman": ("woman", "red_haired_woman", "curly_haired_woman", "blond-haired-woman"),
            "Man": ("man", "red_haired_man", "curly_haired_man", "blond-haired-man"),
            "Person": (
                "adult",
                "red_haired_person",
                "curly_haired_person",
                "person_with_blond_hair",
            ),
        },
    ),
    Panel(
        "age",
        ANY_TONE,
        {
            "Baby": ("baby",),
            "Child": ("girl", "boy", "child"),
            "Adult": ("woman", "man", "adult"),
            "Older adult": ("older_woman", "older_man", "older_adult"),
        },
    ),
    Panel(
        "disability",
        TONES,
        {
            "Manual wheelchair user": (
                "woman_in_manual_wheelchair",
                "man_in_manual_wheelchair",
                "person_in_manual_wheelchair",
            ),
            "Motorized wheelchair user": (
                "woman_in_motorized_wheelchair",
                "man_in_motorized_wheelchair",
                "person_in_motorized_wheelchair",
            ),
            "White cane user": (
                "woman_with_probing_cane",
                "man_with_probing_cane",
                "person_with_probing_cane",
            ),
            "Deaf": ("deaf_woman", "deaf_man", "deaf_person"),
            "No disability shown": ("woman-walking", "man-walking", "walking"),
        },
    ),
    Panel(
        "headwear",
        ANY_TONE,
        {
            "Headscarf": ("person_with_headscarf",),
            "Turban": ("woman-wearing-turban", "man-wearing-turban", "man_with_turban"),
            "Skullcap": ("man_with_gua_pi_mao",),
            "No headwear": ("woman", "man", "adult"),
        },
    ),
    Panel(
        "couple",
        ANY_TONE,
        {
            "Woman and man": ("woman-heart-man", "woman-kiss-man", "man_and_woman_holding_hands"),
            "Two women": ("woman-heart-woman", "woman-kiss-woman", "two_women_holding_hands"),
            "Two men": ("man-heart-man", "man-kiss-man", "two_men_holding_hands"),
        },
        toned=False,
    ),
    # Attribute sets for tests on images alone; no image of theirs is in any other category.
    Panel(
        "setting",
        TONES,
        {
            "Office": ("female-office-worker", "male-office-worker", "office_worker"),
            "Baby care": ("woman_feeding_baby", "man_feeding_baby", "person_feeding_baby"),
            "Science": ("female-scientist", "male-scientist", "scientist"),
            "Arts": ("female-artist", "male-artist", "artist"),
        },
        toned=False,
    ),
)


def build_faces(source: Path) -> pa.Table:
    """FairFace-540, smaller, with a coarser age group beside the nine age bins."""
    table = pq.read_table(source)
    names = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    ages, genders = names["age"]["names"], names["gender"]["names"]
    group_of = {age: list(AGE_GROUPS).index(g) for g, bins in AGE_GROUPS.items() for age in bins}
    age = table["age"].to_pylist()
    return _table(
        [{"bytes": _smaller(i["bytes"]), "path": None} for i in table["image"].to_pylist()],
        labels={
            "gender": (table["gender"].to_pylist(), genders),
            "age": (age, ages),
            "age_group": ([group_of[ages[a]] for a in age], list(AGE_GROUPS)),
        },
    )


def _smaller(encoded: bytes) -> bytes:
    face = Image.open(io.BytesIO(encoded)).convert("RGB")
    face = face.resize((FACE_PIXELS, FACE_PIXELS), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    face.save(out, "JPEG", quality=FACE_QUALITY, optimize=True)
    return out.getvalue()


def build_emoji(source: Path) -> pa.Table:
    """The emoji that PANELS names, their images unchanged, one row each."""
    noto = {(e["short_name"], tone_of(e)): e for e in pq.read_table(source).to_pylist()}
    names = {"skin_tone": [t.capitalize() for t in TONES]}
    names |= {panel.category: list(panel.subgroups) for panel in PANELS}
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for panel, label, key in _chosen():
        row = rows.setdefault(key, {})
        row[panel.category] = label
        if panel.toned and key[1] in TONES:
            row["skin_tone"] = key[1].capitalize()
    return _table(
        [_image(noto[key]) for key in rows],
        labels={
            category: ([_index(known, row.get(category)) for row in rows.values()], known)
            for category, known in names.items()
        },
        texts={
            "name": [noto[key]["name"] for key in rows],
            "codepoints": [noto[key]["codepoints"] for key in rows],
        },
    )


def _chosen() -> Iterator[tuple[Panel, str, tuple[str, str]]]:
    for panel in PANELS:
        for label, short_names in panel.subgroups.items():
            for name in short_names:
                for tone in panel.tones:
                    yield panel, label, (name, tone)


def tone_of(emoji: dict[str, Any]) -> str:
    """The tone of everyone in the picture: "none" for the yellow default, "mixed" for several."""
    first = 0x1F3FB
    points = [int(point, 16) for point in emoji["codepoints"].split("-")]
    tones = {TONES[p - first] for p in points if first <= p < first + len(TONES)}
    if len(tones) > 1:
        return "mixed"
    return tones.pop() if tones else "none"


def _image(emoji: dict[str, Any]) -> dict[str, Any]:
    file_name = "emoji_u" + emoji["codepoints"].lower().replace("-", "_") + ".png"
    return {"bytes": emoji["image"]["bytes"], "path": file_name}


def _index(names: list[str], label: str | None) -> int | None:
    return None if label is None else names.index(label)


def _table(
    images: list[dict[str, Any]],
    labels: dict[str, tuple[list[int | None], list[str]]],
    texts: dict[str, list[str]] | None = None,
) -> pa.Table:
    """An Arrow table with the schema metadata by which `datasets` knows the column types."""
    texts = texts or {}
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    features |= {name: {"dtype": "string", "_type": "Value"} for name in texts}
    features |= {
        name: {"names": known, "_type": "ClassLabel"} for name, (_, known) in labels.items()
    }
    columns = {"image": pa.array(images, pa.struct({"bytes": pa.binary(), "path": pa.string()}))}
    columns |= {name: pa.array(values, pa.string()) for name, values in texts.items()}
    columns |= {name: pa.array(values, pa.int64()) for name, (values, _) in labels.items()}
    metadata = {
        "huggingface": json.dumps({"info": {"features": features}}),
        "made with": versions(),
    }
    return pa.table(columns).replace_schema_metadata(metadata)


def versions() -> str:
    """The libraries on which the files' bytes depend."""
    return f"Pillow {PIL.__version__}, pyarrow {pa.__version__}"


def write(table: pa.Table, path: Path) -> None:
    """Write under a temporary name, then move into place."""
    temporary = path.with_suffix(".tmp")
    # The images are compressed already, and dictionaries would only store them twice over.
    pq.write_table(table, temporary, compression="none", use_dictionary=False)
    os.replace(temporary, path)


SOURCES = {
    "faces": (build_faces, "fairface540/test-00000-of-00001.parquet"),
    "emoji": (build_emoji, "noto_emoji_people/train-00000-of-00001.parquet"),
}


def build(name: str, data: Path, out: Path) -> Path:
    """Make one set, a key of SOURCES, from the folder of real data."""
    make, source = SOURCES[name]
    path = out / f"{name}.parquet"
    write(make(data / source), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data")
    parser.add_argument("--out", type=Path, default=PACKAGE_DATA)
    given = parser.parse_args()
    for name in SOURCES:
        path = build(name, given.data, given.out)
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
