"""Look-alikes: for every picture, the earlier one whose embedding is nearest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from unskew.curate.stored import Stored
from unskew.errors import InputError

# From readable files to one L2-normalised row each; a row of NaN where it cannot say.
Embed = Callable[[Sequence[Path]], np.ndarray]
# Pictures that are embedded together, and those that are compared with as many others at a time.
TOGETHER, BLOCK = 32, 512


def open_embedder(name: str) -> Embed:
    """The image tower of a dual encoder (a Hub id, a folder, unskew/mini) for `look_alikes`.

    What it has embedded is kept in the encoder's own cache, by the content of the files, so that a
    run that was killed goes on.

    Raises:
        NotFoundError, InputError: see `DualEncoder.from_pretrained`.
    """
    from unskew.encoders import DualEncoder

    encoder = DualEncoder.from_pretrained(name)

    def embed(paths: Sequence[Path]) -> np.ndarray:
        found = encoder.embed_readable(list(paths), batch_size=TOGETHER)
        rows = np.full((len(paths), encoder.dim), np.nan, np.float32)
        rows[found.kept] = found.embeddings
        return rows

    return embed


def look_alikes(paths: Sequence[Path], embed: Embed, folder: Path) -> Iterator[tuple[int, float]]:
    """Of every picture, the place of the earlier one that it agrees with most, and the cosine.

    Of the first it is itself and 0; of one that the encoder cannot read, itself and NaN. In memory
    are two blocks of rows; the others are in an unnamed file in `folder`. The time of comparing
    grows with the square of n.

    Raises:
        InputError: `embed` does not give one row each, or the disk takes no more.
    """
    if not paths:
        return
    first = _embedded(paths[:TOGETHER], embed)
    with Stored(folder, (first.shape[1],), np.float32) as rows:
        rows.append(first)
        for start in range(TOGETHER, len(paths), TOGETHER):
            more = _embedded(paths[start : start + TOGETHER], embed)
            if more.shape[1] != first.shape[1]:
                raise InputError(
                    f"the embeddings have {first.shape[1]} dimensions and then {more.shape[1]}"
                )
            rows.append(more)
        for start in range(0, len(rows), BLOCK):
            yield from _nearest(rows, start)


def _embedded(paths: Sequence[Path], embed: Embed) -> np.ndarray:
    found = np.asarray(embed(paths))
    if found.ndim != 2 or len(found) != len(paths):
        raise InputError(
            f"the embeddings have shape {found.shape}; {len(paths)} images need one row each"
        )
    return found


def _nearest(rows: Stored, start: int) -> Iterator[tuple[int, float]]:
    """For each row of a block, of all before it; the earliest of several that are equally near."""
    block = rows.read(start, start + BLOCK)
    best = np.full(len(block), -np.inf)
    other = np.arange(start, start + len(block))
    for begin in range(0, start + 1, BLOCK):
        known = rows.read(begin, begin + BLOCK)
        cosines = np.nan_to_num(block) @ np.nan_to_num(known).T
        cosines[:, np.isnan(known).any(axis=1)] = -np.inf
        if begin == start:  # the earlier alone
            cosines[np.triu_indices(len(block))] = -np.inf
        place = cosines.argmax(axis=1)
        score = cosines[np.arange(len(block)), place]
        nearer = score > best
        best[nearer], other[nearer] = score[nearer], begin + place[nearer]
    best[np.isinf(best)] = 0.0
    silent = np.isnan(block).any(axis=1)
    best[silent], other[silent] = np.nan, np.arange(start, start + len(block))[silent]
    yield from zip(other.tolist(), best.tolist(), strict=True)
