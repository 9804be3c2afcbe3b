"""What there is to publish: a tiny CLIP debiased in earnest, and a small set."""

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path

import labelled_pictures as pictures
import pytest
from loopback_hub import serve
from loopback_hub.here import connect

TESTS = Path(__file__).parents[1]


def helper(path):
    """A module of another folder of tests."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, TESTS / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """The folder of a tiny random CLIP."""
    return helper("encoders/tiny_models.py").save_tiny("clip", tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def given(tmp_path_factory):
    """A folder with labelled faces, photos with captions, and words."""
    folder = tmp_path_factory.mktemp("given")
    pictures.save_faces(folder / "faces")
    parts = {"train": pictures.things(20, 7), "test": pictures.things(12, 8)}
    pictures.save_splits(folder / "things", **parts)
    (folder / "warmth.json").write_text(json.dumps(pictures.STIMULI))
    return folder


@pytest.fixture(scope="session")
def debiased(given, tiny_clip, tmp_path_factory):
    """What `unskew debias` leaves."""
    from unskew import debias_model

    out = tmp_path_factory.mktemp("debiased") / "out"
    debias_model(
        "leace",
        tiny_clip,
        given / "faces",
        ["gender"],
        out,
        preserve=[given / "things"],
        stimuli=given / "warmth.json",
    )
    return out


@pytest.fixture(scope="session")
def adapted(debiased, tiny_clip, tmp_path_factory):
    """The same with an adapter in the heads' place; its report is as it was."""
    from unskew.encoders import Debiaser, DualEncoder, Heads

    copy = shutil.copytree(debiased, tmp_path_factory.mktemp("adapted") / "out")
    adapter = helper("encoders/test_debiaser.py").adapter_of(DualEncoder.from_pretrained(tiny_clip))
    found = Debiaser.from_pretrained(copy)
    replace(found, heads=Heads(), adapter=adapter).save_pretrained(copy)
    return copy


@pytest.fixture(scope="session")
def small_set(tmp_path_factory):
    """What `unskew dataset build` leaves."""
    from unskew.curate.build import build_set
    from unskew.curate.sets.assemble import Plan

    folder = tmp_path_factory.mktemp("set")
    curation = helper("curate/small_curation.py").curated(folder, 18)
    build_set(curation, folder / "set", Plan())
    return folder / "set"


@pytest.fixture(scope="module")
def running():
    with serve() as hub:
        yield hub


@pytest.fixture
def hub(running, monkeypatch):
    """A Hub with nothing on it, which this process talks to."""
    connect(monkeypatch, running)
    running.repositories.clear()
    running.objects.clear()
    running.faults.clear()
    return running
