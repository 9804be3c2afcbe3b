"""A set with few images of a subgroup: what an audit says of it, and how to have it whole."""

import json
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from unskew.corpora import load_images
from unskew.curate.build import build_set
from unskew.curate.curation import open_curation
from unskew.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "curate"))
from small_curation import curated, decide


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    """Sixteen faces that a reviewer keeps, in the shares of a build without options."""
    folder = tmp_path_factory.mktemp("small")
    # No author: authors are drawn by their salted hashes, and would fall anew at every run.
    curation = curated(folder, 16, licence=lambda _: "CC0-1.0", author=lambda _: None)
    decide(curation, [(r.id, "Ada", "keep") for r in open_curation(curation).records])
    return build_set(curation, folder / "set").folder


def test_the_message_names_the_split_and_the_way_to_all_of_them(unskew, small_set, tmp_path):
    arguments = ("audit", "unskew/mini", "--dataset", small_set, "--stimuli", "mmbias")
    code, out, err = unskew(*arguments, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    line = err.splitlines()[-1]
    assert "images, at least 4 are needed" in line or "fewer than two subgroups" in line
    assert "of its split 'test' alone: --split all audits those of train" in line
    assert not (tmp_path / "out").exists()
    more = ("--split", "all", "--permutations", "200", "--out", tmp_path / "out")
    code, out, err = unskew(*arguments, *more)
    assert code == 0, err
    (dataset,) = json.loads((tmp_path / "out" / "report.json").read_text())["datasets"]
    assert (dataset["n_images"], dataset["counts"]) == (16, {"gender": {"Female": 8, "Male": 8}})


def test_who_names_a_split_is_not_told_of_others(unskew, small_set, tmp_path):
    arguments = ("--dataset", small_set, "--split", "test", "--out", tmp_path / "out")
    code, _, err = unskew("audit", "unskew/mini", *arguments)
    assert code == 2
    assert "--split all" not in err


def test_all_splits_of_a_table_together(small_set, tmp_path):
    data = load_dataset(str(small_set), cache_dir=str(tmp_path / "cache"))
    assert len(data) > 1
    assert len(load_images(small_set, "all")) == len(load_images(data, "all")) == 16
    assert len(load_images(small_set)) == len(data["test"])
    with pytest.raises(InputError, match="has no split 'every'"):
        load_images(small_set, "every")
