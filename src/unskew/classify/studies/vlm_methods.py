"""The methods that the study of VLM-debias puts side by side, and its ablations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unskew.classify.simulated import corrected
from unskew.errors import InputError
from unskew.measures import PartitionAgreement

Ints = NDArray[np.int64]

CORRECTED = (0.6, 0.7, 0.8, 0.9)
"""Of the ablations: adjusted Rand indices to which pseudo-groups are corrected (Figure 3)."""
ALPHAS = (0.1, 0.5, 1.0)
"""Of the ablations: momenta beside the method's own (Table 6)."""

NONE, OURS, TRUE = "no intervention", "VLM-debias", "VLM-debias, true groups"
CORRECTED_TO = "VLM-debias, groups corrected to"


@dataclass(frozen=True)
class Variant:
    """A method, and the attribute of each training image by which it forms groups, if it does."""

    method: str
    strategy: str
    attributes: Ints | None = None
    ari: float = math.nan
    options: Mapping[str, float] = field(default_factory=dict)


def variants_of(
    true: Ints, pseudo: Ints | None, agreement: PartitionAgreement | None, ablations: bool
) -> list[Variant]:
    """The rows of a task with these labelled attributes and, where a model saw any, pseudo ones."""
    if pseudo is None or agreement is None:
        return _methods(true, None, math.nan)
    ari = agreement.adjusted_rand_index
    found = _methods(true, pseudo, ari)
    return found + _ablations(true, pseudo, ari) if ablations else found


def _methods(true: Ints, pseudo: Ints | None, ari: float) -> list[Variant]:
    """Without groups, with pseudo-groups where there are any, and with the labelled groups."""
    found = [
        Variant(NONE, "none"),
        Variant("class-balanced", "class-balanced"),
        Variant("JTT", "jtt"),
        Variant("BPA", "bpa"),
    ]
    if pseudo is not None:
        found += [
            Variant("group-balanced", "group-balanced", pseudo, ari),
            Variant("GroupDRO", "group-dro", pseudo, ari),
            Variant(OURS, "adaptive", pseudo, ari),
        ]
    else:
        found += [
            Variant("group-balanced, true groups", "group-balanced", true, 1.0),
            Variant("GroupDRO, true groups", "group-dro", true, 1.0),
        ]
    return [*found, Variant(TRUE, "adaptive", true, 1.0)]


def _ablations(true: Ints, pseudo: Ints, ari: float) -> list[Variant]:
    """Other momenta (Table 6), and pseudo-groups of which a part is corrected (Figure 3)."""
    return [
        *(Variant(f"{OURS}, alpha {a:g}", "adaptive", pseudo, ari, {"alpha": a}) for a in ALPHAS),
        *(
            Variant(f"{CORRECTED_TO} {to:g}", "adaptive", corrected(pseudo, true, to), to)
            for to in CORRECTED
            if to > ari
        ),
    ]


def chosen(
    variants: Mapping[str, list[Variant]], methods: Sequence[str] | None
) -> dict[str, list[Variant]]:
    """Of the rows of each task those of `methods` and no intervention; all where None.

    Raises:
        InputError: no task has a method of this name.
    """
    if not methods:
        return dict(variants)
    names = list(dict.fromkeys(v.method for of_task in variants.values() for v in of_task))
    for name in methods:
        if name not in names:
            raise InputError(f"there is no method {name!r}; there are {', '.join(names)}")
    return {
        task: [v for v in of_task if v.method in (NONE, *methods)]
        for task, of_task in variants.items()
    }
