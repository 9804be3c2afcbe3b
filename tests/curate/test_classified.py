"""What a classifier has said of texts is kept: nothing is asked twice, whenever it is stopped."""

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from services import picture
from test_abuse import tiny

from unskew.curate.abuse import CLASSIFIED, open_classifier
from unskew.curate.curation import open_curation
from unskew.curate.pipeline import curate
from unskew.errors import InputError

HELPER = Path(__file__).with_name("killed_runs.py")
# Two whole batches and one that is not.
RECORDS = 150


@pytest.fixture
def pile(tmp_path):
    """An export of small pictures, each with words of the tiny classifier, of many lengths."""
    rng = np.random.default_rng(0)
    (tmp_path / "1.jpg").write_bytes(picture())
    export = tmp_path / "export.jsonl"
    add(export, [" ".join(rng.choice(tiny.WORDS, rng.integers(0, 30))) for _ in range(RECORDS)])
    return export


def add(export, texts):
    with export.open("a") as file:
        start = export.stat().st_size
        for number, text in enumerate(texts):
            row = {"id": f"{start}-{number}", "image": "1.jpg", "text": text}
            file.write(json.dumps(row) + "\n")


def counted(folder):
    """The classifier in a folder, and the texts that it was asked."""
    opened, asked = open_classifier(str(folder)), []

    def classify(texts):
        asked.extend(texts)
        return opened.classify(texts)

    return replace(opened, classify=classify), asked


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_killed_anywhere_it_goes_on_and_ends_with_the_same_bytes(pile, tmp_path):
    model = tiny.save_classifier(tmp_path / "model", ["neutral", "toxic"])
    out, kills = tmp_path / "out", 5
    done = subprocess.run(
        [sys.executable, HELPER, pile, out, str(kills), "5", model],
        capture_output=True,
        text=True,
        env={**os.environ, "UNSKEW_SALT": "salt", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == kills
    # The run that nothing stopped, and two of each other, which together ask one batch twice.
    asked = (out / "asked").stat().st_size
    assert (kills + 1) * RECORDS <= asked <= (kills + 1) * RECORDS + kills * 64 * 2


def test_whatever_was_kept_the_rest_is_asked_and_the_bytes_are_the_same(
    pile, tmp_path, monkeypatch
):
    monkeypatch.setenv("UNSKEW_SALT", "salt")
    model = tiny.save_classifier(tmp_path / "model", ["neutral", "toxic"])
    classifier, asked = counted(model)
    curate(pile, tmp_path / "out", classifier=classifier)
    whole = content(tmp_path / "out")
    assert len(asked) == RECORDS
    scores = open_curation(tmp_path / "out").checked.values()
    assert len({checked.scores["abusive_by_classifier"] for checked in scores}) > RECORDS / 2
    asked.clear()
    curate(pile, tmp_path / "out", classifier=classifier)
    assert (asked, content(tmp_path / "out")) == ([], whole)
    lines = whole[CLASSIFIED].splitlines(keepends=True)
    assert len(lines) == 3
    cut = len(lines[0]) + len(lines[1]) // 2  # in the middle of the second batch
    (tmp_path / "out" / CLASSIFIED).write_bytes(whole[CLASSIFIED][:cut])
    curate(pile, tmp_path / "out", classifier=classifier)
    assert (len(asked), content(tmp_path / "out")) == (RECORDS - 64, whole)


def test_a_full_disk_is_one_error_and_a_run_with_room_goes_on(pile, tmp_path, monkeypatch):
    """Files beyond a size are refused by the system, as all are on a full disk."""
    monkeypatch.setenv("UNSKEW_SALT", "salt")
    classifier, _ = counted(tiny.save_classifier(tmp_path / "model", ["neutral", "toxic"]))
    curate(pile, tmp_path / "whole", classifier=classifier)
    whole = content(tmp_path / "whole")
    out = tmp_path / "out"
    curate(pile, out)  # all the other files are there
    half = whole[CLASSIFIED].index(b"\n") // 2  # of the first line
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (half, limits[1]))
    try:
        with pytest.raises(InputError, match=rf"cannot write to .*{CLASSIFIED}: .* is kept"):
            curate(pile, out, classifier=classifier)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    curate(pile, out, classifier=classifier)
    assert content(out) == whole


def test_another_model_at_the_same_place_is_asked_again(pile, tmp_path):
    folder, out = tmp_path / "model", tmp_path / "out"
    said, counts = [], []
    for labels, seed in (
        (["neutral", "toxic"], 0),
        (["toxic", "neutral"], 0),  # other labels alone
        (["neutral", "toxic"], 1),  # other weights alone
        (["neutral", "toxic"], 0),  # the first again
    ):
        classifier, asked = counted(tiny.save_classifier(folder, labels, seed))
        curate(pile, out, classifier=classifier)
        said.append((out / "flags.jsonl").read_bytes())
        counts.append(len(asked))
    assert counts == [RECORDS, RECORDS, RECORDS, 0]
    assert len(set(said)) == 3
    assert said[3] == said[0]
    # The same model at another place is the same.
    classifier, asked = counted(tiny.save_classifier(tmp_path / "copy", ["neutral", "toxic"]))
    curate(pile, out, classifier=classifier)
    assert asked == []


def test_texts_that_are_added_are_asked_with_the_last_batch_alone(pile, tmp_path, monkeypatch):
    monkeypatch.setenv("UNSKEW_SALT", "salt")
    classifier, asked = counted(tiny.save_classifier(tmp_path / "model", ["neutral", "toxic"]))
    curate(pile, tmp_path / "out", classifier=classifier)
    add(pile, ["a nice day out", "those people"])
    asked.clear()
    curate(pile, tmp_path / "out", classifier=classifier)
    assert len(asked) == RECORDS % 64 + 2
    curate(pile, tmp_path / "anew", classifier=classifier)
    flags = [(tmp_path / name / "flags.jsonl").read_bytes() for name in ("out", "anew")]
    assert flags[0] == flags[1]


def test_what_is_no_such_log_and_what_is_no_probability(pile, tmp_path):
    classifier, _ = counted(tiny.save_classifier(tmp_path / "model", ["neutral", "toxic"]))
    wrong = replace(classifier, classify=lambda texts: [7.0] * len(texts))
    with pytest.raises(InputError, match="one probability in"):
        curate(pile, tmp_path / "out", classifier=wrong)
    assert (tmp_path / "out" / CLASSIFIED).read_bytes() == b""
    (tmp_path / "out" / CLASSIFIED).write_text("mine\n")
    with pytest.raises(InputError, match="no log of classified texts"):
        curate(pile, tmp_path / "out", classifier=classifier)
