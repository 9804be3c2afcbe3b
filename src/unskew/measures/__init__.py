"""The mathematics, on arrays: how embeddings associate (WEAT) and who is shown first (skew).

Imports no other room. The functions `weat` and `skew` hide the modules of the same name; import
from those modules by `from unskew.measures.weat import ...`.
"""

from unskew.measures.embeddings import association
from unskew.measures.pairwise import (
    benjamini_hochberg,
    holm,
    pairwise_from_associations,
    weat_pairwise,
)
from unskew.measures.results import Estimate, PairResult, SingleCategoryResult, WeatResult
from unskew.measures.weat import sc_weat, weat, weat_from_associations

__all__ = [
    "Estimate",
    "PairResult",
    "SingleCategoryResult",
    "WeatResult",
    "association",
    "benjamini_hochberg",
    "holm",
    "pairwise_from_associations",
    "sc_weat",
    "weat",
    "weat_from_associations",
    "weat_pairwise",
]
