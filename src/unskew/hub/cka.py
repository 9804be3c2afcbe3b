"""``evaluate.load("cka")``: how alike two representations are, as an evaluate metric."""

from dataclasses import asdict
from typing import Any

import datasets
import evaluate

from unskew.errors import InputError
from unskew.hub.metric import ArrayMetric, option_names
from unskew.measures.cka import cka

_DESCRIPTION = """
Centered kernel alignment: how alike two representations of the same examples are, whatever their
numbers of features, up to rotation, shift and scale. Estimated without bias, with an interval
over the examples.
"""

_INPUTS = """
Args:
    X (array (n, d_x)): features of n examples.
    Y (array (n, d_y)): other features of the same examples, in the same order.
    kernel (str): "linear" (the default) or "rbf", with the median distance as bandwidth.
    estimator (str): "unbiased" (the default) or "biased", which is far too large with few examples.
    confidence (float): coverage of the interval, or None for no interval.

Returns:
    A dict with cka, ci_low, ci_high, standard_error, n, dim_x, dim_y, estimator, kernel,
    confidence, and reason, which says why a value is None.

Examples:
    >>> metric = evaluate.load("cka")
    >>> X = [[0, 1], [1, 0], [2, 2], [3, 1], [4, 5]]
    >>> Y = [[2, 0], [0, 2], [4, 4], [2, 6], [10, 8]]
    >>> round(metric.compute(X=X, Y=Y)["cka"], 4)
    1.0
"""

_CITATION = """
@inproceedings{kornblith2019similarity,
  title = {Similarity of Neural Network Representations Revisited},
  author = {Kornblith, Simon and Norouzi, Mohammad and Lee, Honglak and Hinton, Geoffrey},
  booktitle = {International Conference on Machine Learning},
  year = {2019}
}
@inproceedings{nguyen2021wide,
  title = {Do Wide and Deep Networks Learn the Same Things? Uncovering How Neural Network
           Representations Vary with Width and Depth},
  author = {Nguyen, Thao and Raghu, Maithra and Kornblith, Simon},
  booktitle = {International Conference on Learning Representations},
  year = {2021}
}
"""


class Cka(ArrayMetric):
    """CKA of two feature matrices."""

    inputs = ("X", "Y")
    options = option_names(cka, inputs)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {name: datasets.List(datasets.Value("float32")) for name in self.inputs}
            ),
            reference_urls=[
                "https://arxiv.org/abs/1905.00414",
                "https://arxiv.org/abs/2010.15327",
            ],
        )

    def _compute(self, *, X: Any = None, Y: Any = None, **options: Any) -> dict[str, Any]:
        """Raises InputError for missing inputs, and as the measure does."""
        missing = ", ".join(name for name, value in {"X": X, "Y": Y}.items() if value is None)
        if missing:
            raise InputError(f"cka needs X and Y; missing: {missing}")
        return asdict(cka(X, Y, **options))
