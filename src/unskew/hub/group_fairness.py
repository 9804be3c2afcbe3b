"""``evaluate.load("group_fairness")``: accuracy by group, and the gaps, as an evaluate metric."""

from dataclasses import asdict
from typing import Any

import datasets
import evaluate

from unskew.errors import InputError
from unskew.hub.metric import ArrayMetric, option_names
from unskew.measures.groups import group_fairness

_DESCRIPTION = """
How well does a classifier do by each group of target and sensitive attribute? Accuracy by group,
their mean (unbiased accuracy), minimum (worst-group accuracy) and standard deviation (group STD),
and the gaps of equalised odds and demographic parity, each with an interval.
"""

_INPUTS = """
Args:
    predictions (list (n,)): predicted class of each example, whole numbers or strings.
    references (list (n,)): its true class (the target), of the same kind.
    groups (list (n,)): its sensitive attribute, whole numbers or strings. Accuracy is by pairs of
        target and attribute.
    confidence (float): coverage of the intervals.
    resamples (int): of the stratified bootstrap.
    seed (int): of the resamples.

Returns:
    A dict with accuracy, unbiased_accuracy, worst_group_accuracy, group_std,
    equalized_odds_difference and demographic_parity_difference; for each NAME of them NAME_ci_low
    and NAME_ci_high; per_group, a list of target, attribute, n, accuracy, ci_low and ci_high;
    worst_group; empty, the groups without examples; classes, attributes, n, the options used, and
    notes, which say why a value is None and what to beware of.

Examples:
    >>> metric = evaluate.load("group_fairness")
    >>> result = metric.compute(
    ...     predictions=[0, 0, 1, 1, 0, 1], references=[0, 0, 0, 1, 1, 1], groups=list("abbaab")
    ... )
    >>> result["worst_group"], result["worst_group_accuracy"], result["unbiased_accuracy"]
    ('0, b', 0.5, 0.75)
"""

_CITATION = """
@inproceedings{sagawa2020distributionally,
  title = {Distributionally Robust Neural Networks for Group Shifts: On the Importance of
           Regularization for Worst-Case Generalization},
  author = {Sagawa, Shiori and Koh, Pang Wei and Hashimoto, Tatsunori B. and Liang, Percy},
  booktitle = {International Conference on Learning Representations},
  year = {2020}
}
@inproceedings{hardt2016equality,
  title = {Equality of Opportunity in Supervised Learning},
  author = {Hardt, Moritz and Price, Eric and Srebro, Nathan},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2016}
}
"""


class GroupFairness(ArrayMetric):
    """Accuracy by group of target and attribute, and the gaps between the groups."""

    inputs = ("predictions", "references", "groups")
    options = option_names(group_fairness, ("predictions", "targets", "attributes"))

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {name: datasets.Value("string") for name in GroupFairness.inputs}
            ),
            reference_urls=["https://arxiv.org/abs/1911.08731", "https://arxiv.org/abs/1610.02413"],
        )

    def _compute(
        self, *, predictions: Any = None, references: Any = None, groups: Any = None, **options: Any
    ) -> dict[str, Any]:
        """Raises InputError for missing inputs, and as the measure does."""
        given = {"predictions": predictions, "references": references, "groups": groups}
        missing = ", ".join(name for name, value in given.items() if value is None)
        if missing:
            raise InputError(
                f"group_fairness needs predictions, references and groups; missing: {missing}"
            )
        return asdict(group_fairness(predictions, references, groups, **options))
