"""`unskew captions` as people meet it, on real photos and the built-in model."""

import json

import pytest
from datasets import load_dataset


@pytest.fixture(scope="module")
def photos(shared_data, tmp_path_factory):
    """24 real photos, each with five captions."""
    file = tmp_path_factory.mktemp("photos") / "photos.parquet"
    files = {"test": str(shared_data / "flickr8k_subset" / "test-*.parquet")}
    load_dataset("parquet", data_files=files, split="test[:24]").to_parquet(file)
    return file


def test_real_photos(unskew, photos, tmp_path):
    code, out, _ = unskew("captions", "unskew/mini", "--data", photos, "--out", tmp_path / "out")
    assert code == 0
    assert "Male" in out
    assert "no evidence about people" in out
    assert "minus that before: below 0, the true caption is closer" in out
    saved = json.loads((tmp_path / "out" / "captions.json").read_text("utf-8"))
    pair = next(
        p for p in saved["pairs"] if (p["subgroup_a"], p["subgroup_b"]) == ("Male", "Female")
    )
    change = pair["a_to_b"]
    assert change["n_images"] >= 4
    assert change["ci_low"] < change["mean"] < change["ci_high"]
    assert change["p_holm"] >= change["p_value"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"--data": "faces"}, "no column of captions"),
        ({"--data": "nowhere/at/all"}, "nowhere/at/all"),
        ({"--category": "shoe size"}, "shoe size"),
        ({"--category": "disability"}, "mentions just one subgroup of disability"),
        ({"--confidence": "1.5"}, "confidence 1.5"),
    ],
)
def test_bad_input_is_one_line(unskew, photos, tmp_path, changes, said):
    options = {"--data": photos, "--out": tmp_path / "out"} | changes
    code, _, err = unskew("captions", "unskew/mini", *(x for o in options.items() for x in o))
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
