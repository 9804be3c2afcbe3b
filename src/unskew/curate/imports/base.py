"""What every importer hands over: entries, and what is to be said of the set they come from."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unskew.corpora.published import config_name
from unskew.curate.collection import record_id
from unskew.curate.images import SUFFIXES, store_image
from unskew.curate.pixels import UnreadableError, small_copy
from unskew.curate.sets.entry import Entry
from unskew.curate.sets.rights import Mode


@dataclass(frozen=True)
class About:
    """A set that others have published.

    Attributes:
        name: as rows name their source. page: where it is published.
        text: what its card says of it. licence: of its images.
        mode: how a set made of it is published.
    """

    name: str
    page: str
    text: str
    licence: str
    mode: Mode


@dataclass
class Imported:
    """Entries, and how many candidates did not become one, by reason."""

    about: About
    entries: list[Entry] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def candidates(self) -> int:
        """Images times the categories in which they have a label."""
        return len(self.entries) + self.left_out.total()


@dataclass(frozen=True)
class Picture:
    """An image file that was stored: its SHA-256, and its size upright."""

    sha256: str
    width: int
    height: int


def stored(content: bytes, workspace: Path) -> Picture | None:
    """Store an image below `workspace`, as collections do; None for one that cannot be read.

    Raises:
        InputError: the disk takes no more.
    """
    try:
        copy = small_copy(content)
    except UnreadableError:
        return None
    store_image(workspace, content, "")
    return Picture(hashlib.sha256(content).hexdigest(), copy.width, copy.height)


@dataclass(frozen=True)
class Labelled:
    """One image of a published set.

    Attributes:
        key: what it is called there, for ever.
        read: its bytes. labels: by category, in the taxonomy's names, None where it has no such.
        said: by category, how the set itself words the label.
        together, split: see `Entry`.
    """

    key: str
    read: Callable[[], bytes]
    labels: Mapping[str, str | None]
    said: Mapping[str, str]
    together: tuple[str, ...] = ()
    split: str | None = None


def imported(about: About, images: Iterable[Labelled], workspace: Path) -> Imported:
    """One entry for each image and each of its categories; the images are stored."""
    done = Imported(about)
    for image in images:
        known = {category: label for category, label in image.labels.items() if label is not None}
        for category in image.labels.keys() - known.keys():
            reason = f"{category} {image.said[category]!r} is no one subgroup of the taxonomy"
            done.left_out[reason] += 1
        if not image.labels:
            done.left_out["the image has no label"] += 1
        picture = stored(image.read(), workspace) if known else None
        if picture is None:
            done.left_out["the image cannot be read"] += len(known)
            continue
        for category, subgroup in known.items():
            done.entries.append(_entry(about, image, category, subgroup, picture))
    done.left_out = +done.left_out
    return done


def _entry(about: About, image: Labelled, category: str, subgroup: str, picture: Picture) -> Entry:
    return Entry(
        id=f"{record_id(about.name, image.key)}-{config_name(category)}",
        text="",
        category=category,
        subgroup=subgroup,
        source=about.name,
        url=image.key,
        page=about.page,
        licence=about.licence,
        author_hash=None,
        retrieved=None,
        query=f"{category}: {image.said[category]}",
        sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
        together=image.together,
        split=image.split,
    )


def images_below(folder: Path) -> list[Path]:
    """Paths of image files, relative to the folder, in a fixed order."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES)


def file_content(path: str | Path) -> bytes:
    """Nothing for a file that cannot be read: it is no image, and reported as none."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
