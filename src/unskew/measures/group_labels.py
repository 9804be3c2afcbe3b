"""Labels as given, integers or strings, become codes; what cannot be a label is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unskew.errors import InputError

Ints = NDArray[np.int64]
Labels = Sequence[object] | NDArray[Any]


@dataclass(frozen=True)
class Coded:
    """Labels as codes into their sorted names."""

    names: tuple[str, ...]
    codes: Ints  # (n,)


def coded_examples(
    targets: Labels, attributes: Labels, predictions: dict[str, Labels]
) -> tuple[Coded, Coded, list[Coded]]:
    """Targets, attributes and each of the named predictions, checked and coded.

    Predictions are coded by the same names as the targets. Raises InputError, also where there is
    one target or one attribute only.
    """
    given = {"targets": targets, **predictions}
    true, *guesses = coded({name: as_labels(labels, name) for name, labels in given.items()})
    (group,) = coded({"attributes": as_labels(attributes, "attributes")})
    same_length(true.codes, "targets", group.codes, "attributes")
    for name, found in (("target", true), ("attribute", group)):
        if not (found.codes != found.codes[0]).any():
            raise InputError(
                f"every example has the {name} {found.names[found.codes[0]]}; groups are compared "
                f"over two {name}s or more"
            )
    return true, group, guesses


def as_labels(values: Any, name: str) -> NDArray[Any]:
    """(n,) integers or strings from a list, array or tensor called `name`; raises InputError."""
    if hasattr(values, "detach"):  # a torch tensor
        values = values.detach().cpu().numpy()
    if not isinstance(values, np.ndarray) or values.dtype == object:
        values = _uniform(values, name)
    if values.ndim != 1:
        raise InputError(f"{name} has shape {values.shape}; give one label for each example, (n,)")
    if not len(values):
        raise InputError(f"{name} is empty; give one label for each example")
    if values.dtype.kind not in "iubU":
        raise InputError(
            f"{name} holds {values.dtype} values such as {values[0]}; labels are whole numbers or "
            "strings: take the argmax of scores, or convert"
        )
    return values


def coded(arrays: dict[str, NDArray[Any]]) -> list[Coded]:
    """Each of several label arrays coded by the names of them all; raises InputError.

    The arrays are of one length, and of one kind, numbers or strings: the label 1 is not "1".
    """
    (first, reference), *others = arrays.items()
    for name, array in others:
        same_length(reference, first, array, name)
        if (array.dtype.kind == "U") != (reference.dtype.kind == "U"):
            raise InputError(
                f"{first} holds labels such as {reference[0].item()!r} but {name} such as "
                f"{array[0].item()!r}; give both as numbers or both as strings"
            )
    distinct, codes = np.unique(np.concatenate(list(arrays.values())), return_inverse=True)
    names = tuple(str(value) for value in distinct.tolist())
    return [Coded(names, part) for part in np.split(codes, len(arrays))]


def same_length(one: NDArray[Any], name: str, other: NDArray[Any], other_name: str) -> None:
    """Raise InputError where two label arrays differ in length."""
    if len(one) != len(other):
        raise InputError(
            f"{name} has {len(one)} labels but {other_name} has {len(other)}; give one each for "
            "every example, in the same order"
        )


def _uniform(values: Any, name: str) -> NDArray[Any]:
    """An array from Python objects; NumPy alone would turn the list [1, "a"] into strings."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InputError(f"{name} is {values!r}; give a list of labels, one for each example")
    items = list(values)
    numbers = [isinstance(item, int | np.integer | np.bool_) for item in items]
    for index, (item, number) in enumerate(zip(items, numbers, strict=True)):
        if not number and not isinstance(item, str):
            raise InputError(
                f"{name}, example {index} is {item!r}; labels are whole numbers or strings: "
                "convert it, or remove the example"
            )
    if len(set(numbers)) == 2:
        number, text = items[numbers.index(True)], items[numbers.index(False)]
        raise InputError(
            f"{name} holds numbers such as {number!r} and strings such as {text!r}; give labels of "
            "one kind"
        )
    return np.asarray(items) if items else np.empty(0, np.int64)
