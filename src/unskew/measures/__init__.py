"""The mathematics, on arrays: how embeddings associate (WEAT) and who is shown first (skew).

Imports no other room. The function `weat` hides the module of the same name; import from that
module by `from unskew.measures.weat import ...`.
"""

from unskew.measures.embeddings import association
from unskew.measures.null import chance_effect
from unskew.measures.pairwise import (
    benjamini_hochberg,
    holm,
    pairwise_family,
    pairwise_from_associations,
    weat_pairwise,
)
from unskew.measures.results import Estimate, PairResult, SingleCategoryResult, WeatResult
from unskew.measures.skew import (
    RankingResult,
    bias_at_k,
    max_skew,
    min_skew,
    ndkl,
    representation_skew,
    skew_at_k,
)
from unskew.measures.weat import sc_weat, weat, weat_from_associations

__all__ = [
    "Estimate",
    "PairResult",
    "RankingResult",
    "SingleCategoryResult",
    "WeatResult",
    "association",
    "benjamini_hochberg",
    "bias_at_k",
    "chance_effect",
    "holm",
    "max_skew",
    "min_skew",
    "ndkl",
    "pairwise_family",
    "pairwise_from_associations",
    "representation_skew",
    "sc_weat",
    "skew_at_k",
    "weat",
    "weat_from_associations",
    "weat_pairwise",
]
