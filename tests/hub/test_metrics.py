"""The evaluate metrics: loaded in every way, fed in every form, and their cards' examples."""

import doctest
import json
import math
import re
import time
from dataclasses import asdict

import evaluate
import numpy as np
import pytest
import torch
import yaml

from unskew.errors import InputError
from unskew.hub.metric import plain
from unskew.hub.register import metrics_root
from unskew.hub.representation_skew import RepresentationSkew
from unskew.hub.weat_bias import WeatBias
from unskew.measures.pairwise import weat_pairwise
from unskew.measures.skew import representation_skew
from unskew.measures.weat import weat

NAMES = ("weat_bias", "representation_skew")


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(9, 5)) + i / 3 for i, name in enumerate("XYAB")}


@pytest.fixture(scope="module")
def ranking():
    rng = np.random.default_rng(0)
    return {"scores": rng.random((4, 30)), "groups": list("ab" * 15), "k": 10}


@pytest.fixture(scope="module")
def weat_bias():
    return evaluate.load("weat_bias")


@pytest.fixture(scope="module")
def skew():
    return evaluate.load("representation_skew")


class TestWeatBias:
    def test_equals_the_measure(self, weat_bias, sets):
        assert weat_bias.compute(**sets) == asdict(weat(**sets))

    def test_options_are_passed_on(self, weat_bias, sets):
        options = {
            "ddof": 0,
            "permutations": 50,
            "alternative": "less",
            "confidence": 0.8,
            "seed": 7,
            "interval": "percentile",
            "exact_limit": 10,
        }
        assert weat_bias.compute(**sets, **options) == asdict(weat(**sets, **options))

    def test_subgroups_are_compared_in_pairs(self, weat_bias, sets):
        subgroups = {"Hindu": sets["X"], "Muslim": sets["Y"], "Jewish": sets["A"] - 1}
        found = weat_bias.compute(subgroups=subgroups, A=sets["A"], B=sets["B"])
        expected = weat_pairwise(subgroups, sets["A"], sets["B"])
        assert found == {"pairs": [asdict(pair) for pair in expected]}
        assert list(found["pairs"][0])[:2] == ["subgroup_a", "subgroup_b"]

    @pytest.mark.parametrize("form", ["lists", "float32", "torch", "float16"])
    def test_every_form_of_embeddings(self, weat_bias, sets, form):
        convert = {
            "lists": lambda rows: rows.tolist(),
            "float32": lambda rows: rows.astype(np.float32),
            "float16": lambda rows: rows.astype(np.float16),
            "torch": lambda rows: torch.tensor(rows, requires_grad=True),
        }[form]
        found = weat_bias.compute(**{name: convert(rows) for name, rows in sets.items()})
        assert found["effect_size"] == pytest.approx(weat(**sets).effect_size, abs=2e-3)

    def test_an_undefined_value_is_none_with_a_reason(self, weat_bias, sets):
        same = np.ones((3, 5))
        found = weat_bias.compute(X=same, Y=same, A=sets["A"], B=sets["B"])
        assert found["effect_size"] is None
        assert found["reason"]
        json.dumps(found, allow_nan=False)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"Y": None}, "needs X, Y, A and B, or subgroups, A and B; it was given X, A, B"),
            ({"subgroups": {}}, "it was given X, Y, A, B, subgroups"),
            ({"X": [[math.nan] * 5] * 3}, "X, row 0 holds NaN"),
            ({"ddof": 3}, "ddof is 3"),
            ({"permutation": 5}, "weat_bias takes no permutation; its inputs are X, Y, A, B"),
            ({"prediction": [1]}, "weat_bias takes no prediction; its inputs are X"),
        ],
    )
    def test_bad_input_is_named_in_one_line(self, weat_bias, sets, change, message):
        with pytest.raises(InputError, match=message) as caught:
            weat_bias.compute(**{**sets, **change})
        assert "\n" not in str(caught.value)

    def test_no_copy_of_the_arrays_is_made(self, weat_bias, monkeypatch):
        """Through Arrow this takes seconds; what is around the measure takes some microseconds."""
        rng = np.random.default_rng(0)
        sets = dict(zip("XYAB", rng.normal(size=(4, 10_000, 512)).astype(np.float32), strict=True))
        inside = []

        def timed(*arrays, **options):
            start = time.perf_counter()
            assert all(a is b for a, b in zip(arrays, sets.values(), strict=True))
            result = weat(*arrays, **options)
            inside.append(time.perf_counter() - start)
            return result

        monkeypatch.setattr(f"{WeatBias.__module__}.weat", timed)
        start = time.perf_counter()
        weat_bias.compute(**sets, permutations=1, confidence=None)
        assert time.perf_counter() - start - inside[0] < 0.02


class TestRepresentationSkew:
    def test_equals_the_measure(self, skew, ranking):
        assert skew.compute(**ranking) == plain(asdict(representation_skew(**ranking)))

    def test_options_are_passed_on(self, skew, ranking):
        options = {
            "target": {"a": 0.3, "b": 0.7},
            "pair": ("b", "a"),
            "permutations": 30,
            "confidence": 0.8,
            "seed": 5,
        }
        expected = plain(asdict(representation_skew(**ranking, **options)))
        assert skew.compute(**ranking, **options) == expected
        assert expected["pair"] == ["b", "a"]

    def test_lists_are_taken(self, skew, ranking):
        as_lists = {**ranking, "scores": ranking["scores"].tolist()}
        assert skew.compute(**as_lists) == skew.compute(**ranking)

    def test_the_result_is_strict_json(self, skew, ranking):
        found = skew.compute(scores=ranking["scores"][0], groups=list("abc" * 10), k=10)
        assert found["max_skew_ci_low"] is None
        assert found["bias_at_k"] is None
        assert json.loads(json.dumps(found, allow_nan=False)) == found

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"k": None}, "needs scores, groups and k; missing: k"),
            ({"k": 31}, "k must be a whole number from 1 to the number of items 30, got 31"),
            ({"group": "ab"}, "representation_skew takes no group"),
            ({"reference": [1]}, "representation_skew takes no reference"),
        ],
    )
    def test_bad_input_is_named_in_one_line(self, skew, ranking, change, message):
        with pytest.raises(InputError, match=message) as caught:
            skew.compute(**{**ranking, **change})
        assert "\n" not in str(caught.value)


class TestAsEvaluateModules:
    def test_loads_from_its_folder_and_its_file(self, sets, ranking):
        given = {"weat_bias": sets, "representation_skew": ranking}
        for name in NAMES:
            folder = metrics_root() / name
            for path in (folder, folder / f"{name}.py"):
                assert evaluate.load(str(path)).compute(**given[name])

    @pytest.mark.parametrize("name", NAMES)
    def test_describes_itself(self, name):
        metric = evaluate.load(name)
        assert metric.name == name
        for text in (metric.description, metric.citation, metric.inputs_description):
            assert text.strip()
        assert metric.inputs_description in metric.compute.__doc__
        assert f'name: "{name}"' in repr(metric)

    def test_combine_gives_each_metric_its_inputs(self, sets, ranking, weat_bias, skew):
        found = evaluate.combine(list(NAMES)).compute(**sets, **ranking, ddof=0)
        assert found["effect_size"] == weat_bias.compute(**sets, ddof=0)["effect_size"]
        assert found["max_skew"] == skew.compute(**ranking)["max_skew"]
        assert {"weat_bias_p_value", "representation_skew_p_value"} <= set(found)
        with pytest.raises(InputError, match="takes no k_"):
            evaluate.combine(list(NAMES)).compute(**sets, **ranking, k_=3)

    def test_save_writes_the_result(self, tmp_path, sets, ranking, weat_bias, skew):
        result = skew.compute(**ranking) | weat_bias.compute(**sets)
        path = evaluate.save(tmp_path / "result.json", **result)
        saved = json.loads(path.read_text(), parse_constant=pytest.fail)
        assert {name: saved[name] for name in result} == result

    @pytest.mark.parametrize("method", ["add", "add_batch"])
    def test_rows_cannot_be_added(self, method, sets, weat_bias, skew):
        with pytest.raises(InputError, match=r"call compute\(X=\.\.\., Y="):
            getattr(weat_bias, method)(X=sets["X"][0])
        with pytest.raises(InputError, match=r"call compute\(scores=\.\.\., groups="):
            getattr(skew, method)(predictions=[1], references=[1])


class TestCards:
    """The README of a metric is the page people copy from, so its examples run here."""

    @pytest.mark.parametrize("name", NAMES)
    def test_the_examples_give_what_the_card_says(self, name):
        text = (metrics_root() / name / "README.md").read_text()
        blocks = "\n\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
        assert blocks.count(">>>") > 8
        self._run(blocks, name)

    @pytest.mark.parametrize("metric", [WeatBias, RepresentationSkew])
    def test_the_examples_of_the_docstring_hold(self, metric):
        self._run(metric().inputs_description, metric.__name__)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_header_is_that_of_a_metric_space(self, name):
        folder = metrics_root() / name
        header = yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])
        assert header["sdk"] == "gradio"
        assert {"evaluate", "metric"} <= set(header["tags"])
        assert {"title", "emoji", "colorFrom", "colorTo", "sdk_version", "description"} <= set(
            header
        )
        assert (folder / header["app_file"]).is_file()
        assert "unskew" in (folder / "requirements.txt").read_text()

    def _run(self, text, name):
        test = doctest.DocTestParser().get_doctest(text, {"evaluate": evaluate}, name, None, 0)
        report: list[str] = []
        runner = doctest.DocTestRunner()
        runner.run(test, out=report.append)
        assert runner.failures == 0, "".join(report)
