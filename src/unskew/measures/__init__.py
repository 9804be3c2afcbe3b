"""The mathematics, on arrays: how embeddings associate (WEAT), who is shown first (skew),
what must survive debiasing (alignment), and how well a classifier does by each group (groups).

Imports no other room. The function `weat` hides the module of the same name; import from that
module by `from unskew.measures.weat import ...`.
"""

from unskew.measures.alignment import (
    Retrieval,
    able,
    percentile_interval,
    resampled_sums,
    retrieval,
    zero_shot_hits,
)
from unskew.measures.cka import CkaResult, cka
from unskew.measures.clustered import ClusteredMean, clustered_difference, clustered_mean
from unskew.measures.difference import IndependentDifference, independent_difference
from unskew.measures.embeddings import association
from unskew.measures.group_comparison import GroupComparison, compare_group_fairness
from unskew.measures.groups import GroupAccuracy, GroupFairness, group_fairness
from unskew.measures.null import chance_effect
from unskew.measures.pairwise import (
    benjamini_hochberg,
    holm,
    pairwise_family,
    pairwise_from_associations,
    weat_pairwise,
)
from unskew.measures.partitions import PartitionAgreement, adjusted_rand_index
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
    "CkaResult",
    "ClusteredMean",
    "Estimate",
    "GroupAccuracy",
    "GroupComparison",
    "GroupFairness",
    "IndependentDifference",
    "PairResult",
    "PartitionAgreement",
    "RankingResult",
    "Retrieval",
    "SingleCategoryResult",
    "WeatResult",
    "able",
    "adjusted_rand_index",
    "association",
    "benjamini_hochberg",
    "bias_at_k",
    "chance_effect",
    "cka",
    "clustered_difference",
    "clustered_mean",
    "compare_group_fairness",
    "group_fairness",
    "holm",
    "independent_difference",
    "max_skew",
    "min_skew",
    "ndkl",
    "pairwise_family",
    "pairwise_from_associations",
    "percentile_interval",
    "representation_skew",
    "resampled_sums",
    "retrieval",
    "sc_weat",
    "skew_at_k",
    "weat",
    "weat_from_associations",
    "weat_pairwise",
    "zero_shot_hits",
]
