"""``evaluate.load("group_fairness")``: its values, its card's examples and its page."""

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
from unskew.hub.group_fairness import GroupFairness
from unskew.hub.metric import plain
from unskew.hub.register import metric_names, metrics_root
from unskew.measures.groups import group_fairness

FOLDER = metrics_root() / "group_fairness"


@pytest.fixture(scope="module")
def metric():
    return evaluate.load("group_fairness")


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    references, groups = rng.integers(0, 2, (2, 300))
    predictions = np.where(rng.random(300) < 0.8 - 0.2 * groups, references, 1 - references)
    return {"predictions": predictions, "references": references, "groups": groups}


class TestMetric:
    def test_is_shipped(self):
        assert "group_fairness" in metric_names()

    def test_equals_the_measure_with_its_options(self, metric, labels):
        options = {"confidence": 0.8, "resamples": 300, "seed": 4}
        expected = group_fairness(*labels.values(), **options)
        assert metric.compute(**labels, **options) == plain(asdict(expected))
        assert metric.compute(**labels)["resamples"] == 2_000

    @pytest.mark.parametrize("form", ["lists", "strings", "torch", "int8", "numpy strings"])
    def test_every_form_of_labels(self, metric, labels, form):
        convert = {
            "lists": np.ndarray.tolist,
            "strings": lambda codes: [str(code) for code in codes],
            "torch": torch.tensor,
            "int8": lambda codes: codes.astype(np.int8),
            "numpy strings": lambda codes: codes.astype(str),
        }[form]
        given = {name: convert(codes) for name, codes in labels.items()}
        assert metric.compute(**given) == metric.compute(**labels)

    def test_an_undefined_value_is_none_with_a_note(self, metric):
        found = metric.compute(predictions=[0, 1, 1], references=[0, 1, 1], groups=list("aab"))
        assert found["equalized_odds_difference"] is None
        assert found["per_group"][1]["accuracy"] is None
        assert any("equalised odds is undefined" in note for note in found["notes"])
        json.dumps(found, allow_nan=False)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"groups": None}, "needs predictions, references and groups; missing: groups"),
            ({"references": [0, 1]}, "targets has 2 labels but predictions has 300"),
            ({"attributes": [0]}, "group_fairness takes no attributes; its inputs are predictions"),
            ({"resamples": 5}, "resamples is 5; give a whole number of at least 100"),
        ],
    )
    def test_bad_input_is_named_in_one_line(self, metric, labels, change, message):
        with pytest.raises(InputError, match=message) as caught:
            metric.compute(**{**labels, **change})
        assert "\n" not in str(caught.value)

    def test_rows_cannot_be_added(self, metric):
        with pytest.raises(InputError, match=r"call compute\(predictions=\.\.\., references="):
            metric.add_batch(predictions=[1], references=[1])


class TestCard:
    def test_the_examples_give_what_the_card_says(self):
        blocks = re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
        assert len(blocks) == 4
        self._run("\n".join(blocks))

    def test_the_examples_of_the_docstring_hold(self):
        self._run(GroupFairness().inputs_description)

    def test_the_header_is_that_of_a_metric_space(self):
        header = yaml.safe_load((FOLDER / "README.md").read_text().split("---\n")[1])
        assert header["sdk"] == "gradio"
        assert {"evaluate", "metric"} <= set(header["tags"])
        assert (FOLDER / header["app_file"]).is_file()
        assert "unskew" in (FOLDER / "requirements.txt").read_text()

    def _run(self, text):
        test = doctest.DocTestParser().get_doctest(text, {"evaluate": evaluate}, "card", None, 0)
        report: list[str] = []
        doctest.DocTestRunner().run(test, out=report.append)
        assert not report, "".join(report)


@pytest.fixture(scope="module")
def app():
    pytest.importorskip("gradio")
    spec = importlib.util.spec_from_file_location("group_fairness_app", FOLDER / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PAGE


class TestPage:
    def test_csv_json_and_npz_agree(self, app, labels, tmp_path):
        np.savez(tmp_path / "labels.npz", **labels)
        as_csv = "\n".join(",".join(map(str, row)) for row in zip(*labels.values(), strict=True))
        as_json = json.dumps({name: codes.tolist() for name, codes in labels.items()})
        results = [
            app.compute(as_csv, None),
            app.compute(as_json, None),
            app.compute("", str(tmp_path / "labels.npz")),
        ]
        assert results[0] == results[1] == results[2]
        rows, whole = results[0]
        assert rows[0][:2] == ["unbiased accuracy", f"{whole['unbiased_accuracy']:.4f}"]
        assert [row[0] for row in rows[5:]] == [
            f"accuracy of {target}, {attribute}" for target in "01" for attribute in "01"
        ]
        assert {len(row) for row in rows} == {len(app.columns)}

    def test_the_example_is_read(self, app):
        _, whole = app.compute(app.example, None)
        assert whole["worst_group"] == "blond, male"
        assert whole["worst_group_accuracy"] == pytest.approx(0.4)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a,b", "line 1 must be prediction,reference,group: a,b"),
            ('{"predictions": [1], "labels": [1]}', "found labels"),
            ('{"predictions": [1]', "Expecting"),
            ("", "targets is empty"),
            ("a,a,x\nb,b,x", "every example has the attribute x"),
        ],
    )
    def test_bad_input_is_shown(self, app, text, message):
        import gradio as gr

        with pytest.raises(gr.Error, match=message):
            app.compute(text, None)

    @pytest.mark.slow
    def test_the_page_starts_and_answers(self, app):
        from gradio_client import Client

        page = app.blocks()
        _, url, _ = page.launch(prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
        try:
            table, whole = Client(url, verbose=False).predict(
                app.example, None, api_name="/compute"
            )
        finally:
            page.close()
        rows, expected = app.compute(app.example, None)
        assert table["data"] == rows
        assert whole == expected
