"""``evaluate.load("representation_skew")``: the ranking measures as an evaluate metric."""

from dataclasses import asdict
from typing import Any

import datasets
import evaluate

from unskew.errors import InputError
from unskew.hub.metric import ArrayMetric, option_names
from unskew.measures.skew import representation_skew

_DESCRIPTION = """
Who is shown first? For each prompt the items are ranked by score, and the groups among the first
k are compared with a target distribution: Skew, MaxSkew@k, MinSkew@k, NDKL@k and Bias@K, averaged
over the prompts, each beside its expected value under a random ranking.
"""

_INPUTS = """
Args:
    scores (array (n_prompts, n) or (n,)): score of each item for each prompt; higher ranks first,
        equal scores rank in input order.
    groups (list (n,)): the group of each item.
    k (int): how many items of each ranking count, at most n.
    target (str, dict or list): "uniform" over the groups (the default, as in the literature on
        dual encoders), "pool" for their shares of the items, or a probability for each group.
    pair (two group names): the groups that Bias@K compares; needed with more than two groups.
    permutations (int): label permutations of the p-value.
    confidence (float): coverage of the intervals.
    seed (int): of the permutations and, with more than two groups, of two chance values.

Returns:
    A dict with max_skew, min_skew, ndkl and bias_at_k; for each NAME of them NAME_ci_low,
    NAME_ci_high (over prompts) and chance_NAME (under a random ranking); skew and chance_skew by
    group; p_value of max_skew; k, n, n_prompts, groups, counts, target, pair, ties_at_k, the
    options used, and notes, which say why a value is None and what to beware of.

Examples:
    >>> metric = evaluate.load("representation_skew")
    >>> result = metric.compute(scores=[4, 3, 2, 1], groups=["a", "a", "b", "b"], k=2)
    >>> round(result["max_skew"], 4)
    0.6931
"""

_CITATION = """
@inproceedings{geyik2019fairness,
  title = {Fairness-Aware Ranking in Search and Recommendation Systems with Application to
           {LinkedIn} Talent Search},
  author = {Geyik, Sahin Cem and Ambler, Stuart and Kenthapadi, Krishnaram},
  booktitle = {Proceedings of the 25th ACM SIGKDD International Conference on Knowledge Discovery
               and Data Mining},
  year = {2019}
}
@inproceedings{berg2022prompt,
  title = {A Prompt Array Keeps the Bias Away: Debiasing Vision-Language Models with Adversarial
           Learning},
  author = {Berg, Hugo and Hall, Siobhan Mackenzie and Bhalgat, Yash and Yang, Wonsuk and
            Kirk, Hannah Rose and Shtedritski, Aleksandar and Bain, Max},
  booktitle = {Proceedings of AACL-IJCNLP},
  year = {2022}
}
@inproceedings{wang2021gender,
  title = {Are Gender-Neutral Queries Really Gender-Neutral? Mitigating Gender Bias in Image
           Search},
  author = {Wang, Jialu and Liu, Yang and Wang, Xin Eric},
  booktitle = {Proceedings of EMNLP},
  year = {2021}
}
"""


class RepresentationSkew(ArrayMetric):
    """Representation of groups among the first k of a ranking."""

    inputs = ("scores", "groups", "k")
    options = option_names(representation_skew, inputs)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {
                    "scores": datasets.List(datasets.Value("float32")),
                    "groups": datasets.Value("string"),
                    "k": datasets.Value("int64"),
                }
            ),
            reference_urls=[
                "https://arxiv.org/abs/1905.01989",
                "https://arxiv.org/abs/2203.11933",
                "https://arxiv.org/abs/2109.05433",
            ],
        )

    def _compute(
        self, *, scores: Any = None, groups: Any = None, k: int | None = None, **options: Any
    ) -> dict[str, Any]:
        """Raises InputError for missing inputs, and as the measure does."""
        if scores is None or groups is None or k is None:
            given = {"scores": scores, "groups": groups, "k": k}
            missing = ", ".join(name for name, value in given.items() if value is None)
            raise InputError(f"representation_skew needs scores, groups and k; missing: {missing}")
        return asdict(representation_skew(scores, groups, k, **options))
