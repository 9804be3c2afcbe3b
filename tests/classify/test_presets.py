"""The papers' settings, to the letter, and what a setting may be."""

import pytest

from unskew.classify import PRESETS, TrainSettings, preset
from unskew.errors import InputError


def test_objectives_as_in_the_paper():
    s = preset("objectives")
    assert (s.optimizer, s.learning_rate, s.weight_decay) == ("adam", 1e-3, 1e-5)
    assert (s.batch_size, s.dropout, s.patience, s.augment) == (512, 0.4, 12, False)
    assert (s.width, s.downsample) == (64, False)


def test_vlm_debias_as_in_the_paper():
    s = preset("vlm-debias")
    assert (s.optimizer, s.learning_rate, s.weight_decay) == ("adamw", 1e-3, 1e-4)
    assert (s.batch_size, s.epochs, s.patience, s.augment) == (256, 100, None, True)
    assert (s.select, s.dropout, s.width) == ("unbiased_accuracy", 0.0, 64)


def test_a_smaller_scale_keeps_the_recipe():
    for name, scales in PRESETS.items():
        assert list(scales) == ["paper", "small", "smoke"]
        for scale in ("small", "smoke"):
            for field in ("optimizer", "learning_rate", "weight_decay", "augment", "select"):
                assert getattr(preset(name, scale), field) == getattr(preset(name), field)


def test_the_network_of_the_settings():
    network = TrainSettings(width=4, dropout=0.3, downsample=True).network(3, 16, seed=1)
    assert network.config.dropout == 0.3
    assert network.config.hidden_sizes == [4, 8, 16, 32]
    assert network.config.downsample_in_first_stage


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"patience": 0}, "patience is 0"),
        ({"optimizer": "sgd"}, "no optimizer 'sgd'"),
        ({"select": "luck"}, "select is 'luck'"),
    ],
)
def test_values_that_make_no_sense(changes, message):
    with pytest.raises(InputError, match=message):
        TrainSettings(**changes)


def test_unknown_names():
    with pytest.raises(InputError, match="no preset 'x': choose among objectives, vlm-debias"):
        preset("x")
    with pytest.raises(InputError, match="no scale 'x': choose among paper, small, smoke"):
        preset("objectives", "x")
