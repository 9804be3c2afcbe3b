"""Which split of a data set an image set is made of."""

from collections.abc import Mapping, Sequence

from datasets import Dataset, DatasetDict, concatenate_datasets

from unskew.errors import InputError

# In the order of preference when none is asked for: an audit measures on held-out images.
SPLITS = ("test", "validation", "valid", "val", "dev", "train")

# Instead of one: as `datasets` calls all of them together.
ALL = "all"


def pick_split(data: DatasetDict, wanted: str | None, source: str) -> Dataset:
    """The split that `choose_split` says, or all of them, one after the other."""
    if wanted == ALL and ALL not in data:
        return together(dict(data), source)
    return data[choose_split(list(data), wanted, source)]


def together(parts: Mapping[str, Dataset], source: str) -> Dataset:
    """The rows of several splits, one after the other. Raises InputError where they differ in
    their columns or the names of their classes."""
    try:
        return concatenate_datasets(list(parts.values()))
    except (ValueError, TypeError) as error:
        first, *others = (part.features for part in parts.values())
        differ = next(
            (
                name
                for other in others
                for name in {**first, **other}
                if first.get(name) != other.get(name)
            ),
            "?",
        )
        raise InputError(
            f"the splits of {source!r} cannot be put together, since they differ in the column or "
            f"the classes of {differ!r}: choose one of {', '.join(parts)}"
        ) from error


def choose_split(available: Sequence[str], wanted: str | None, source: str) -> str:
    """The split asked for, else the first of `SPLITS` there is, else the first one."""
    if wanted is None:
        return next((name for name in SPLITS if name in available), available[0])
    if wanted not in available:
        raise InputError(f"{source!r} has no split {wanted!r}; it has {', '.join(available)}")
    return wanted
