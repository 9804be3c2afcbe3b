"""CKA between the layers of models: what is looked at, what is left as it was, and the numbers."""

import json
import math

import numpy as np
import pytest
import torch
from cka_reference import minibatch_cka, recorded
from plain_resnet import resnet18
from torch import nn

from unskew.errors import InputError, NotFoundError
from unskew.inside import LayerCka, layer_cka


def images(n=24, batch=8, seed=0, size=16):
    generator = torch.Generator().manual_seed(seed)
    return list(torch.randn(n, 3, size, size, generator=generator).split(batch))


class Small(nn.Module):
    """A reused in-place ReLU, a layer that never runs, and a dead one."""

    def __init__(self, seed=0, inplace=True):
        super().__init__()
        torch.manual_seed(seed)
        self.first = nn.Conv2d(3, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=inplace)
        self.second = nn.Conv2d(6, 5, 3)
        self.dead = nn.Linear(5, 4)
        nn.init.zeros_(self.dead.weight)
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(5, 4)

    def forward(self, x):
        x = self.relu(self.norm(self.first(x)))
        x = self.relu(self.second(x)).mean(dim=(2, 3))
        return self.head(x) + self.dead(x)


class Composite(nn.Module):
    """Outputs in tuples and mappings."""

    class Pair(nn.Linear):
        def forward(self, x):
            return None, (super().forward(x), x)

    class Mapping(nn.Linear):
        def forward(self, x):
            return {"other": x, "last_hidden_state": super().forward(x)}

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.pair = self.Pair(6, 5)
        self.mapping = self.Mapping(5, 4)
        self.ids = nn.Identity()
        self.positions = nn.Embedding(7, 3)

    def forward(self, inputs, scale=1.0):
        x = self.pair(inputs * scale)[1][0]
        self.ids(torch.arange(len(x)))
        self.positions(torch.arange(7))
        return self.mapping(x)["last_hidden_state"]


class TestRows:
    def test_are_named_in_firing_order_and_the_rest_is_named_with_a_reason(self):
        found = layer_cka(Small(), images())
        assert found.layers_a == found.layers_b
        assert found.layers_a == ("first", "norm", "relu", "second", "relu#2", "head", "dead")
        assert found.skipped_a == {"unused": "it did not run"}
        assert found.undefined_a == {"dead": "its output is the same for every example"}
        assert (found.n_batches, found.n_examples) == (3, 24)
        assert np.isnan(found.matrix[6]).all()
        assert np.isnan(found.matrix[:, 6]).all()
        assert not np.isnan(found.matrix[:6, :6]).any()
        np.testing.assert_allclose(np.diag(found.matrix)[:6], 1)

    def test_an_in_place_module_does_not_change_its_predecessor(self):
        safe, unsafe = (layer_cka(Small(inplace=i), images()).matrix for i in (False, True))
        np.testing.assert_array_equal(safe, unsafe)

    def test_tuples_and_mappings_are_followed(self):
        torch.manual_seed(0)
        batches = [{"inputs": torch.randn(9, 6), "labels": torch.zeros(9)} for _ in range(2)]
        found = layer_cka(Composite(), batches)
        assert found.layers_a == ("pair", "mapping")
        assert found.skipped_a["ids"] == "it gives torch.int64, not features"
        assert (
            "has shape (7, 3), which has no row for each of the 9" in found.skipped_a["positions"]
        )
        expected = minibatch_cka(recorded(Composite(), batches, ["pair", "mapping"]))
        np.testing.assert_allclose(found.matrix, expected, atol=1e-6)

    def test_a_layer_that_runs_now_and_then_is_dropped(self):
        class Sometimes(Small):
            calls = 0

            def forward(self, x):
                self.calls += 1
                if self.calls % 2:
                    self.unused(torch.ones(len(x), 2))
                return super().forward(x)

        found = layer_cka(Sometimes(), images())
        assert found.skipped_a == {"unused": "it did not run in every batch"}
        assert len(found.layers_a) == len(found.matrix) == 7

    def test_layers_by_name_pattern_and_type(self):
        assert layer_cka(Small(), images(), layers=["head", "norm"]).layers_a == ("norm", "head")
        assert layer_cka(Small(), images(), layers="^(first|second)$").layers_a == (
            "first",
            "second",
        )
        assert layer_cka(Small(), images(), layers=[nn.ReLU]).layers_a == ("relu", "relu#2")

    @pytest.mark.parametrize(
        ("layers", "message"),
        [
            (["heads"], r"model A has no layer 'heads'; near it are head"),
            ("laier", "no layer of model A has a name that matches 'laier'"),
            ("(", r"layers '\(' is no regular expression"),
            ([nn.LSTM], "model A has no layer of type LSTM; it has BatchNorm2d, Conv2d"),
            ([], "model A has no layers to look at"),
        ],
    )
    def test_a_layer_that_is_not_there(self, layers, message):
        with pytest.raises(InputError, match=message):
            layer_cka(Small(), images(), layers=layers)


class TestTheModelIsLeftAsItWas:
    def hooks(self, model):
        return sum(len(m._forward_hooks) for m in model.modules())

    @pytest.mark.parametrize("fails", [False, True])
    def test_hooks_modes_and_statistics(self, fails):
        model = Small().train()
        model.second.eval()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        batches = [*images(), torch.zeros(8, 2, 1, 1)] if fails else images()
        if fails:
            with pytest.raises(RuntimeError):
                layer_cka(model, batches)
        else:
            layer_cka(model, batches)
        assert self.hooks(model) == 0
        assert model.training
        assert model.norm.training
        assert not model.second.training
        for name, value in model.state_dict().items():
            assert torch.equal(value, before[name])

    def test_models_that_share_a_module_see_their_own_forward(self):
        a, b = Small(0), Small(1)
        b.first = a.first
        found = layer_cka(a, images(), b, layers=["first", "second"])
        assert found.layers_a == found.layers_b == ("first", "second")
        assert found.matrix[0, 0] == pytest.approx(1)
        assert not found.same_model

    def test_what_it_keeps_for_later_can_be_trained_with(self):
        class Keeps(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(4, 4)
                self.scale = None

            def forward(self, x):
                if self.scale is None:
                    self.scale = torch.ones(4)
                return self.first(x) * self.scale

        model = Keeps()
        layer_cka(model, [torch.randn(6, 4)])
        model(torch.randn(6, 4)).sum().backward()
        assert model.first.weight.grad is not None


class TestNumbers:
    @pytest.mark.parametrize("case", ["settled", "lagged"])
    def test_resnet18_twice_against_double_precision(self, case):
        """60 modules, 68 outputs, in-place ReLU; lagged BatchNorm leaves means far above stds."""
        models = [resnet18(seed, settled=case == "settled") for seed in (0, 1)]
        batches = images(64, 32, size=32)
        found = layer_cka(models[0], batches, models[1])
        assert found.matrix.shape == (68, 68)
        features = [recorded(model, batches, None) for model in models]
        assert [list(f) for f in features] == [list(found.layers_a), list(found.layers_b)]
        expected = minibatch_cka(*features)
        assert np.abs(found.matrix - expected).max() < 1e-7
        if case == "lagged":
            last = features[0]["layer4.1.bn2"][0]
            assert (last.mean(0) ** 2).sum() > 100 * last.var(0).sum()

    def test_channels_last_changes_nothing(self):
        model, batches = Small(), images()
        expected = layer_cka(model, batches).matrix
        model = model.to(memory_format=torch.channels_last)
        found = layer_cka(model, [x.to(memory_format=torch.channels_last) for x in batches])
        np.testing.assert_allclose(found.matrix, expected, atol=1e-6)

    def test_batches_of_unequal_size_and_one_too_small(self):
        batches = [torch.randn(n, 3, 12, 12) for n in (9, 16, 3, 5)]
        found = layer_cka(Small(), batches)
        assert found.skipped_batches == ("batch 2 has 3 examples, and CKA needs 4",)
        assert (found.n_batches, found.n_examples) == (3, 30)
        features = recorded(Small(), [b for b in batches if len(b) > 3], None)
        del features["dead"]
        expected = minibatch_cka(features)
        np.testing.assert_allclose(found.matrix[:6, :6], expected, atol=1e-6)

    def test_nothing_but_small_batches(self):
        with pytest.raises(InputError, match="batch 0 has 3 examples, and CKA needs 4"):
            layer_cka(Small(), images(6, 3))
        with pytest.raises(InputError, match="the loader gave no batch"):
            layer_cka(Small(), [])

    def test_a_layer_of_nan_is_undefined_alone(self):
        model = Small()
        nn.init.constant_(model.head.weight, math.nan)
        found = layer_cka(model, images())
        assert found.undefined_a["head"] == "its output holds NaN or infinity"
        assert not np.isnan(found.matrix[:5, :5]).any()

    def test_autocast_around_it_changes_no_gram(self):
        model, batches = nn.Sequential(nn.Flatten(), nn.Identity()), images()
        expected = layer_cka(model, batches).matrix
        with torch.autocast("cpu", dtype=torch.bfloat16):
            np.testing.assert_array_equal(layer_cka(model, batches).matrix, expected)


class TestTwoLoaders:
    def labelled(self, order=None, scale=1.0):
        x = torch.cat(images())
        y = torch.arange(len(x))
        order = torch.arange(len(x)) if order is None else order
        pairs = zip((scale * x[order] + 3).split(8), y[order].split(8), strict=True)
        return list(pairs)

    def test_the_same_examples_prepared_in_two_ways(self):
        model = Small()
        plain, prepared = self.labelled(), self.labelled(scale=0.5)
        found = layer_cka(model, plain, Small(1), loader_b=prepared)
        assert found.n_batches == 3
        unlabelled = [x for x, _ in prepared]
        again = layer_cka(model, [x for x, _ in plain], Small(1), loader_b=unlabelled)
        np.testing.assert_array_equal(found.matrix, again.matrix)

    @pytest.mark.parametrize("labels", [True, False])
    def test_another_order_is_refused(self, labels):
        order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
        a, b = self.labelled(), self.labelled(order)
        if not labels:
            a, b = ([x for x, _ in loader] for loader in (a, b))
        with pytest.raises(InputError, match="batch 0 holds other examples, or another order"):
            layer_cka(Small(), a, Small(1), loader_b=b)

    def test_loaders_of_other_lengths_are_refused(self):
        a = images()
        with pytest.raises(InputError, match="the second loader ended after 2 batches"):
            layer_cka(Small(), a, Small(1), loader_b=a[:2])
        with pytest.raises(InputError, match="the first loader ended after 2 batches"):
            layer_cka(Small(), a[:2], Small(1), loader_b=a)
        with pytest.raises(InputError, match="8 examples in the first loader and 6 in the second"):
            layer_cka(Small(), a, Small(1), loader_b=images(24, 6))
        with pytest.raises(InputError, match="no sense without model_b"):
            layer_cka(Small(), a, loader_b=a)


class TestResult:
    def test_comes_back_from_disk(self, tmp_path):
        found = layer_cka(Small(), images(), name_a="small")
        path = found.save(tmp_path / "new" / "cka.json")
        content = json.loads(path.read_text(), parse_constant=pytest.fail)
        assert content["block_structure"]["share"] == found.block_structure.share
        assert content["progressive_dissimilarity"] == found.progressive_dissimilarity
        again = LayerCka.load(path)
        np.testing.assert_array_equal(again.matrix, found.matrix)
        assert again.layers_a == found.layers_a
        assert again.undefined_a == found.undefined_a
        assert list(path.parent.iterdir()) == [path]

    def test_what_cannot_be_read_or_written(self, tmp_path):
        with pytest.raises(NotFoundError, match="there is no file"):
            LayerCka.load(tmp_path / "none.json")
        (tmp_path / "other.json").write_text("{}")
        with pytest.raises(InputError, match="is no CKA result that unskew wrote"):
            LayerCka.load(tmp_path / "other.json")
        found = layer_cka(Small(), images())
        with pytest.raises(InputError, match="cannot write"):
            found.save(tmp_path / "other.json" / "cka.json")

    def test_the_heatmap_has_the_first_layer_at_the_bottom_left(self, tmp_path):
        from PIL import Image

        torch.manual_seed(0)
        model = nn.Sequential(*(nn.Linear(6, 6, bias=False) for _ in range(4)))
        found = layer_cka(model, [torch.randn(16, 6)])
        matrix = np.zeros_like(found.matrix)
        matrix[0, 0] = 1
        object.__setattr__(found, "matrix", matrix)
        path = found.heatmap(tmp_path / "cka.png")
        pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
        bright = (np.abs(pixels - np.array([254, 232, 56])) < 12).all(axis=2)
        half = pixels.shape[0] // 2
        left = bright[:, : pixels.shape[1] // 2]
        assert left[half:].sum() > 20 * left[:half].sum() + 100
