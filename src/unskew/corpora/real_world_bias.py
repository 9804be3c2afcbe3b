"""`RealWorldBias`: the builder that prepares the Parquet files of a set.

`datasets` runs no loading scripts any more, so this class is not put on the Hub beside the data;
what it prepares is.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import datasets
import pyarrow.parquet as pq
from datasets import BuilderConfig, DatasetInfo, DownloadManager, SplitGenerator

from unskew.corpora.published import IMAGE, METADATA, SPLITS, config_name, features
from unskew.errors import InputError, NotFoundError
from unskew.stimuli import taxonomy

DEFAULT = "default"
_AT_ONCE = 64


@dataclass
class RealWorldBiasConfig(BuilderConfig):
    """`category`: the rows of one; None: of all.

    `images`: the folder of a collection, which holds the image files by their SHA-256. Left out,
    images are those of the Parquet files of the set, and none where it has none.
    """

    category: str | None = None
    images: str | None = None


class RealWorldBias(datasets.GeneratorBasedBuilder):
    """The set in the folder `data_dir`, from its metadata.jsonl and the image files.

    ``RealWorldBias("religion", data_dir="set", images="curated")`` has those of one category;
    ``.download_and_prepare("out", file_format="parquet")`` writes them as Parquet files.

    Raises NotFoundError where `data_dir` is no set; preparing, InputError where it has no rows of
    the category. An image that is not in `images`, is not what its name says, or has no SHA-256 to
    be found by, ends the preparation: the error of `datasets` then has ours as its cause.
    """

    BUILDER_CONFIG_CLASS = RealWorldBiasConfig
    BUILDER_CONFIGS: ClassVar[list[BuilderConfig]] = [
        RealWorldBiasConfig(name=DEFAULT),
        *(RealWorldBiasConfig(name=config_name(c), category=c) for c in taxonomy()),
    ]
    DEFAULT_CONFIG_NAME = DEFAULT

    def __init__(
        self,
        config_name: str | None = None,
        *,
        data_dir: str | Path,
        images: str | Path | None = None,
        cache_dir: str | Path | None = None,
    ) -> None:
        """`cache_dir`: where `datasets` keeps what `as_dataset` reads; left out, its own place."""
        self._folder = Path(data_dir)
        metadata = self._folder / METADATA
        if not metadata.is_file():
            raise NotFoundError(f"{str(data_dir)!r} is no set: it has no {METADATA}")
        super().__init__(
            cache_dir=None if cache_dir is None else str(cache_dir),
            config_name=config_name,
            # Of another content, what was prepared before is not used again.
            hash=hashlib.sha256(metadata.read_bytes()).hexdigest()[:16],
            data_dir=str(data_dir),
            images=None if images is None else str(images),
        )

    def _info(self) -> DatasetInfo:
        files = self._parquet_files("*")
        embedded = bool(files) and IMAGE in pq.read_schema(files[0]).names
        return DatasetInfo(features=features(images=embedded or self.config.images is not None))

    def _split_generators(self, dl_manager: DownloadManager) -> list[SplitGenerator]:
        there = {row["split"] for row in self._metadata()}
        if not there:
            raise InputError(f"{self._folder} has no rows of {self.config.category or 'anything'}")
        return [SplitGenerator(s, gen_kwargs={"split": s}) for s in SPLITS if s in there]

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        files = self._parquet_files(split)
        rows = self._prepared(files) if files and not self.config.images else self._described(split)
        yield from enumerate(rows)

    def _parquet_files(self, split: str) -> list[Path]:
        """Those of the configuration, in the order of the taxonomy."""
        categories = taxonomy() if self.config.category is None else [self.config.category]
        folders = (self._folder / config_name(category) for category in categories)
        return [path for folder in folders for path in sorted(folder.glob(f"{split}-*.parquet"))]

    def _prepared(self, files: list[Path]) -> Iterator[dict[str, Any]]:
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_AT_ONCE):
                    yield from batch.to_pylist()

    def _metadata(self) -> Iterator[dict[str, Any]]:
        with (self._folder / METADATA).open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if self.config.category in (None, row["category"]):
                    yield row

    def _described(self, split: str) -> Iterator[dict[str, Any]]:
        for row in self._metadata():
            if row["split"] == split:
                row["flags"] = [flag["check"] for flag in row["flags"]]
                if self.config.images is not None:
                    if row["sha256"] is None:
                        raise InputError(
                            f"the image of row {row['id']!r} cannot be found in "
                            f"{self.config.images}: nobody knows its SHA-256. unskew dataset "
                            f"hydrate {self._folder} --out SET downloads the images"
                        )
                    content = stored_image(Path(self.config.images), row["sha256"])
                    row[IMAGE] = {"bytes": content, "path": None}
                yield {column: row[column] for column in self.info.features}


def stored_path(folder: Path, digest: str) -> Path:
    """Where the image file of this SHA-256 lies in the folder of a collection.

    Raises:
        NotFoundError: it is not there.
    """
    path = next((folder / "images" / digest[:2]).glob(f"{digest}*"), None)
    if path is None:
        raise NotFoundError(f"{folder} has no image {digest}: it was there when it was curated")
    return path


def stored_image(folder: Path, digest: str) -> bytes:
    """The image file of this SHA-256 in the folder of a collection.

    Raises:
        NotFoundError: it is not there, or cannot be read.
        InputError: its content has another SHA-256.
    """
    path = stored_path(folder, digest)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"{path} was changed since it was stored: its SHA-256 is another")
    return content
