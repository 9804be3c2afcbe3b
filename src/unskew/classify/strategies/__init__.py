"""How a training copes with bias: which examples it draws, and how much each loss counts."""

import inspect
from collections.abc import Callable
from typing import Any

from unskew.classify.strategies.adaptive import Adaptive
from unskew.classify.strategies.balanced import Balanced
from unskew.classify.strategies.clustered import (
    Clustered,
    bias_pseudo_attributes,
    feature_clusters,
)
from unskew.classify.strategies.group_dro import GroupDro
from unskew.classify.strategies.partition import Partition, partition
from unskew.classify.strategies.upsampled import Upsampled, just_train_twice
from unskew.classify.strategy import NoIntervention, Strategy
from unskew.errors import InputError

__all__ = [
    "STRATEGIES",
    "Adaptive",
    "Balanced",
    "Clustered",
    "GroupDro",
    "Partition",
    "Upsampled",
    "bias_pseudo_attributes",
    "feature_clusters",
    "just_train_twice",
    "make_strategy",
    "partition",
]


def _none(targets: Any, groups: Any, seed: int) -> NoIntervention:
    return NoIntervention(len(partition(targets).codes))


def _class_balanced(targets: Any, groups: Any, seed: int) -> Balanced:
    return Balanced("class-balanced", partition(targets))


def _group_balanced(targets: Any, groups: Any, seed: int) -> Balanced:
    return Balanced("group-balanced", _groups("group-balanced", targets, groups))


def _adaptive(targets: Any, groups: Any, seed: int, alpha: float = 0.3) -> Adaptive:
    return Adaptive(_groups("adaptive", targets, groups), alpha)


def _group_dro(targets: Any, groups: Any, seed: int, step_size: float = 0.01) -> GroupDro:
    return GroupDro(_groups("group-dro", targets, groups), step_size)


def _jtt(targets: Any, groups: Any, seed: int, *, wrong: Any, times: float) -> Upsampled:
    return Upsampled(wrong, times)


def _bpa(
    targets: Any,
    groups: Any,
    seed: int,
    *,
    features: Any,
    clusters: int = 8,
    momentum: float = 0.3,
) -> Clustered:
    return Clustered(feature_clusters(targets, features, clusters, seed), momentum)


STRATEGIES: dict[str, Callable[..., Strategy]] = {
    "none": _none,
    "class-balanced": _class_balanced,
    "group-balanced": _group_balanced,
    "adaptive": _adaptive,
    "group-dro": _group_dro,
    "jtt": _jtt,
    "bpa": _bpa,
}


def make_strategy(
    name: str, targets: Any, groups: Any = None, seed: int = 0, **options: Any
) -> Strategy:
    """A strategy by name, for one training set.

    Args:
        name: one of `STRATEGIES`.
        targets: (n,) the class of each training example.
        groups: (n,) the attribute or pseudo-attribute of each, or its combination with the class;
            "group-balanced", "adaptive" and "group-dro" need it and balance class x attribute.
        seed: of what the strategy draws when it is made (the clusters of "bpa").
        **options: `alpha` of "adaptive"; `step_size` of "group-dro"; `wrong` (n,) bool and `times`
            of "jtt"; `features` (n, d), `clusters` and `momentum` of "bpa". `just_train_twice` and
            `bias_pseudo_attributes` train the first model that the last two need.

    Raises:
        InputError: an unknown name or option, one that is missing, groups that are missing, or
            arrays that do not fit each other.
    """
    if name not in STRATEGIES:
        raise InputError(f"there is no strategy {name!r}; there are {', '.join(STRATEGIES)}")
    known = list(inspect.signature(STRATEGIES[name]).parameters.values())[3:]
    for option in options.keys() - {p.name for p in known}:
        has = ", ".join(p.name for p in known) or "no options"
        raise InputError(f"the strategy {name!r} has no option {option!r}; it has {has}")
    for option in (p.name for p in known if p.default is p.empty):
        if option not in options:
            raise InputError(f"the strategy {name!r} needs the option {option!r}")
    return STRATEGIES[name](targets, groups, seed, **options)


def _groups(name: str, targets: Any, groups: Any) -> Partition:
    if groups is None:
        raise InputError(
            f"the strategy {name!r} needs groups: give attribute labels, or pseudo-groups"
        )
    return partition(targets, groups)
