"""The evaluate metric `cka`: loaded, fed in every form, its card, and its page."""

import doctest
import importlib.util
import json
import re
from dataclasses import asdict

import evaluate
import numpy as np
import pytest
import torch
import yaml

from unskew.errors import InputError
from unskew.hub.cka import Cka
from unskew.hub.register import metric_names, metrics_root
from unskew.measures import cka

gr = pytest.importorskip("gradio")
FOLDER = metrics_root() / "cka"


@pytest.fixture(scope="module")
def metric():
    return evaluate.load("cka")


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    return {"X": X, "Y": X @ rng.normal(size=(6, 4)) + rng.normal(size=(40, 4))}


@pytest.fixture(scope="module")
def app():
    spec = importlib.util.spec_from_file_location("cka_app", FOLDER / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PAGE


def test_is_registered_and_describes_itself(metric):
    assert "cka" in metric_names()
    assert metric.name == "cka"
    for text in (metric.description, metric.citation, metric.inputs_description):
        assert text.strip()


@pytest.mark.parametrize(
    "options", [{}, {"kernel": "rbf", "estimator": "biased", "confidence": 0.8}]
)
def test_equals_the_measure(metric, features, options):
    found = metric.compute(**features, **options)
    assert found == asdict(cka(**features, **options))
    assert {"cka", "ci_low", "ci_high", "n", "estimator", "kernel"} <= set(found)
    assert evaluate.load(str(FOLDER)).compute(**features, **options) == found


def test_lists_and_tensors_are_taken(metric, features):
    expected = metric.compute(**features)["cka"]
    for convert in (np.ndarray.tolist, torch.tensor):
        given = {name: convert(rows) for name, rows in features.items()}
        assert metric.compute(**given)["cka"] == pytest.approx(expected, abs=1e-12)


def test_an_undefined_value_is_none_with_a_reason(metric, features):
    found = metric.compute(X=np.ones((40, 2)), Y=features["Y"])
    assert found["cka"] is None
    assert found["reason"] == "X is the same in every row"
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Y": None}, "cka needs X and Y; missing: Y"),
        ({"Y": np.eye(3)}, "X has 40 rows and Y has 3"),
        ({"kernel": "cubic"}, "kernel is 'cubic'; use linear or rbf"),
        ({"bandwidth": 2}, "cka takes no bandwidth"),
    ],
)
def test_bad_input_is_named_in_one_line(metric, features, change, message):
    with pytest.raises(InputError, match=message) as caught:
        metric.compute(**{**features, **change})
    assert "\n" not in str(caught.value)


def test_the_examples_of_card_and_docstring_hold():
    card = "\n\n".join(
        re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    )
    assert card.count(">>>") > 8
    for text in (card, Cka().inputs_description):
        test = doctest.DocTestParser().get_doctest(text, {"evaluate": evaluate}, "cka", None, 0)
        report: list[str] = []
        runner = doctest.DocTestRunner()
        runner.run(test, out=report.append)
        assert runner.failures == 0, "".join(report)


def test_the_header_is_that_of_a_metric_space():
    header = yaml.safe_load((FOLDER / "README.md").read_text().split("---\n")[1])
    assert header["sdk"] == "gradio"
    assert {"evaluate", "metric"} <= set(header["tags"])
    assert (FOLDER / header["app_file"]).is_file()
    assert "unskew" in (FOLDER / "requirements.txt").read_text()


def test_the_page_reads_csv_json_and_npz(app, features, tmp_path):
    np.savez(tmp_path / "both.npz", **features)
    as_csv = "\n".join(
        ",".join([name, *map(repr, row)]) for name, X in features.items() for row in X.tolist()
    )
    as_json = json.dumps({name: rows.tolist() for name, rows in features.items()})
    results = [
        app.compute(as_csv, None, "linear", "unbiased"),
        app.compute(as_json, None, "linear", "unbiased"),
        app.compute("", str(tmp_path / "both.npz"), "linear", "unbiased"),
    ]
    assert results[0] == results[1] == results[2]
    rows, whole = results[0]
    assert rows[0] == ["cka", f"{whole['cka']:.4f}"]
    assert app.compute(app.example, None, "rbf", "biased")[1]["kernel"] == "rbf"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X,1,two", "line 1 must be a set name and numbers"),
        ("X,1\nZ,2", "found Z"),
        ("X,1,2\nX,1\nY,1\nY,2", "X is not an array of numbers"),
        ("", "missing: X, Y"),
    ],
)
def test_the_page_shows_bad_input(app, text, message):
    with pytest.raises(gr.Error, match=message):
        app.compute(text, None, "linear", "unbiased")
