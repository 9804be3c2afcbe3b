"""The Parquet files of a set, which the builder of `unskew.corpora` prepares."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import datasets

from unskew.corpora.published import METADATA, config_name
from unskew.corpora.real_world_bias import RealWorldBias
from unskew.curate.sets.entry import Entry, metadata_lines
from unskew.errors import InputError, UnskewError
from unskew.stimuli import taxonomy


def write_rows(entries: Sequence[Entry], folder: Path, images: Path | None) -> None:
    """Write metadata.jsonl, and a folder of Parquet files for each category, to `folder`.

    `entries`: with splits, in the order of the categories. `images`: the folder of a collection
    to embed images from; None embeds none.

    Raises:
        InputError, NotFoundError: an image is gone or was changed, or the disk takes no more.
    """
    cache = folder / ".cache"
    with _one_line(folder), _quiet():
        with (folder / METADATA).open("w", encoding="utf-8") as file:
            file.writelines(metadata_lines(entries))
        there = {entry.category for entry in entries}
        for category in (c for c in taxonomy() if c in there):
            config = config_name(category)
            builder = RealWorldBias(config, data_dir=folder, images=images, cache_dir=cache)
            builder.download_and_prepare(str(cache / config), file_format="parquet")
            (folder / config).mkdir()
            for path in sorted((cache / config).glob("*.parquet")):
                path.rename(folder / config / _shard_name(path.name, builder.dataset_name))
        shutil.rmtree(cache)


def _shard_name(name: str, prefix: str) -> str:
    """``"x-test.parquet"`` -> ``"test-00000-of-00001.parquet"``, as sets on the Hub have it."""
    name = name.removeprefix(f"{prefix}-")
    return name if "-of-" in name else name.replace(".parquet", "-00000-of-00001.parquet")


@contextmanager
def _one_line(folder: Path) -> Iterator[None]:
    """Of an error that `datasets` wraps, the one within that is for the user."""
    try:
        yield
    except datasets.exceptions.DatasetGenerationError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, UnskewError):
                raise cause from error
            if isinstance(cause, OSError):
                raise InputError(f"cannot write {folder}: {cause.strerror or cause}") from error
            cause = cause.__cause__ or cause.__context__
        raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Without a bar of `datasets` for every part of every category."""
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
