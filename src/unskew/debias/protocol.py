"""The fixed set of measures by which debiasers are compared, on held-out images.

Bias, in domain and out of domain:

* MaxSkew@k and NDKL@k of the 319 prompts of the ranking benchmark, k a quarter of the images, the
  subgroups' shares of the images as what is even, with intervals that take concepts as the
  independent units;
* |d| of image-text WEATs, mean and largest, over all pairs of subgroups and all attribute sets:
  the pleasant and unpleasant phrases of MMBias, and the single contrasts;
* accuracy of a linear probe for the subgroup (`probe`).

Utility: retrieval R@1, R@5 and R@10 both ways, zero-shot accuracy, and as one number the mean of
both R@5 and the accuracy. ABLE: the harmonic mean of the accuracy and exp(-MaxSkew@k) in domain.

Each comes with its value by chance: random rankings, labels without meaning, random guesses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from unskew.audit.embedded import EmbeddedSet
from unskew.audit.pairs import contrast_pairs, image_text_pairs
from unskew.audit.rows import DatasetInfo, PairRow, Settings
from unskew.audit.texts import Texts
from unskew.debias.fitting import CROSSED, Labelled
from unskew.debias.probe import Probe, probe_chance
from unskew.debias.seen import Seen
from unskew.debias.utility import RECALL_AT, mean_utility
from unskew.debias.validation import POOL_SHARE, chance_max_skew
from unskew.errors import InputError
from unskew.measures import able, chance_effect, max_skew, representation_skew
from unskew.stimuli import Stimuli

RECALLS = (1, RECALL_AT, 10)
PARTS = 20
"""Of the images, for the jackknife over faces."""
Target = Literal["pool", "uniform"]


@dataclass(frozen=True)
class BiasScores:
    """Bias on one image set. ``by_concept``: MaxSkew@k of every concept, mean over templates.
    ``by_faces``: MaxSkew@k above chance without each of `PARTS` parts of the images in turn.

    ``chance_weat_max`` has no closed form, since the tests are not independent, and is not given.
    """

    dataset: str
    n: int
    k: int
    max_skew: float
    max_skew_ci: tuple[float, float]
    chance_max_skew: float
    ndkl: float
    ndkl_ci: tuple[float, float]
    chance_ndkl: float
    weat_mean: float
    weat_max: float
    chance_weat_mean: float
    weat_tests: int
    probe: float
    chance_probe: float
    by_concept: tuple[float, ...]
    by_faces: tuple[float, ...]


@dataclass(frozen=True)
class RetrievalScores:
    """Recalls at `RECALLS`, and chance. ``hits``: for every photo whether R@5 found a caption of
    it, how many of its captions found it among 5, and how many captions it has."""

    n: int
    image_to_text: tuple[float, ...]
    text_to_image: tuple[float, ...]
    chance_image_to_text: tuple[float, ...]
    chance_text_to_image: tuple[float, ...]
    hits: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class ZeroShotScores:
    """``hits``: whether each image's class was right."""

    n: int
    accuracy: float
    chance: float
    hits: tuple[float, ...]


@dataclass(frozen=True)
class Scores:
    """All of one encoder. What no image set was given for is None."""

    in_domain: BiasScores
    out_of_domain: BiasScores | None
    retrieval: RetrievalScores | None
    zero_shot: ZeroShotScores | None

    def figures(self) -> dict[str, float]:
        """Every figure by its short name; see `unskew.debias.table.COLUMNS`."""
        found = _bias_figures(self.in_domain, "in", "")
        if self.out_of_domain is not None:
            found |= _bias_figures(self.out_of_domain, "out", "")
        if self.retrieval is not None:
            r = self.retrieval
            found |= _recalls(r.image_to_text, r.text_to_image)
        if self.zero_shot is not None:
            found["zero_shot"] = self.zero_shot.accuracy
        return _completed(found)

    def chance(self) -> dict[str, float]:
        """The same figures for random rankings and guesses."""
        found = _bias_figures(self.in_domain, "in", "chance_")
        if self.out_of_domain is not None:
            found |= _bias_figures(self.out_of_domain, "out", "chance_")
        if self.retrieval is not None:
            r = self.retrieval
            found |= _recalls(r.chance_image_to_text, r.chance_text_to_image)
        if self.zero_shot is not None:
            found["zero_shot"] = self.zero_shot.chance
        return _completed(found)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Scores:
        """The inverse of `to_dict`, after JSON made lists of tuples."""
        outside, retrieval, zero_shot = (
            saved[name] for name in ("out_of_domain", "retrieval", "zero_shot")
        )
        return cls(
            BiasScores(**_tuples(saved["in_domain"])),
            None if outside is None else BiasScores(**_tuples(outside)),
            None if retrieval is None else RetrievalScores(**_tuples(retrieval)),
            None if zero_shot is None else ZeroShotScores(**_tuples(zero_shot)),
        )


def evaluate(seen: Seen, k: int | None = None, target: Target = "pool", seed: int = 0) -> Scores:
    """Judge what an encoder sees.

    Args:
        seen: what `see` embedded, or that through heads.
        k: images of the in-domain set that a ranking shows first, default a quarter of them; the
            same share is shown out of domain.
        target: what is even, see `unskew.measures.skew`.
        seed: of chance values that are drawn (more than two subgroups).

    Raises:
        InputError: k is out of range.
    """
    n = len(seen.in_domain)
    if k is not None and not 1 <= k < n:
        raise InputError(
            f"k is {k}; {seen.in_domain.images.name} has {n} images, so use 1..{n - 1}"
        )
    share = 1 / POOL_SHARE if k is None else k / n
    probe = Probe(seen.probe)

    def bias(faces: Labelled) -> BiasScores:
        return _bias(seen, faces, max(1, round(share * len(faces))), target, probe, seed)

    return Scores(
        in_domain=bias(seen.in_domain),
        out_of_domain=None if seen.out_of_domain is None else bias(seen.out_of_domain),
        retrieval=_retrieval(seen),
        zero_shot=_zero_shot(seen),
    )


def _bias(
    seen: Seen, faces: Labelled, k: int, target: Target, probe: Probe, seed: int
) -> BiasScores:
    ranking = next(s.ranking for s in seen.asked if s.ranking is not None)
    concepts = list(ranking.concepts) * len(ranking.templates)  # the order of the prompts
    scores = seen.texts(ranking.prompts).astype(np.float64) @ faces.embeddings.astype(np.float64).T
    groups = [faces.subgroups[label] for label in faces.labels]
    r = representation_skew(scores, groups, k, target, permutations=1, seed=seed, clusters=concepts)
    by_template = np.reshape(
        max_skew(scores, groups, k, target), (len(ranking.templates), len(ranking.concepts))
    )
    d, chance_d = _effect_sizes(faces, seen.asked, seen.texts)
    return BiasScores(
        dataset=faces.images.name,
        n=len(faces),
        k=k,
        max_skew=r.max_skew,
        max_skew_ci=(r.max_skew_ci_low, r.max_skew_ci_high),
        chance_max_skew=r.chance_max_skew,
        ndkl=r.ndkl,
        ndkl_ci=(r.ndkl_ci_low, r.ndkl_ci_high),
        chance_ndkl=r.chance_ndkl,
        weat_mean=float(np.mean(d)),
        weat_max=float(np.max(d)),
        chance_weat_mean=chance_d,
        weat_tests=len(d),
        probe=probe.accuracy(faces),
        chance_probe=probe_chance(faces),
        by_concept=tuple(by_template.mean(axis=0).tolist()),
        by_faces=_without_parts(scores, faces, k / len(faces), target, seed),
    )


def _without_parts(
    scores: np.ndarray, faces: Labelled, share: float, target: Target, seed: int
) -> tuple[float, ...]:
    """Mean MaxSkew above chance as each part of every subgroup's images is left out in turn."""
    part = np.empty(len(faces), dtype=np.int64)
    for subgroup in range(len(faces.subgroups)):
        rows = np.random.default_rng(0).permutation(np.flatnonzero(faces.labels == subgroup))
        part[rows] = np.arange(len(rows)) % PARTS
    found = []
    for number in range(PARTS):
        kept = part != number
        groups = [faces.subgroups[label] for label in faces.labels[kept]]
        k = max(1, round(share * len(groups)))
        skew = float(np.mean(max_skew(scores[:, kept], groups, k, target)))
        found.append(skew - chance_max_skew(groups, k, target, seed))
    return tuple(found)


def _effect_sizes(
    faces: Labelled, asked: Sequence[Stimuli], texts: Texts
) -> tuple[np.ndarray, float]:
    """|d| of every image-text WEAT, and its mean where subgroups do not differ."""
    category = CROSSED.join(faces.by_attribute)
    groups = {name: np.flatnonzero(faces.labels == s) for s, name in enumerate(faces.subgroups)}
    counts = {category: {name: len(rows) for name, rows in groups.items()}}
    info = DatasetInfo(faces.images.name, len(faces), counts, (), "", "", "", False)
    images = EmbeddedSet(info, faces.embeddings, {category: groups})
    rows: list[PairRow] = []
    for s in asked:
        rows += image_text_pairs(images, s, texts, _NO_TESTS)
        rows += contrast_pairs(images, s, texts, _NO_TESTS)
    undefined = next((r for r in rows if np.isnan(r.effect_size)), None)
    if undefined is not None:
        raise InputError(
            f"{undefined.dataset}: |d| of {undefined.subgroup_a} and {undefined.subgroup_b} is "
            f"undefined: {undefined.reason}"
        )
    chance = [chance_effect(r.n_a, r.n_b) for r in rows]
    return np.abs([r.effect_size for r in rows]), float(np.mean(chance))


_NO_TESTS = Settings(
    ddof=1,
    permutations=1,
    alternative="two-sided",
    confidence=0.5,
    interval="noncentral-t",
    correction="",
    seed=0,
    top=1,
    ranking_target="pool",
)
"""Effect sizes are compared here; no p-value or interval of them is used, so few draws will do."""


def _retrieval(seen: Seen) -> RetrievalScores | None:
    if seen.photos is None:
        return None
    ranked = seen.photos.ranked()
    n = len(ranked.image_ranks)
    chance = [ranked.chance(k) for k in RECALLS]
    own = np.bincount(ranked.owner, minlength=n)
    found = np.bincount(ranked.owner, weights=ranked.caption_ranks < RECALL_AT, minlength=n)
    hits = np.stack([ranked.image_ranks < RECALL_AT, found, own], axis=1).astype(float)
    return RetrievalScores(
        n=n,
        image_to_text=tuple(ranked.image_recall(k) for k in RECALLS),
        text_to_image=tuple(ranked.caption_recall(k) for k in RECALLS),
        chance_image_to_text=tuple(c[0] for c in chance),
        chance_text_to_image=tuple(c[1] for c in chance),
        hits=tuple(map(tuple, hits.tolist())),
    )


def _zero_shot(seen: Seen) -> ZeroShotScores | None:
    if seen.classified is None:
        return None
    hits = seen.classified.hits().astype(float)
    return ZeroShotScores(
        n=len(hits),
        accuracy=float(hits.mean()),
        chance=1 / len(seen.classified.classes),
        hits=tuple(hits.tolist()),
    )


def _bias_figures(b: BiasScores, where: str, prefix: str) -> dict[str, float]:
    names = ("max_skew", "ndkl", "weat_mean", "weat_max", "probe")
    found = {f"{name}_{where}": getattr(b, prefix + name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _recalls(image_to_text: Sequence[float], text_to_image: Sequence[float]) -> dict[str, float]:
    found = {f"i2t_{k}": value for k, value in zip(RECALLS, image_to_text, strict=True)}
    return found | {f"t2i_{k}": value for k, value in zip(RECALLS, text_to_image, strict=True)}


def _completed(found: dict[str, float]) -> dict[str, float]:
    utility = _utility(found)
    if utility is not None:
        found["utility"] = utility
    if "zero_shot" in found:
        found["able"] = able(found["zero_shot"], found["max_skew_in"])
    return found


def _utility(found: Mapping[str, float]) -> float | None:
    names = (f"i2t_{RECALL_AT}", f"t2i_{RECALL_AT}", "zero_shot")
    parts = [found[name] for name in names if name in found]
    return mean_utility(parts, ()) if parts else None


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    return {k: _tuples(v) for k, v in value.items()} if isinstance(value, dict) else value
