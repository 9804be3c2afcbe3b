"""`unskew compare`: what it prints, what it leaves on disk, and what it refuses in one line."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import DatasetDict

from unskew.encoders import DualEncoder
from unskew.encoders.heads import Affine, Heads

_spec = importlib.util.spec_from_file_location(
    "planted", Path(__file__).parents[1] / "debias" / "planted.py"
)
planted = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(planted)


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """Four image sets on disk, an encoder that knows them, and a method that erases gender."""
    albums = {part: planted.album(30, part, seed=i) for i, part in enumerate(("train", "test"), 20)}
    encoder = planted.encoder_for(*albums.values())
    encoder.demonstration = True
    parts = {
        "people": {
            "train": planted.people(200, seed=1),
            "validation": planted.people(60, seed=2),
            "test": planted.people(80, seed=3),
        },
        "others": {"test": planted.people(60, seed=4, shift=0.3)},
        "album": {part: photos for part, (photos, _) in albums.items()},
        "things": {"train": planted.things(40, seed=5), "test": planted.things(80, seed=6)},
    }
    for name, splits in parts.items():
        data = DatasetDict({split: images.data for split, images in splits.items()})
        data.save_to_disk(tmp_path / name)
    monkeypatch.setattr(DualEncoder, "from_pretrained", lambda name, *_: encoder)

    def fit(name, encoder, data, seed, out):
        erase = np.diag((np.arange(planted.DIM) != planted.GENDER).astype(float))
        return SimpleNamespace(adapter=None, heads=Heads(image=Affine(erase)))

    monkeypatch.setattr("unskew.debias.compare.fit_method", fit)
    return tmp_path


def arguments(sets, **changed):
    given = {
        "--data": sets / "people",
        "--attribute": "gender",
        "--out-of-domain": sets / "others",
        "--retrieval": sets / "album",
        "--zero-shot": sets / "things",
        "--method": "leace",
        "--seeds": 2,
        "--out": sets / "out",
    } | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    options = [part for pair in given.items() if pair[1] is not None for part in pair]
    return ["compare", "pixels", *options]


def test_the_table_is_printed_and_saved(unskew, sets):
    code, out, _ = unskew(*arguments(sets))
    assert code == 0, out
    assert "no evidence about people" in out
    for words in ("MaxSkew in", "probe % out", "I→T R@5", "ABLE", "fit s", "leace", "chance"):
        assert words in out
    saved = json.loads((sets / "out" / "table.json").read_text())
    rows = {row["name"]: row for row in saved["rows"]}
    assert rows["leace"]["seeds"] == [0, 1]
    assert rows["leace"]["mean"]["max_skew_in"] < rows["original"]["mean"]["max_skew_in"] - 0.2
    assert saved["sets"]["zero_shot"][1] == 80
    assert saved["sets"]["preserve 1"][1] == 30
    assert {p.name for p in (sets / "out").iterdir()} == {
        *("table.json", "table.md", "table.csv", "pareto.png", "cells"),
    }


def test_limits_and_other_encoders(unskew, sets):
    chosen = [*arguments(sets, zero_shot_limit=30, preserve_limit=20, k=10), "--with", "mine"]
    code, out, _ = unskew(*chosen)
    assert code == 0, out
    saved = json.loads((sets / "out" / "table.json").read_text())
    assert saved["sets"]["zero_shot"][1] == 30
    assert saved["sets"]["preserve 1"][1] == saved["sets"]["preserve 2"][1] == 20
    assert saved["settings"]["k_in"] == 10
    assert saved["rows"][-1]["title"] == "judged as it is"


def test_out_of_domain_and_utility_may_be_left_out(unskew, sets):
    code, out, _ = unskew(*arguments(sets, out_of_domain=None, retrieval=None, zero_shot=None))
    assert code == 0, out
    assert "MaxSkew out" not in out


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"attribute": "race"}, "has no category 'race'"),
        ({"method": "magic"}, "there is no method 'magic'"),
        ({"seeds": 0}, "--seeds is 0"),
        ({"k": 80}, "k is 80"),
        ({"exclude": "gender=Robot"}, "no subgroup 'Robot'"),
        ({"exclude": "gender"}, "write it as race=Other"),
        ({"data": "nowhere"}, "no such file"),
        ({"out_of_domain": "things"}, "has no category 'gender'"),
        ({"out_of_domain": "people"}, "an image is both in"),
        ({"retrieval": "things"}, "no column of captions"),
        ({"zero_shot": "album"}, "needs one category, the class; it has none"),
        ({"class_column": "shape"}, "has no category 'shape'"),
        ({"zero_shot_limit": 0}, "cannot take 0 images"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(unskew, sets, changed, words):
    changed = {n: sets / v if v in ("things", "album", "people") else v for n, v in changed.items()}
    code, _, err = unskew(*arguments(sets, **changed))
    assert code == 2, err
    last = err.strip().splitlines()[-1]
    assert last.startswith("unskew: ")
    assert words in last
    assert not (sets / "out").exists()


def test_a_file_in_the_way_is_said_before_any_work(unskew, sets, monkeypatch):
    monkeypatch.setattr(DualEncoder, "from_pretrained", lambda *_: pytest.fail("too late"))
    (sets / "out").write_text("")
    code, _, err = unskew(*arguments(sets))
    assert code == 2
    assert "--out wants a folder" in err
