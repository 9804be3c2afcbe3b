"""The rows of an audit report: plain frozen dataclasses, one kind per question asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Alternative = Literal["greater", "less", "two-sided"]

MODALITY = {
    "attributes": "image-text",
    "contrasts": "image-text",
    "targets": "text only",
    "image_attributes": "image only",
}
"""How each section of a stimuli file is asked."""


@dataclass(frozen=True)
class ModelInfo:
    name: str
    fingerprint: str
    dim: int
    demonstration: bool


@dataclass(frozen=True)
class Settings:
    """Everything that decides the figures, so that a report can be made again."""

    ddof: int
    permutations: int
    alternative: Alternative
    confidence: float
    interval: str
    correction: str
    seed: int
    top: int
    ranking_target: Literal["uniform", "pool"]


@dataclass(frozen=True)
class StimuliInfo:
    name: str
    title: str
    source: str
    licence: str
    historical: bool
    note: str


@dataclass(frozen=True)
class UnreadableImage:
    name: str
    reason: str


@dataclass(frozen=True)
class DatasetInfo:
    """One audited image set. ``counts``: category -> subgroup -> readable images."""

    name: str
    n_images: int
    counts: dict[str, dict[str, int]]
    unreadable: tuple[UnreadableImage, ...]
    credit: str
    licence: str
    note: str
    demonstration: bool


@dataclass(frozen=True)
class PairRow:
    """Effect size between two subgroups of one category.

    Positive ``effect_size``: ``subgroup_a`` is closer to ``attribute_a``. ``p_value`` is for this
    pair alone; ``p_holm`` and ``p_bh`` are corrected over all rows that share dataset, category,
    stimuli and section. ``favoured`` is the subgroup on the pleasant side, None where neither
    attribute set is the pleasant one. ``clear``: ``p_holm`` is below 1 - confidence.
    """

    dataset: str
    category: str
    stimuli: str
    section: str
    attribute_a: str
    attribute_b: str
    subgroup_a: str
    subgroup_b: str
    n_a: int
    n_b: int
    effect_size: float
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float
    p_bh: float
    exact: bool
    n_permutations: int
    favoured: str | None
    clear: bool
    sentence: str
    reason: str | None

    @property
    def family(self) -> tuple[str, str, str, str]:
        """The rows over which p-values are corrected together."""
        return (self.dataset, self.category, self.stimuli, self.section)


@dataclass(frozen=True)
class SubgroupRow:
    """Mean association of one subgroup's images, with a t interval, and the share nearer to A."""

    dataset: str
    category: str
    stimuli: str
    attribute_a: str
    attribute_b: str
    subgroup: str
    n: int
    mean_association: float
    ci_low: float
    ci_high: float
    share_nearer_a: float


@dataclass(frozen=True)
class TopAttributeRow:
    """One of the attributes most similar to a subgroup's images.

    ``similarity``: mean cosine, with a t interval over images. ``lift``: that minus the mean over
    the category's other subgroups, which removes what every image has in common. ``by`` says
    which of the two ranked it.
    """

    dataset: str
    category: str
    stimuli: str
    subgroup: str
    by: str
    rank: int
    attribute: str
    similarity: float
    ci_low: float
    ci_high: float
    lift: float


@dataclass(frozen=True)
class RankingRow:
    """Ranking measures of one category, averaged over the prompts, beside what chance gives.

    ``target``: the distribution that counts as even, "pool" (the subgroups' shares of the images)
    or "uniform". Intervals take concepts as the independent units. ``p_value``: of a MaxSkew as
    large under labels permuted over the images. ``most_shown``: the subgroup whose skew is
    furthest above what a random ranking gives it; ``least_shown``: furthest below.
    """

    dataset: str
    category: str
    stimuli: str
    n_prompts: int
    n: int
    k: int
    target: str
    max_skew: float
    max_skew_ci_low: float
    max_skew_ci_high: float
    chance_max_skew: float
    p_value: float
    clear: bool
    min_skew: float
    chance_min_skew: float
    ndkl: float
    ndkl_ci_low: float
    ndkl_ci_high: float
    chance_ndkl: float
    most_shown: str
    least_shown: str


@dataclass(frozen=True)
class WordTestRow:
    """A complete WEAT of words, asked of the text tower alone."""

    stimuli: str
    name: str
    target_x: str
    target_y: str
    attribute_a: str
    attribute_b: str
    n_x: int
    n_y: int
    effect_size: float
    ci_low: float
    ci_high: float
    p_value: float
    p_holm: float
    exact: bool
    sentence: str
    reason: str | None
