"""``evaluate.load("weat_bias")``: the Word Embedding Association Test as an evaluate metric."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import datasets
import evaluate

from unskew.errors import InputError
from unskew.hub.metric import ArrayMetric, option_names
from unskew.measures.pairwise import weat_pairwise
from unskew.measures.weat import weat

_DESCRIPTION = """
The Word Embedding Association Test (WEAT) on embeddings of any kind: words, sentences, images.
Is the target set X closer to the attribute set A, and further from B, than the target set Y is?
The effect size d comes with a permutation p-value and a confidence interval.
"""

_INPUTS = """
Args:
    X (array (n_x, d)): embeddings of the first target set.
    Y (array (n_y, d)): embeddings of the second target set.
    A (array (n_a, d)): embeddings of the first attribute set, such as pleasant words.
    B (array (n_b, d)): embeddings of the second attribute set, such as unpleasant words.
    subgroups (dict of name to array (n, d)): in place of X and Y; every pair is compared.
    ddof (int): 1, the sample standard deviation (iEAT, SEAT, CLIP studies), or 0 (WEFE).
    permutations (int): random partitions drawn where there are too many to enumerate.
    alternative (str): "greater", "less" or "two-sided"; by default "greater" for X and Y, and
        "two-sided" for subgroups.
    confidence (float or None): coverage of the interval; None for no interval.
    interval (str): "noncentral-t", "bca" or "percentile".
    statistic (str): "difference" of means, as in the papers, or "studentised", Welch's t, which
        keeps its level where X and Y differ in size and spread.
    exact_limit (int): with at most this many partitions the p-value is exact.
    seed (int): of the random partitions.

Returns:
    With X and Y, a dict: effect_size, p_value, ci_low, ci_high, exact, n_permutations, mean_x,
    mean_y, n_x, n_y, n_a, n_b, the options used, and reason (why a value is None, else None).
    With subgroups, {"pairs": [...]}: one such dict for each pair, with subgroup_a in the role of
    X, subgroup_b in that of Y, and the p-value corrected for the number of pairs, p_holm and p_bh.

Examples:
    >>> metric = evaluate.load("weat_bias")
    >>> result = metric.compute(X=[[2, 1], [3, 1]], Y=[[1, 2], [1, 3]], A=[[1, 0]], B=[[0, 1]])
    >>> round(result["effect_size"], 4)
    1.7071
"""

_CITATION = """
@article{caliskan2017semantics,
  title = {Semantics derived automatically from language corpora contain human-like biases},
  author = {Caliskan, Aylin and Bryson, Joanna J. and Narayanan, Arvind},
  journal = {Science},
  volume = {356},
  number = {6334},
  pages = {183--186},
  year = {2017}
}
"""


class WeatBias(ArrayMetric):
    """WEAT of two target sets, or of every pair among subgroups."""

    inputs = ("X", "Y", "A", "B", "subgroups")
    options = option_names(weat, inputs)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {name: datasets.List(datasets.Value("float32")) for name in "XYAB"}
            ),
            reference_urls=["https://arxiv.org/abs/1608.07187"],
        )

    def _compute(
        self,
        *,
        X: Any = None,
        Y: Any = None,
        A: Any = None,
        B: Any = None,
        subgroups: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Raises InputError for missing or contradicting inputs, and as ``weat`` does."""
        given = {"X": X, "Y": Y, "A": A, "B": B, "subgroups": subgroups}
        present = {name for name, value in given.items() if value is not None}
        if present == {"X", "Y", "A", "B"}:
            return asdict(weat(X, Y, A, B, **options))
        if subgroups is not None and present == {"subgroups", "A", "B"}:
            pairs = weat_pairwise(subgroups, A, B, **options)
            return {"pairs": [_named_first(asdict(pair)) for pair in pairs]}
        raise InputError(
            "weat_bias needs X, Y, A and B, or subgroups, A and B; it was given "
            f"{', '.join(name for name in given if name in present) or 'none of them'}"
        )


def _named_first(pair: dict[str, Any]) -> dict[str, Any]:
    names = {name: pair[name] for name in ("subgroup_a", "subgroup_b")}
    return names | pair
