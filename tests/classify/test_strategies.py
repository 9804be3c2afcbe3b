"""Strategies against their formulas, by what they draw, and resumed in the middle."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from unskew.classify.pixels import Pixels
from unskew.classify.presets import TrainSettings
from unskew.classify.strategies import (
    STRATEGIES,
    bias_pseudo_attributes,
    feature_clusters,
    just_train_twice,
    make_strategy,
    partition,
)
from unskew.classify.strategy import Strategy
from unskew.classify.train import train
from unskew.errors import InputError

# Three groups of four possible: class 1 has no example with attribute 1.
TARGETS = np.array([0] * 60 + [0] * 20 + [1] * 20)
ATTRIBUTES = np.array([0] * 60 + [1] * 20 + [0] * 20)
GROUPS = np.array([0] * 60 + [1] * 20 + [2] * 20)
OPTIONS = {
    "jtt": {"wrong": TARGETS != ATTRIBUTES, "times": 5},
    "bpa": {"features": np.random.default_rng(0).normal(size=(100, 3)), "clusters": 2},
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def made(name, **options):
    return make_strategy(name, TARGETS, ATTRIBUTES, 0, **{**OPTIONS.get(name, {}), **options})


def drawn_shares(strategy, labels, epochs=400):
    """The share of each label among what is drawn in many epochs."""
    rows = torch.cat([strategy.sample(e, generator(e)) for e in range(epochs)])
    return np.bincount(np.asarray(labels)[rows.numpy()]) / len(rows)


@pytest.mark.parametrize("name", STRATEGIES)
def test_all_keep_the_contract(name):
    strategy = made(name)
    assert isinstance(strategy, Strategy)
    assert strategy.name == name
    rows = strategy.sample(0, generator())
    assert rows.dtype == torch.int64
    assert len(rows) == 100
    assert 0 <= rows.min() <= rows.max() < 100
    assert torch.equal(strategy.sample(0, generator()), rows)
    losses = torch.rand(10, requires_grad=True)
    strategy.reduce(losses, rows[:10]).backward()
    assert torch.isfinite(losses.grad).all()


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_resumed_strategy_goes_on_the_same(name):
    def epoch(strategy, e):
        rows = strategy.sample(e, generator(e))
        losses = torch.rand(100, generator=generator(100 + e))
        reduced = [
            strategy.reduce(losses[rows[i : i + 10]], rows[i : i + 10]) for i in range(0, 100, 10)
        ]
        if strategy.wants_losses:
            strategy.after_epoch(e, losses.double().numpy())
        return rows, torch.stack(reduced)

    whole, first = made(name), made(name)
    for e in range(3):
        epoch(whole, e)
        epoch(first, e)
    saved = first.state_dict()
    epoch(first, 3)  # what is saved does not move with what it was saved from
    resumed = made(name)
    resumed.load_state_dict(saved)
    for e in range(3, 6):
        for a, b in zip(epoch(whole, e), epoch(resumed, e), strict=True):
            assert torch.equal(a, b)


def test_no_intervention_takes_every_example_once():
    for name in ("none", "bpa"):
        assert sorted(made(name).sample(0, generator()).tolist()) == list(range(100))


def test_class_balanced_draws_classes_alike():
    # 40,000 draws: a standard error of 0.0025
    assert drawn_shares(made("class-balanced"), TARGETS) == pytest.approx([0.5, 0.5], abs=0.01)
    # and within a class every example alike
    shares = drawn_shares(made("class-balanced"), GROUPS)
    assert shares == pytest.approx([0.5 * 60 / 80, 0.5 * 20 / 80, 0.5], abs=0.01)


@pytest.mark.parametrize("name", ["group-balanced", "group-dro"])
def test_group_balanced_draws_the_groups_there_are_alike(name):
    assert drawn_shares(made(name), GROUPS) == pytest.approx([1 / 3] * 3, abs=0.01)


def test_groups_may_be_attributes_or_combinations_already():
    combined = make_strategy("group-balanced", TARGETS, TARGETS * 2 + ATTRIBUTES)
    assert torch.equal(combined.state_dict()["codes"], made("group-balanced").state_dict()["codes"])


def test_adaptive_follows_equation_3():
    strategy = made("adaptive")
    assert sorted(strategy.sample(0, generator()).tolist()) == list(range(100))
    losses = np.array([1.0] * 60 + [2.0] * 20 + [5.0] * 20)
    strategy.after_epoch(0, losses)
    w = np.array([1, 2, 5]) / 8
    assert strategy.probabilities.numpy() == pytest.approx(w)
    assert drawn_shares(strategy, GROUPS) == pytest.approx(w, abs=0.01)
    # The mean of a group is that of its examples that were drawn.
    losses[:60] = [math.nan, 3.0, 5.0] * 20
    losses[60:80] = 2.0
    losses[80:] = 2.0
    strategy.after_epoch(1, losses)
    p = 0.3 * np.array([4, 2, 2]) / 8 + 0.7 * w
    assert strategy.probabilities.numpy() == pytest.approx(p)
    assert drawn_shares(strategy, GROUPS) == pytest.approx(p, abs=0.01)


def test_adaptive_with_alpha_one_forgets():
    strategy = made("adaptive", alpha=1)
    for _ in range(2):
        strategy.after_epoch(0, np.array([9.0] * 60 + [1.0] * 40))
    strategy.after_epoch(2, np.array([1.0] * 60 + [1.0] * 20 + [2.0] * 20))
    assert strategy.probabilities.numpy() == pytest.approx([0.25, 0.25, 0.5])


def test_a_group_that_was_not_drawn_keeps_its_share():
    strategy = made("adaptive", alpha=1)
    strategy.after_epoch(0, np.array([2.0] * 60 + [1.0] * 20 + [1.0] * 20))
    strategy.after_epoch(1, np.array([2.0] * 60 + [math.nan] * 20 + [1.0] * 20))
    assert strategy.probabilities.numpy() == pytest.approx([0.5, 0.25, 0.25])


def test_losses_that_are_all_zero_make_groups_alike():
    strategy = made("adaptive")
    strategy.after_epoch(0, np.zeros(100))
    assert strategy.probabilities.numpy() == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("losses", [np.full(100, np.inf), np.full(100, np.nan)])
@pytest.mark.parametrize("name", ["adaptive", "bpa"])
def test_losses_that_are_not_finite_are_told(name, losses):
    with pytest.raises(InputError, match="training losses are not finite"):
        made(name).after_epoch(0, losses)


def test_group_dro_moves_weights_to_the_worst_group():
    strategy = made("group-dro", step_size=0.5)
    losses = torch.tensor([1.0, 3.0, 4.0], requires_grad=True)
    loss = strategy.reduce(losses, torch.tensor([0, 1, 80]))  # groups 0, 0, 2; none of group 1
    q = np.exp(0.5 * np.array([2.0, 0.0, 4.0])) / 3
    q /= q.sum()
    assert strategy.weights.numpy() == pytest.approx(q)
    assert loss.item() == pytest.approx(q[0] * 2 + q[2] * 4)
    loss.backward()
    assert losses.grad.numpy() == pytest.approx([q[0] / 2, q[0] / 2, q[2]])
    strategy.reduce(torch.tensor([1.0]), torch.tensor([70]))
    q *= np.exp(0.5 * np.array([0, 1.0, 0]))
    assert strategy.weights.numpy() == pytest.approx(q / q.sum())


def test_group_dro_step_size_is_that_of_the_paper():
    strategy = made("group-dro")
    strategy.reduce(torch.tensor([2.0, 1.0, 0.0]), torch.tensor([0, 60, 80]))
    q = np.exp(0.01 * np.array([2.0, 1.0, 0.0]))
    assert strategy.weights.numpy() == pytest.approx(q / q.sum())


def test_wrong_examples_are_drawn_times_as_often():
    wrong = np.zeros(100, dtype=bool)
    wrong[:10] = True
    strategy = make_strategy("jtt", TARGETS, None, wrong=wrong, times=20)
    share = 10 * 20 / (10 * 20 + 90)
    assert drawn_shares(strategy, wrong) == pytest.approx([1 - share, share], abs=0.01)
    assert strategy.reduce(torch.tensor([1.0, 3.0]), torch.tensor([0, 99])) == 2


def test_clusters_are_found_within_classes():
    rng = np.random.default_rng(0)
    centres = np.eye(3)[[0, 1, 2, 1]]
    features = np.repeat(centres, 25, axis=0) * 7 + rng.normal(0, 0.2, (100, 3))
    targets = np.repeat([0, 0, 1, 1], 25)
    found = feature_clusters(targets, features, clusters=2)
    assert found.sizes.tolist() == [25, 25, 25, 25]
    for start in range(0, 100, 25):
        assert len(set(found.codes[start : start + 25].tolist())) == 1
    again = feature_clusters(targets, features * rng.uniform(1, 9, (100, 1)), clusters=2)
    assert torch.equal(again.codes, found.codes), "the length of a feature decides"
    few = feature_clusters([0, 0, 1], [[1.0, 0], [1.0, 0], [0, 1.0]], clusters=8)
    assert few.codes.tolist() == [0, 0, 1]


def test_clusters_are_weighted_by_size_and_loss():
    features = np.repeat(np.eye(2), [30, 10], axis=0)
    strategy = make_strategy("bpa", np.zeros(40, int), None, features=features, clusters=2)
    order = [0, 1] if strategy.clusters.sizes[0] == 30 else [1, 0]
    first = np.array([40 / (2 * 30), 40 / (2 * 10)])
    assert strategy.weights.numpy()[order] == pytest.approx(first)
    strategy.after_epoch(0, np.array([1.0] * 30 + [3.0] * 10))
    v = np.array([40 / 30 * 1 / 4, 40 / 10 * 3 / 4])
    w = 0.7 * first + 0.3 * v
    assert strategy.weights.numpy()[order] == pytest.approx(w)
    assert w @ [30, 10] / 40 == pytest.approx(1)
    losses = torch.tensor([1.0, 5.0], dtype=torch.float64)
    expected = (w[0] * 1 + w[1] * 5) / w.sum()
    assert strategy.reduce(losses, torch.tensor([0, 39])).item() == pytest.approx(expected)


def squares(n, seed):
    """Bright and dark squares, of which a tenth are labelled as the other."""
    rng = np.random.default_rng(seed)
    bright = rng.integers(0, 2, n)
    images = rng.integers(0, 60, (n, 3, 8, 8)) + bright[:, None, None, None] * 150
    labels = torch.as_tensor(bright)
    odd = torch.as_tensor(rng.random(n) < 0.1)
    return Pixels(
        torch.as_tensor(images, dtype=torch.uint8),
        torch.where(odd, 1 - labels, labels),
        odd.long(),
        ("dark", "bright"),
        ("aligned", "conflicting"),
    )


SETTINGS = TrainSettings(
    batch_size=32, epochs=2, width=4, dropout=0.0, patience=None, weight_decay=0, learning_rate=0.01
)


def test_just_train_twice_finds_what_a_short_training_gets_wrong():
    data = squares(200, 0)
    strategy = just_train_twice(
        SETTINGS.network(2, 8), data, squares(80, 1), SETTINGS, epochs=3, times=7
    )
    wrong = strategy.weights == 7
    assert wrong.double().mean() < 0.3
    agreement = (wrong == (data.attributes == 1)).double().mean()
    assert agreement > 0.95
    assert set(strategy.weights.tolist()) == {1.0, 7.0}


def test_a_first_model_is_clustered():
    data = squares(120, 0)
    strategy = bias_pseudo_attributes(
        SETTINGS.network(2, 8), data, squares(80, 1), SETTINGS, clusters=3
    )
    assert 2 < len(strategy.clusters.sizes) <= 6
    for cluster in range(len(strategy.clusters.sizes)):
        assert len(set(data.targets[strategy.clusters.codes == cluster].tolist())) == 1


@pytest.mark.parametrize(
    "first", [partial(just_train_twice, epochs=1, times=7), bias_pseudo_attributes]
)
def test_a_first_training_that_is_kept_is_not_done_again(first, tmp_path, monkeypatch):
    data, judged = squares(120, 0), squares(80, 1)
    made = first(SETTINGS.network(2, 8), data, judged, SETTINGS, out=tmp_path)
    monkeypatch.setattr("unskew.classify.loop.Loop._epoch", None)
    again = first(SETTINGS.network(2, 8), data, judged, SETTINGS, out=tmp_path)
    ours, theirs = made.state_dict(), again.state_dict()
    assert all(np.array_equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize("name", ["adaptive", "group-dro", "bpa"])
def test_a_training_moves_what_a_strategy_learns(name):
    data = squares(120, 0)
    options = {"features": data.images[:, 0, 0, :3].double(), "clusters": 2}
    strategy = make_strategy(
        name, data.targets, data.attributes, **(options if name == "bpa" else {})
    )
    before = strategy.state_dict()
    trained = train(SETTINGS.network(2, 8), data, squares(80, 1), SETTINGS, strategy=strategy)
    assert trained.strategy == name
    after = strategy.state_dict()
    moved = [key for key in before if not np.array_equal(before[key], after[key])]
    assert moved in (["probabilities"], ["weights"], ["shares"])
    assert all(torch.isfinite(after[key]).all() for key in moved)


@pytest.mark.parametrize("name", ["adaptive", "group-dro", "bpa"])
def test_a_killed_training_goes_on_with_what_a_strategy_has_learnt(name, tmp_path):
    data, settings = squares(120, 0), replace(SETTINGS, epochs=3)

    def run(out, die=False):
        options = {"features": data.images[:, 0, 0, :3].double(), "clusters": 2}
        strategy = make_strategy(
            name, data.targets, data.attributes, **(options if name == "bpa" else {})
        )
        sample = strategy.sample

        def dying(epoch, generator):
            if die and epoch == 2:
                raise KeyboardInterrupt
            return sample(epoch, generator)

        strategy.sample = dying
        network = settings.network(2, 8)
        trained = train(network, data, squares(80, 1), settings, strategy=strategy, out=out)
        return trained.history, strategy.state_dict()

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", die=True)
    resumed = run(tmp_path / "killed")
    assert repr(resumed[0]) == repr(whole[0])  # with NaN, which differs from itself
    for key, value in whole[1].items():
        assert np.array_equal(resumed[1][key], value), key


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_strategy("magic", TARGETS), "no strategy 'magic'; there are none, class"),
        (lambda: make_strategy("adaptive", TARGETS), "'adaptive' needs groups"),
        (lambda: made("adaptive", alpha=0), "alpha must be over 0"),
        (lambda: made("adaptive", momentum=0.5), "has no option 'momentum'; it has alpha"),
        (lambda: made("none", alpha=0.5), "has no option 'alpha'; it has no options"),
        (lambda: make_strategy("jtt", TARGETS, times=3), "needs the option 'wrong'"),
        (lambda: made("jtt", times=0.5), "times must be at least 1"),
        (lambda: made("jtt", wrong=TARGETS), "wrong must say true or false"),
        (lambda: made("group-dro", step_size=0), "step_size must be over 0"),
        (lambda: made("bpa", momentum=2), "momentum must be over 0"),
        (lambda: made("bpa", clusters=0), "clusters must be at least 1"),
        (lambda: made("bpa", features=np.ones((3, 2))), "there are 100 targets but features"),
        (lambda: made("bpa", features=np.full((100, 2), np.nan)), "features are not finite"),
        (lambda: make_strategy("adaptive", TARGETS, [0, 1]), "100 targets but 2 groups"),
        (lambda: partition([]), "targets must be one label per training example"),
        (lambda: partition([0.5, 1.5]), "must be whole numbers"),
    ],
)
def test_what_cannot_be_made_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_state_of_something_else_is_refused():
    for other in (made("adaptive", alpha=0.5), made("group-dro")):
        with pytest.raises(InputError, match="other options or another training set"):
            made("adaptive").load_state_dict(other.state_dict())
    fewer = make_strategy("adaptive", TARGETS[:90], ATTRIBUTES[:90])
    with pytest.raises(InputError, match="another training set"):
        made("adaptive").load_state_dict(fewer.state_dict())
