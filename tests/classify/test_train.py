"""The loop: it learns, it follows its strategy, it repeats itself, and it refuses bad input."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from classify_sets import CLASSES, settings, squares

from unskew.classify import OBJECTIVES, Pixels, resnet18
from unskew.classify.predict import predict
from unskew.classify.strategy import NoIntervention, Strategy
from unskew.classify.train import train
from unskew.errors import InputError


def run(changes=None, data=None, **options):
    chosen = settings(**(changes or {}))
    learnt, judged = data or (squares(96), squares(36, seed=1))
    return train(chosen.network(3, 12), learnt, judged, chosen, **options)


def same_weights(a, b):
    ours, theirs = a.network.state_dict(), b.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


class Recorder(NoIntervention):
    """Only the first 40 examples, the first one twice, and what it was told."""

    name, wants_losses = "recorder", True

    def __init__(self, n):
        super().__init__(n)
        self.batches, self.told = [], []

    def sample(self, epoch, generator):
        return torch.cat([torch.zeros(1, dtype=torch.int64), torch.arange(40)])

    def reduce(self, losses, indices):
        self.batches.append((losses.detach().double(), indices))
        return losses.mean()

    def after_epoch(self, epoch, losses):
        self.told.append((epoch, losses))


QUICK = "negative-log-likelihood"


@pytest.mark.parametrize(
    "objective",
    [QUICK, *(pytest.param(o, marks=pytest.mark.slow) for o in OBJECTIVES if o != QUICK)],
)
def test_every_objective_learns(objective):
    trained = run({"epochs": 8}, objective=objective)
    assert trained.history[-1]["train_loss"] < trained.history[0]["train_loss"]
    assert trained.history[trained.best_epoch]["accuracy"] > 0.5  # chance is 1/3
    assert trained.objective == objective


def test_the_network_is_that_of_the_best_epoch_and_knows_its_data():
    learnt, judged = squares(96), squares(36, seed=1)
    trained = run(data=(learnt, judged))
    assert [e["epoch"] for e in trained.history] == [0, 1, 2]
    found = predict(trained.network, judged)
    accuracy = (found.classes == judged.targets.numpy()).mean()
    scores = [e["accuracy"] for e in trained.history]
    assert accuracy == max(scores) == scores[trained.best_epoch]
    assert trained.best_epoch == scores.index(max(scores))
    assert trained.network.labels == CLASSES
    assert (trained.network.config.image_mean, trained.network.config.image_std) == (
        learnt.mean_and_std
    )
    assert not trained.network.training


@pytest.mark.parametrize("augment", [False, True])
def test_the_same_seed_gives_the_same_weights_and_another_does_not(augment):
    first, second, third = (run({"augment": augment}, seed=s) for s in (3, 3, 4))
    assert first.history == second.history
    assert same_weights(first, second)
    assert first.history != third.history


def test_global_random_state_is_left_alone():
    torch.manual_seed(9)
    expected = torch.rand(2)
    torch.manual_seed(9)
    run({"epochs": 1})
    assert torch.equal(torch.rand(2), expected)


def test_a_strategy_draws_reduces_and_is_told_the_mean_loss_of_what_it_drew():
    recorder = Recorder(96)
    assert isinstance(recorder, Strategy)
    trained = run({"epochs": 2}, strategy=recorder)
    assert trained.strategy == "recorder"
    assert [epoch for epoch, _ in recorder.told] == [0, 1]
    losses = recorder.told[0][1]
    assert losses.shape == (96,)
    assert losses.dtype == np.float64
    assert np.isnan(losses[40:]).all()
    drawn = recorder.batches[: len(recorder.batches) // 2]
    values, indices = (torch.cat(x).numpy() for x in zip(*drawn, strict=True))
    assert indices.tolist() == [0, *range(40)]
    expected = [values[indices == i].mean() for i in range(40)]
    np.testing.assert_allclose(losses[:40], expected, rtol=1e-12)
    assert trained.history[0]["train_loss"] == pytest.approx(values.mean())


def test_a_batch_of_one_is_dropped():
    recorder = Recorder(96)
    run({"epochs": 1, "batch_size": 20}, strategy=recorder)
    assert [len(indices) for _, indices in recorder.batches] == [20, 20]


def test_no_intervention_draws_every_example_once():
    order = NoIntervention(50).sample(0, torch.Generator().manual_seed(0))
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))


def test_patience_ends_the_run():
    # With a learning rate of almost nothing, no epoch is better than the first.
    trained = run({"epochs": 50, "learning_rate": 1e-12, "patience": 2, "dropout": 0.0})
    scores = [e["accuracy"] for e in trained.history]
    assert len(trained.history) == trained.best_epoch + 3
    assert max(scores) == scores[trained.best_epoch]


def test_weight_decay_is_added_to_the_gradient_or_to_the_weights():
    adam, adamw, none = (
        run({"epochs": 1, "optimizer": o, "weight_decay": d})
        for o, d in (("adam", 0.5), ("adamw", 0.5), ("adam", 0.0))
    )
    assert not same_weights(adam, adamw)
    assert not same_weights(adam, none)


def test_selection_by_unbiased_accuracy():
    trained = run({"select": "unbiased_accuracy"})
    scores = [e["unbiased_accuracy"] for e in trained.history]
    assert trained.selected_by == "unbiased_accuracy"
    assert trained.best_epoch == scores.index(max(scores))
    assert trained.notes == ()


def test_without_attributes_plain_accuracy_decides_and_it_is_said():
    judged = squares(36, seed=1)
    blind = Pixels(judged.images, judged.targets, torch.full((36,), -1), CLASSES, ())
    trained = run({"select": "unbiased_accuracy", "epochs": 1}, (squares(96), blind))
    assert trained.selected_by == "accuracy"
    assert trained.notes == (
        "The attribute of the validation images is unknown, so there are no group scores, and the "
        "best epoch is chosen by plain accuracy.",
    )
    assert math.isnan(trained.history[0]["unbiased_accuracy"])


def test_a_group_empty_in_validation_is_named():
    data = squares(96), squares(3)
    with pytest.raises(InputError, match=r"none of the group red, light; green, light; blue, li"):
        run({"select": "unbiased_accuracy"}, data)
    trained = run({"epochs": 1}, data)
    assert "none of the group red, light" in trained.notes[0]


def test_one_class_is_refused():
    reds = squares(96).select(torch.arange(0, 96, 3))
    with pytest.raises(InputError, match="all 32 training images are of one class, 'red'"):
        run(data=(reds, squares(36)))


def test_data_and_network_must_fit():
    with pytest.raises(InputError, match="the validation images are 16 x 16 pixels"):
        run(data=(squares(96), squares(36, size=16)))
    with pytest.raises(InputError, match="target_names of training and validation differ"):
        run(data=(squares(96), squares(36, classes=("red", "green", "grey"))))
    with pytest.raises(InputError, match="tells 2 classes apart, and the data have 3"):
        train(resnet18(2, 12, width=4), squares(96), squares(36), settings())
    with pytest.raises(InputError, match="no objective 'hinge'"):
        run(objective="hinge")


def test_a_loss_that_is_not_finite_ends_the_run():
    def broken(logits, targets, at):
        losses = OBJECTIVES["sos"](logits, targets)
        return losses * (math.nan if at in targets.tolist() else 1)

    message = (
        r"the loss \(functools.*\) is nan at epoch 0, step 0; lower the learning rate \(0.003\)"
    )
    with pytest.raises(InputError, match=message):
        run(objective=partial(broken, at=2))
