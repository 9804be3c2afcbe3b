"""`unskew study`: what cannot be studied is one line; a study of real images runs to its end."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("objectives",), "nothing to study: give --colored-mnist"),
        (("objectives", "--colored-mnist", "no/where"), "no/where"),
        (("vlm-debias", "unskew/mini"), "nothing to study: give --utkface"),
        (("vlm-debias", "unskew/mini", "--utkface", "no/where"), "no/where"),
        (("vlm-debias", "unskew/mini", "--task", "gender"), "write it as gender/age"),
        (("vlm-debias", "unskew/mini", "--task", "gender/age"), "give --utkface, too"),
    ],
)
def test_bad_input_is_one_line(unskew, tmp_path, arguments, message):
    code, _, errors = unskew("study", *arguments, "--out", str(tmp_path / "out"))
    assert code == 2
    assert message in errors
    assert len(errors.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_options_that_make_no_sense(unskew, shared_data, tmp_path):
    source = ("--utkface", str(shared_data / "utkface"), "--out", str(tmp_path / "out"))
    for extra, message in (
        (("--seeds", "0"), "--seeds is 0; give at least 1"),
        (("--task", "gender/height"), "height"),
        (("--jobs", "0"), "--jobs is 0; give at least 1"),
    ):
        code, _, errors = unskew("study", "vlm-debias", "unskew/mini", *source, *extra)
        assert code == 2
        assert message in errors.splitlines()[-1]


@pytest.mark.slow
def test_smoke_studies_of_real_images(unskew, shared_data, tmp_path):
    out = tmp_path / "objectives"
    digits = str(shared_data / "mnist")
    smoke = ("--scale", "smoke", "--seeds", "1", "--out")
    code, said, _ = unskew("study", "objectives", "--colored-mnist", digits, *smoke, str(out))
    assert code == 0
    assert "softmax-cross-entropy" in said
    assert (out / "cka-colored-mnist.png").is_file()
    out = tmp_path / "vlm"
    faces = ("--utkface", str(shared_data / "utkface"), "--task", "gender/age")
    code, said, _ = unskew("study", "vlm-debias", "unskew/mini", *faces, *smoke, str(out))
    assert code == 0
    assert "Adjusted Rand index" in said
    assert (out / "vlm-debias.json").is_file()
