"""Which split of a data set an image set is made of."""

from collections.abc import Sequence

from unskew.errors import InputError

# In the order of preference when none is asked for: an audit measures on held-out images.
SPLITS = ("test", "validation", "valid", "val", "dev", "train")


def choose_split(available: Sequence[str], wanted: str | None, source: str) -> str:
    """The split asked for, else the first of `SPLITS` there is, else the first one."""
    if wanted is None:
        return next((name for name in SPLITS if name in available), available[0])
    if wanted not in available:
        raise InputError(f"{source!r} has no split {wanted!r}; it has {', '.join(available)}")
    return wanted
