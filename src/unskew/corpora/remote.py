"""Image sets on the Hugging Face Hub."""

import re
from collections.abc import Sequence
from pathlib import Path

import datasets
from datasets import Dataset, DatasetDict
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from unskew.corpora.splits import choose_split
from unskew.errors import InputError, NotFoundError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
PROBE_SECONDS = 10


def read_hub(source: str, split: str | None, config: str | None) -> Dataset:
    """Download a data set of the Hub, or take it from the local cache.

    One request asks first whether the data set is there: `datasets` alone tries for most of half
    a minute to reach a Hub that cannot be reached. With HF_HUB_OFFLINE=1 only the cache is asked.

    Raises:
        NotFoundError: no such data set, or the Hub was not reached.
        InputError: the data set has no such split or configuration.
    """
    data = _load(source, split, config)
    if isinstance(data, DatasetDict):
        return data[choose_split(list(data), None, source)]
    return data


def fetch_files(source: str, names: Sequence[str]) -> Path:
    """A folder with the newest of these files of a data set of the Hub; of those that it has.

    Nothing else of it is downloaded. Where the Hub is out of reach, the local cache is asked.

    Raises:
        NotFoundError: no such data set; or the Hub was not reached, and the cache has not all of
            these files.
    """
    if not _HUB_ID.fullmatch(source):
        raise NotFoundError(f"{source!r}: there is no such folder, and no data set is called so")
    try:
        folder = Path(snapshot_download(source, repo_type="dataset", allow_patterns=list(names)))
    except RepositoryNotFoundError as error:
        raise NotFoundError(
            f"{source!r}: there is no such folder, and the Hub has no such data set (or it is "
            "private, and you are not logged in)"
        ) from error
    except Exception as error:  # whatever comes from the Hub's client is about this data set
        raise NotFoundError(
            f"{source!r}: there is no such folder, and it was not loaded from the Hub "
            f"({_one_line(error):.300})"
        ) from error
    for name in names:
        if not (folder / name).exists():
            _take_or_know_that_it_has_none(source, name, folder.name)
    return folder


def _take_or_know_that_it_has_none(source: str, name: str, commit: str) -> None:
    """A snapshot of the cache holds what was once asked of it: a file may lack there alone.

    Raises:
        NotFoundError: the Hub, which knows, was not reached.
    """
    try:
        hf_hub_download(source, name, repo_type="dataset", revision=commit)
    except LocalEntryNotFoundError as error:
        raise NotFoundError(
            f"{source!r}: {name} is not in the local cache, and the Hub was not reached: "
            "try again when it can be"
        ) from error
    except EntryNotFoundError:
        pass  # the data set has none
    except Exception as error:  # as above
        raise NotFoundError(
            f"{source!r}: {name} was not loaded from the Hub ({_one_line(error):.300})"
        ) from error


def splits_on_hub(source: str, config: str | None) -> list[str]:
    """The names of the splits of a data set of the Hub, which is downloaded; errors as above."""
    return list(_load(source, None, config))


def _load(source: str, split: str | None, config: str | None) -> Dataset | DatasetDict:
    if not _HUB_ID.fullmatch(source):
        raise NotFoundError(f"image set {source!r}: no such file or folder")
    try:
        if not constants.HF_HUB_OFFLINE:
            HfApi().dataset_info(source, timeout=PROBE_SECONDS)
        return datasets.load_dataset(source, name=config, split=split)
    except RepositoryNotFoundError as error:
        raise NotFoundError(
            f"image set {source!r}: not a built-in set, no such file or folder, and the Hub has no "
            "such data set (or it is private, and you are not logged in)"
        ) from error
    except ValueError as error:
        raise InputError(f"data set {source!r} of the Hub: {_one_line(error)}") from error
    except Exception as error:  # whatever comes from the Hub's client is about this data set
        raise NotFoundError(
            f"image set {source!r}: not a built-in set, no such file or folder, and not loaded "
            f"from the Hub ({_one_line(error)}); one that is in the local cache can be had with "
            "HF_HUB_OFFLINE=1"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
