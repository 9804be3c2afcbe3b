"""The checks of images on defects planted in real pictures, and their kept results."""

import json
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import planted_defects as planted
import pyarrow.parquet as pq
import pytest
from PIL import Image

import unskew
from unskew.curate.checks import check_images
from unskew.curate.flags import load_rules
from unskew.curate.measure import measure
from unskew.curate.pixels import UnreadableError, small_copy
from unskew.errors import InputError

FACES = Path(unskew.__file__).parent / "corpora" / "data" / "faces.parquet"


@pytest.fixture(scope="module")
def faces():
    rows = pq.read_table(FACES, columns=["image"])["image"].to_pylist()[::45]
    return [Image.open(BytesIO(row["bytes"])).convert("RGB") for row in rows]


@pytest.fixture
def pile(tmp_path):
    """Write files; check them."""
    root = tmp_path / "pile"
    root.mkdir()

    def check(files, **options):
        for name, content in files.items():
            (root / name).write_bytes(content)
        found = check_images(sorted(files), tmp_path / "log.jsonl", root=root, **options)
        return {c.name: c for c in found}

    return check


def flags(checked):
    return {flag.check for flag in checked.flags}


@pytest.mark.parametrize(
    ("defect", "check", "better"),
    [
        ("gaussian blur", "blurred", max),
        ("motion blur", "blurred", max),
        ("under-exposed", "under_exposed", max),
        ("over-exposed", "over_exposed", min),
        ("flat", "low_information", max),
        ("screenshot", "text_heavy", min),
    ],
)
def test_a_planted_defect_moves_its_score(faces, defect, check, better):
    rng = np.random.default_rng(0)
    for face in faces:
        before = measure(planted.encoded(face)).scores[check]
        after = measure(planted.encoded(planted.DEFECTS[defect](face, rng))).scores[check]
        assert better(before, after) == before != after


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ("gaussian blur", "blurred"),
        ("under-exposed", "under_exposed"),
        ("flat", "low_information"),
        ("thumbnail", "too_small"),
        ("screenshot", "text_heavy"),
    ],
)
def test_a_planted_defect_is_flagged_with_a_reason(faces, pile, defect, check):
    rng = np.random.default_rng(1)
    name = "planted.jpg"
    for face in faces[:4]:
        found = pile({name: planted.encoded(planted.DEFECTS[defect](face, rng))})[name]
        flag = next(f for f in found.flags if f.check == check)
        assert flag.score == found.scores[check]
        assert flag.reason


@pytest.mark.parametrize("kind", sorted(planted.HARMLESS))
def test_how_a_picture_is_stored_is_no_defect(faces, pile, kind):
    checked = pile({f"{i}.img": planted.HARMLESS[kind](face) for i, face in enumerate(faces[:4])})
    for face, item in zip(faces, checked.values(), strict=False):
        assert not flags(item) & {"unreadable", "too_small", "near_duplicate", "animated"}
        assert (item.width, item.height) == face.size


def test_a_picture_on_its_side_is_turned_upright():
    half = Image.new("RGB", (120, 80), "black")
    half.paste("white", (0, 0, 120, 40))
    copy = small_copy(planted.exif_rotated(half))
    assert (copy.width, copy.height) == (120, 80)
    assert copy.rgb[:30].mean() > 250 > 5 > copy.rgb[50:].mean()


@pytest.mark.parametrize("kind", sorted(planted.CORRUPT))
def test_damaged_files_are_told(faces, kind):
    rng = np.random.default_rng(2)
    found = [measure(planted.CORRUPT[kind](planted.encoded(face), rng)) for face in faces]
    told = [m for m in found if m.scores == {"unreadable": 1.0} and m.unreadable]
    # Zeros may happen to be valid codes from which the decoder finds its way back.
    assert len(told) >= (0.75 if kind == "a hole in the file" else 1) * len(faces)


def test_a_bomb_is_refused_before_it_is_decoded():
    content = planted.bomb()
    assert len(content) < 2_000_000
    with pytest.raises(UnreadableError, match="pixels"):
        small_copy(content)


def test_a_missing_file_is_unreadable(pile, tmp_path):
    found = list(check_images(["gone.jpg"], tmp_path / "log.jsonl", root=tmp_path))
    assert "No such file" in found[0].flags[0].reason


def test_an_animation_is_told(faces, pile):
    found = pile({"a.gif": planted.animated_gif(faces[0], faces[1])})
    assert "animated" in flags(found["a.gif"])


@pytest.mark.parametrize("kind", sorted(planted.NEAR))
def test_the_later_of_two_duplicates_is_flagged(faces, pile, kind):
    rng = np.random.default_rng(3)
    files = {f"a{i}.jpg": planted.encoded(face) for i, face in enumerate(faces)}
    repeats = {f"b{i}.jpg": planted.NEAR[kind](face, rng) for i, face in enumerate(faces)}
    checked = pile(files | repeats)
    assert not any("near_duplicate" in flags(checked[name]) for name in files)
    for i, name in enumerate(repeats):
        flag = next(f for f in checked[name].flags if f.check == "near_duplicate")
        assert f"a{i}.jpg" in flag.reason


def test_the_same_file_twice(faces, pile):
    content = planted.encoded(faces[0])
    checked = pile({"a.jpg": content, "b.jpg": content})
    assert flags(checked["b.jpg"]) - flags(checked["a.jpg"]) == {"exact_duplicate"}


def test_embeddings_give_a_second_look(faces, pile):
    files = {f"{i}.jpg": planted.encoded(face) for i, face in enumerate(faces[:3])}
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    checked = pile(files, embed=lambda paths: rows[: len(paths)])
    assert "look_alike" in flags(checked["2.jpg"])
    assert "look_alike" not in flags(checked["1.jpg"])
    with pytest.raises(InputError, match="one row each"):
        pile(files, embed=lambda paths: rows[:1])


def test_a_stopped_run_goes_on_with_the_same_bytes(faces, tmp_path):
    rng = np.random.default_rng(4)
    files = {f"{i}.jpg": planted.encoded(face.resize((72, 72))) for i, face in enumerate(faces)}
    files["bad.jpg"] = planted.CORRUPT["cut off"](files["0.jpg"], rng)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    def result(log):
        return list(check_images(sorted(files), log, root=tmp_path)), log.read_bytes()

    whole, log = result(tmp_path / "whole.jsonl")
    for cut in rng.integers(0, len(log), 10):
        (tmp_path / "cut.jsonl").write_bytes(log[:cut])
        assert result(tmp_path / "cut.jsonl") == (whole, log)


def test_kept_results_are_not_measured_again(faces, pile, monkeypatch):
    files = {"a.jpg": planted.encoded(faces[0])}
    first = pile(files)
    monkeypatch.setattr("unskew.curate.checks.measure", lambda *_: pytest.fail("again"))
    assert pile(files) == first


def test_threads_change_nothing(faces, pile, tmp_path):
    files = {f"{i}.jpg": planted.encoded(face) for i, face in enumerate(faces)}
    alone = pile(files)
    os.remove(tmp_path / "log.jsonl")
    assert pile(files, workers=3) == alone


def test_a_file_of_thresholds_changes_what_is_flagged(faces, pile, tmp_path):
    changed = tmp_path / "thresholds.json"
    changed.write_text(json.dumps({"too_small": {"below": 10_000}}))
    files = {"a.jpg": planted.encoded(faces[0])}
    assert "too_small" not in flags(pile(files)["a.jpg"])
    assert "too_small" in flags(pile(files, rules=load_rules(changed))["a.jpg"])


def test_a_check_may_be_off_and_without_those_of_writing_its_network_is_not_asked(
    faces, pile, tmp_path, monkeypatch
):
    changed = tmp_path / "thresholds.json"
    changed.write_text('{"drawing": null, "watermark": null}')
    files = {"a.jpg": planted.screenshot(faces[0], np.random.default_rng(5))}
    files = {name: planted.encoded(image) for name, image in files.items()}
    full = pile(files)["a.jpg"]
    fewer = pile(files, rules=load_rules(changed))["a.jpg"]
    off = {"drawing", "watermark"}
    assert fewer.scores == {check: s for check, s in full.scores.items() if check not in off}
    assert flags(fewer) == flags(full) - off
    changed.write_text('{"text_heavy": null, "watermark": null, "near_duplicate": null}')
    with monkeypatch.context() as patched:
        patched.setattr("unskew.curate.measure.writing", lambda rgb: pytest.fail("asked"))
        none = pile(files, rules=load_rules(changed))["a.jpg"]
    off = {"text_heavy", "watermark", "near_duplicate"}
    assert none.scores == {check: s for check, s in full.scores.items() if check not in off}
    assert pile(files)["a.jpg"] == full  # what was measured without them does not stand for all


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"unreadable": null}', "unreadable is no object"),
        ('{"blury": {"below": 1}}', "no check 'blury'"),
        ('{"blurred": {"above": 1}}', "'below'"),
        ('{"blurred": {"below": "much"}}', "no number"),
        ('{"blurred": {"below": 1, "reason": "{what}"}}', "may hold"),
        ('{"blurred": 1}', "no object"),
        ("[]", "no object"),
        ("{", "cannot read"),
    ],
)
def test_unusable_thresholds_are_refused(tmp_path, content, message):
    path = tmp_path / "thresholds.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_rules(path)


def test_nothing_to_check_and_names_twice_are_refused(tmp_path):
    with pytest.raises(InputError, match="no images"):
        list(check_images([], tmp_path / "log.jsonl"))
    with pytest.raises(InputError, match="twice"):
        list(check_images(["a.jpg", "a.jpg"], tmp_path / "log.jsonl"))


def test_a_file_that_is_no_log_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text("hello\n")
    with pytest.raises(InputError, match="no log"):
        list(check_images(["a.jpg"], tmp_path / "log.jsonl"))
