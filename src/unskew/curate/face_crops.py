"""Every found face in a file of its own, set upright: aligned/ in the folder of a curation."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from PIL import Image
from tqdm.auto import tqdm

from unskew.curate.collection import RECORDS
from unskew.curate.curation import FACES, Face, parsed_faces
from unskew.curate.faces import VERSION, align
from unskew.curate.pixels import small_copy
from unskew.curate.record import read_records
from unskew.errors import InputError
from unskew.kept import write_whole

ALIGNED = "aligned"
MADE = "made.json"
SIDE = 224
QUALITY = 95
# The longer side of what crops are cut from: a face of the size of a crop is then a twentieth of
# it, and the copy takes 50 MB at most.
_LONGEST = 4096
# What decides a crop: when it changes, all are made anew.
_SETTINGS = {"version": 1, "faces": VERSION, "side": SIDE, "quality": QUALITY}


def aligned_path(key: str, place: int) -> Path:
    """Where the crop of a face lies, relative to the folder: the image's SHA-256, and the face's
    place in faces.jsonl, from 0."""
    return Path(ALIGNED) / key[:2] / f"{key}-{place}.jpg"


def crop_faces(folder: Path) -> int:
    """Write the aligned crop of every face in `folder`/faces.jsonl, and return how many there are.

    A crop is `SIDE` pixels square, a JPEG without EXIF. One that is there is not made again, and
    each appears whole, so that a run that was killed goes on, and the bytes are the same.

    Raises:
        InputError: `folder`/aligned is not ours, or the disk takes no more; what was made is kept.
    """
    _begin(folder / ALIGNED)
    count = 0
    seen: set[str] = set()
    bar = tqdm(_faces(folder), unit="image", desc="crops", disable=None, delay=2, leave=False)
    for image, faces in bar:
        try:
            content = image.read_bytes()
        except OSError:  # gone since its faces were found: the checks tell it
            continue
        key = hashlib.sha256(content).hexdigest()
        if key not in seen:  # several records may have one file
            seen.add(key)
            _write(folder, key, content, faces)
            count += len(faces)
    return count


def _begin(place: Path) -> None:
    """An empty folder for crops of these settings, or the one that has them already."""
    said = json.dumps(_SETTINGS)
    old = place.with_name(f".unskew-old-{place.name}")
    try:
        shutil.rmtree(old, ignore_errors=True)  # of a run that was killed below
        if place.exists():
            if not (place / MADE).is_file():
                raise InputError(f"{place} holds something else than faces: move it away")
            if (place / MADE).read_text(encoding="utf-8") == said:
                for cut in place.glob("*/.unskew-*"):  # by a kill; see write_whole
                    cut.unlink()
                return
            # Goes at once: half removed, it might have lost the file that says it is ours.
            place.rename(old)
            shutil.rmtree(old)
        # Appears with its file in it: a folder without one is never ours.
        new = place.with_name(f".unskew-new-{place.name}")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        (new / MADE).write_text(said, encoding="utf-8")
        new.rename(place)
    except OSError as error:
        raise InputError(f"cannot write {place}: {error.strerror or error}") from error


def _faces(folder: Path) -> Iterator[tuple[Path, Sequence[Face]]]:
    """Of every record with a face, the path of its image and the faces."""
    with (folder / FACES).open(encoding="utf-8") as lines:
        for record, line in zip(read_records(folder / RECORDS), lines, strict=True):
            faces = parsed_faces(json.loads(line)["faces"])
            if record.image is not None and faces:
                yield folder / record.image, faces


def _write(folder: Path, key: str, content: bytes, faces: Sequence[Face]) -> None:
    """The crops of a picture that are not there yet."""
    paths = [folder / aligned_path(key, place) for place in range(len(faces))]
    missing = [place for place, path in enumerate(paths) if not path.is_file()]
    if not missing:
        return
    copy = small_copy(content, _LONGEST)  # readable, since it has faces
    across, down = copy.rgb.shape[1] / copy.width, copy.rgb.shape[0] / copy.height
    for place in missing:
        pixels = align(copy.rgb, _scaled(faces[place], across, down), SIDE)
        file = BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY, subsampling=0)
        try:
            paths[place].parent.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {paths[place]}: {error.strerror or error}") from error
        write_whole(paths[place], file.getvalue())


def _scaled(face: Face, across: float, down: float) -> Face:
    return replace(face, landmarks=tuple((x * across, y * down) for x, y in face.landmarks))
