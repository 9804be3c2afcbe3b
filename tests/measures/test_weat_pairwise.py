"""WEAT of every pair of subgroups, and its corrections for multiple testing."""

import dataclasses
import json

import numpy as np
import pytest

from unskew.errors import InputError
from unskew.measures import (
    association,
    benjamini_hochberg,
    holm,
    pairwise_family,
    pairwise_from_associations,
    weat,
    weat_pairwise,
)


@pytest.fixture
def attributes() -> tuple[np.ndarray, np.ndarray]:
    A, B = np.random.default_rng(1).standard_normal((2, 5, 12))
    return A, B


@pytest.fixture
def subgroups() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    sizes = {"Hindu": 20, "Muslim": 20, "Jewish": 14, "Christian": 5, "Buddhist": 4}
    return {label: rng.standard_normal((n, 12)) for label, n in sizes.items()}


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
@pytest.mark.parametrize("interval", ["noncentral-t", "bca"])
def test_every_pair_is_the_weat_of_that_pair(subgroups, attributes, alternative, interval):
    options = {"alternative": alternative, "interval": interval, "permutations": 500, "seed": 4}
    found = weat_pairwise(subgroups, *attributes, **options)
    labels = list(subgroups)
    expected = [(a, b) for k, a in enumerate(labels) for b in labels[k + 1 :]]
    assert [(one.subgroup_a, one.subgroup_b) for one in found] == expected
    assert {one.exact for one in found} == {True, False}
    for one in found:
        X, Y = subgroups[one.subgroup_a], subgroups[one.subgroup_b]
        alone = dataclasses.asdict(weat(X, Y, *attributes, **options))
        pair = dataclasses.asdict(one)
        for field, value in alone.items():
            assert pair[field] == pytest.approx(value, abs=1e-12), field


def test_two_sided_unless_said_otherwise(subgroups, attributes):
    found = weat_pairwise(subgroups, *attributes)
    assert {one.alternative for one in found} == {"two-sided"}
    backwards = weat_pairwise(dict(reversed(subgroups.items())), *attributes)
    exact = {(r.subgroup_a, r.subgroup_b): r.p_value for r in found if r.exact}
    mirrored = {(r.subgroup_b, r.subgroup_a): r.p_value for r in backwards if r.exact}
    assert exact == mirrored


def test_ready_associations_give_the_same(subgroups, attributes):
    s = {label: association(rows, *attributes) for label, rows in subgroups.items()}
    assert pairwise_from_associations(s, n_a=5, n_b=5) == weat_pairwise(subgroups, *attributes)


def test_results_become_json(subgroups, attributes):
    for one in weat_pairwise(subgroups, *attributes):
        record = dataclasses.asdict(one)
        assert json.loads(json.dumps(record)) == record


def test_a_pair_does_not_depend_on_the_others(subgroups, attributes):
    three = {label: subgroups[label] for label in ("Hindu", "Jewish", "Muslim")}
    alone = {(r.subgroup_a, r.subgroup_b): r.p_value for r in weat_pairwise(three, *attributes)}
    among = {(r.subgroup_a, r.subgroup_b): r.p_value for r in weat_pairwise(subgroups, *attributes)}
    assert alone["Hindu", "Jewish"] == among["Hindu", "Jewish"]


def test_corrections_by_hand():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    assert holm(p) == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)
    # 4 known values: 0.005 * 4, 0.01 * 4 / 2, 0.03 * 4 / 3, 0.04 * 4 / 4
    assert benjamini_hochberg(p) == pytest.approx([0.02, 0.04, np.nan, 0.04, 0.02], nan_ok=True)
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])
    for correct in (holm, benjamini_hochberg):
        assert np.isnan(correct(np.array([np.nan, np.nan]))).all()


def test_an_undefined_pair_is_left_out_of_the_correction():
    s = {"a": np.zeros(4), "b": np.zeros(4), "c": np.array([0.5, 0.6, 0.7, 0.8])}
    undefined, *others = pairwise_from_associations(s)
    assert np.isnan([undefined.p_value, undefined.p_holm, undefined.p_bh]).all()
    assert "equal" in undefined.reason
    assert [one.p_value for one in others] == [2 / 70, 2 / 70]
    assert [one.p_holm for one in others] == pytest.approx([4 / 70, 4 / 70])
    assert [one.p_bh for one in others] == pytest.approx([2 / 70, 2 / 70])


def test_the_subgroup_at_fault_is_named(subgroups, attributes):
    spoilt = subgroups["Jewish"].copy()
    spoilt[3, 5] = np.nan
    with pytest.raises(InputError, match=r"^subgroup 'Jewish', row 3 holds NaN"):
        weat_pairwise(subgroups | {"Jewish": spoilt}, *attributes)
    with pytest.raises(InputError, match=r"^subgroup 'Muslim' has 1 item"):
        weat_pairwise(subgroups | {"Muslim": spoilt[:1]}, *attributes)
    with pytest.raises(InputError, match=r"^subgroup 'Muslim' has 7 dimensions but A has 12"):
        weat_pairwise(subgroups | {"Muslim": spoilt[:, :7]}, *attributes)
    with pytest.raises(InputError, match=r"at least two subgroups, got \['Hindu'\]"):
        weat_pairwise({"Hindu": subgroups["Hindu"]}, *attributes)
    with pytest.raises(InputError, match="subgroup 'x' hold NaN or infinity at position 0"):
        pairwise_from_associations({"x": [np.nan, 1.0], "y": [0.0, 1.0]})


def test_a_family_of_attribute_pairs_is_corrected_together():
    rng = np.random.default_rng(5)
    families = [{name: rng.normal(size=20) for name in "abc"} for _ in range(4)]
    together = pairwise_family(families, permutations=500)
    alone = [pairwise_from_associations(family, permutations=500) for family in families]
    assert [[r.p_value for r in f] for f in together] == [[r.p_value for r in f] for f in alone]
    flat = [r for family in together for r in family]
    assert len(flat) == 12
    p = np.array([r.p_value for r in flat])
    assert [r.p_holm for r in flat] == holm(p).tolist()
    assert [r.p_bh for r in flat] == benjamini_hochberg(p).tolist()
    assert [(r.subgroup_a, r.subgroup_b) for r in flat[:3]] == [("a", "b"), ("a", "c"), ("b", "c")]
