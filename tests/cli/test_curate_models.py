"""`unskew curate` with models that people bring, and with faces cut out."""

import importlib.util
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

import unskew as package
from unskew.curate.curation import open_curation

BUILT_IN = Path(package.__file__).parent / "corpora" / "data" / "faces.parquet"
TEXTS = ("a woman reads to her son", "those people are vermin and scum", "a man and his son")


@pytest.fixture
def export(tmp_path):
    """Three faces with texts, the third a copy of the first that was turned and cut."""
    rows = pq.read_table(BUILT_IN)["image"].to_pylist()
    (tmp_path / "raw").mkdir()
    for number, row in enumerate((rows[90], rows[180])):
        (tmp_path / "raw" / f"{number}.jpg").write_bytes(row["bytes"])
    face = Image.open(tmp_path / "raw" / "0.jpg").convert("RGB")
    face.rotate(15, Image.Resampling.BICUBIC, fillcolor="grey").save(tmp_path / "raw" / "2.png")
    names = ("0.jpg", "1.jpg", "2.png")
    lines = [json.dumps({"image": n, "text": t}) for n, t in zip(names, TEXTS, strict=True)]
    (tmp_path / "raw" / "export.jsonl").write_text("\n".join(lines))
    return tmp_path / "raw" / "export.jsonl"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = Path(__file__).parents[1] / "encoders" / "tiny_classifier.py"
    spec = importlib.util.spec_from_file_location("tiny_classifier", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("classifier") / "model"
    return module.save_classifier(folder, ["neutral", "toxic"])


def content(folder):
    files = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_classifier_and_an_encoder_flag_beside_the_other_checks(
    unskew, export, classifier, tmp_path
):
    rules = tmp_path / "rules.json"
    rules.write_text('{"look_alike": {"above": 0.75}, "abusive_by_classifier": {"above": 0}}')
    arguments = ("--classifier", classifier, "--embed", "unskew/mini", "--thresholds", rules)
    code, out, _ = unskew("curate", export, "--out", tmp_path / "out", *arguments)
    assert code == 0
    assert ["abusive_by_classifier", "3"] in [line.split() for line in out.splitlines()]
    assert ["look_alike", "1"] in [line.split() for line in out.splitlines()]
    curation = open_curation(tmp_path / "out")
    assert curation.about["classifier"] == str(classifier)
    assert curation.about["embedder"] == "unskew/mini"
    first, _, third = (curation.checked[record.id] for record in curation.records)
    flag = next(flag for flag in third.flags if flag.check == "look_alike")
    assert first.id in flag.reason
    scores = [c.scores["abusive_by_classifier"] for c in curation.checked.values()]
    assert len(set(scores)) == 3
    assert all(0 < score < 1 for score in scores)
    before = content(tmp_path / "out")
    assert unskew("curate", export, "--out", tmp_path / "out", *arguments)[0] == 0
    assert content(tmp_path / "out") == before
    shutil.copytree(tmp_path / "out", tmp_path / "cut")
    for name in ("flags.jsonl", "curation.json"):  # as a kill in the middle leaves it
        (tmp_path / "cut" / name).unlink()
    assert unskew("curate", export, "--out", tmp_path / "cut", *arguments)[0] == 0
    assert content(tmp_path / "cut") == before


def test_faces_are_cut_out_where_it_is_asked(unskew, export, tmp_path):
    code, out, err = unskew("curate", export, "--out", tmp_path / "out", "--face-crops")
    assert (code, err) == (0, "")
    assert f"3 faces are cut out in {tmp_path / 'out' / 'aligned'}." in out
    curation = open_curation(tmp_path / "out")
    for checked in curation.checked.values():
        crop = tmp_path / "out" / "aligned" / checked.key[:2] / f"{checked.key}-0.jpg"
        assert Image.open(crop).size == (224, 224)


@pytest.mark.parametrize("option", ["--classifier", "--embed"])
def test_what_is_no_such_model_is_one_line_before_anything_is_done(
    unskew, export, tmp_path, option
):
    (tmp_path / "folder").mkdir()
    for name, says in (
        (tmp_path / "folder", "is a folder without a config.json, so it holds no model"),
        ("no/such-model", "no/such-model is not a folder here"),
    ):
        code, out, err = unskew("curate", export, "--out", tmp_path / "out", option, name)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert says in err
    assert not (tmp_path / "out").exists()
