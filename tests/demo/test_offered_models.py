"""The models that the app offers: by name, by no other name, and loaded when asked for."""

import numpy as np
import pytest

from unskew.corpora import load_images
from unskew.demo.bench import Bench
from unskew.demo.models import DEBIASED, LOCAL, PUBLIC, Models
from unskew.demo.telling import changed, choices, summary
from unskew.errors import InputError


@pytest.fixture(scope="module")
def bench():
    return Bench(Models(LOCAL))


@pytest.fixture(scope="module")
def report(bench):
    return bench.beside(LOCAL[0], DEBIASED, load_images("faces", categories=["gender"]), ["mmbias"])


def test_nothing_is_loaded_before_it_is_asked_for(monkeypatch):
    loaded = []
    monkeypatch.setattr("unskew.demo.models.Models._load", lambda self, name: loaded.append(name))
    models = Models(PUBLIC)
    assert loaded == []
    models.get(PUBLIC[0])
    models.get(PUBLIC[0])
    assert loaded == [PUBLIC[0]]
    for name in PUBLIC:
        models.get(name)
    assert len(models._loaded) == 3


@pytest.mark.parametrize("name", ["openai/clip-vit-large-patch14", "/etc", "", "unskew/MINI"])
def test_no_other_model_is_opened(bench, name):
    with pytest.raises(InputError, match="is not offered here"):
        bench.models.get(name)
    with pytest.raises(InputError, match="is not offered here"):
        bench.cka(name, LOCAL[0], "faces")


def test_the_debiased_model_is_less_biased_on_faces_it_has_not_seen(report):
    (change,) = [r for r in report.changes() if r.dataset_after == "faces"]
    assert abs(change.after) < abs(change.before)
    assert report.model.name == DEBIASED
    assert report.model.demonstration


def test_before_and_after_are_told_with_a_figure_that_fades(report):
    family = next(f for f in choices(report).values() if f[0] == "faces")
    kinds = [type(b).__name__ for b in changed(report, family)]
    assert kinds[0] == "Fading"
    assert "Drawn" in kinds
    assert any(getattr(b, "text", "") == "Before and after" for b in summary(report))


def test_the_same_question_is_answered_once(bench):
    images = load_images("faces", categories=["gender"])
    first = bench.audit(LOCAL[0], images, ["mmbias"])
    assert bench.audit(LOCAL[0], load_images("faces", categories=["gender"]), ["mmbias"]) is first


def test_similarities_are_cosines(bench):
    images = load_images("emoji")
    cosines = bench.similarities(LOCAL[0], images, [0, 5], ["a woman", "a man", "a dog"])
    assert cosines.shape == (2, 3)
    assert np.abs(cosines).max() <= 1


def test_stimuli_come_from_the_package_alone(bench):
    images = load_images("emoji")
    for stimuli in (["/etc/passwd"], ["../x.json"], [], ["caliskan_weat"]):
        with pytest.raises(InputError):
            bench.audit(LOCAL[0], images, stimuli)
