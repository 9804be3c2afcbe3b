"""Image sets on the Hugging Face Hub."""

import re

import datasets
from datasets import Dataset, DatasetDict
from huggingface_hub import HfApi, constants

from unskew.corpora.splits import choose_split
from unskew.errors import NotFoundError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
PROBE_SECONDS = 10


def read_hub(source: str, split: str | None, config: str | None) -> Dataset:
    """Download (or take from the local cache) a data set of the Hub. Raises NotFoundError.

    One request asks first whether the data set is there: `datasets` alone would try for most of
    a minute to reach a Hub that cannot be reached.
    """
    if not _HUB_ID.fullmatch(source):
        raise NotFoundError(f"image set {source!r}: no such file or folder")
    try:
        if not constants.HF_HUB_OFFLINE:
            HfApi().dataset_info(source, timeout=PROBE_SECONDS)
        data = datasets.load_dataset(source, name=config)
    except Exception as error:  # whatever third-party code raises here is about this data set
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise NotFoundError(
            f"image set {source!r}: no such file or folder, not a built-in set, "
            f"and not loaded from the Hub ({reason})"
        ) from error
    assert isinstance(data, DatasetDict)
    return data[choose_split(list(data), split, source)]
