"""Bystanders in the images of a set, hidden in files of their own before the set is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm.auto import tqdm

from unskew.corpora.real_world_bias import stored_image, stored_path
from unskew.curate.blurring import blur_bystanders
from unskew.curate.curation import FACES, Curation, Face
from unskew.curate.images import store_image
from unskew.curate.pixels import UnreadableError, small_copy
from unskew.curate.sets.entry import Entry
from unskew.curate.sets.rights import Mode, left_out
from unskew.errors import InputError

Faces = Mapping[str, Sequence[Face]]
"""By the SHA-256 of a file, in pixels of the upright picture."""
QUALITY = 95


def known_faces(curation: Curation) -> Faces:
    """The faces in the images of a curation. Raises InputError where nobody has looked for them."""
    folder = curation.folder
    if curation.faces is None:
        raise InputError(
            f"{folder} has no {FACES}, without which no bystanders are known: "
            f"run unskew curate {folder} --out {folder} --faces"
        )
    checked = curation.checked
    return {key: found for i, found in curation.faces.items() if (key := checked[i].key)}


def hide_bystanders(
    entries: Sequence[Entry], faces: Faces, images: Path, folder: Path, mode: Mode
) -> list[Entry]:
    """The entries, those of an image with several faces with the SHA-256 of one that shows one.

    Files of all images that may be in a set of this mode are then in `folder`, as a collection
    keeps them: new ones, and links to those in `images` that stay as they are.

    Raises:
        InputError, NotFoundError: an image is gone, was changed or cannot be decoded, or the disk
            takes no more.
    """
    new: dict[str, str] = {}
    wanted = {e.sha256: e for e in entries if e.sha256 and left_out(e, mode) is None}
    bar = tqdm(wanted.items(), unit="image", desc="bystanders", disable=None, delay=2, leave=False)
    for digest, entry in bar:
        if len(faces.get(digest, ())) < 2:
            _link(stored_path(images, digest), folder)
            continue
        try:
            content = blurred(stored_image(images, digest), faces[digest])
        except UnreadableError as error:
            raise InputError(
                f"bystanders in the image of record {entry.id!r} cannot be hidden ({error}): "
                "drop it in the review"
            ) from error
        new[digest] = hashlib.sha256(content).hexdigest()
        store_image(folder, content, "")
    return [
        replace(entry, sha256=new[entry.sha256], original=entry.sha256)
        if entry.sha256 in new
        else entry
        for entry in entries
    ]


def blurred(content: bytes, faces: Sequence[Face]) -> bytes:
    """The file of a picture with all faces hidden but the subject's: upright, a single frame, a
    PNG where it was one and else a JPEG.

    Of what else the file held, it has the colour profile alone: EXIF blocks may keep a small copy
    of the picture as it was, and places. Raises UnreadableError if it cannot be decoded.
    """
    with Image.open(BytesIO(content)) as image:
        size, png = image.size, image.format == "PNG"
        profile = image.info.get("icc_profile") or b""
    picture = Image.fromarray(blur_bystanders(small_copy(content, max(size)).rgb, faces))
    # A profile of grey or of inks does not fit pixels that are RGB now.
    how: dict[str, Any] = {"icc_profile": profile} if profile[16:20] == b"RGB " else {}
    out = BytesIO()
    if png:
        picture.save(out, "PNG", **how)
    else:
        picture.save(out, "JPEG", quality=QUALITY, subsampling=0, **how)
    return out.getvalue()


def hidden(entries: Sequence[Entry], faces: Faces) -> dict[str, int]:
    """In how many rows and images of a set faces are hidden, and how many."""
    changed = [entry.original for entry in entries if entry.original]
    images = set(changed)
    return {
        "rows": len(changed),
        "images": len(images),
        "faces": sum(len(faces[digest]) - 1 for digest in images),
    }


def _link(path: Path, folder: Path) -> None:
    place = folder / path.parent.parent.name / path.parent.name / path.name
    place.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(path.resolve(), place)
