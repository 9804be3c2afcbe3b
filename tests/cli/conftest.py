"""`unskew debias` on small pictures, with the built-in model, for the files that test it."""

import hashlib
import json
import shutil

import datasets
import labelled_pictures as pictures
import pytest
from folders import contents


@pytest.fixture
def quiet():
    """Reading a table draws a bar, which is no part of what a command says."""
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    return pictures.save_faces(tmp_path_factory.mktemp("data") / "faces")


@pytest.fixture(scope="session")
def things(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "things"
    return pictures.save_splits(folder, train=pictures.things(20, 7))


@pytest.fixture
def stimuli(tmp_path):
    file = tmp_path / "warmth.json"
    file.write_text(json.dumps(pictures.STIMULI))
    return file


@pytest.fixture
def debias(unskew, quiet, faces, stimuli, tmp_path):
    """Run the command with these arguments in place of those that work."""

    def run(method="leace", *extra, model="unskew/mini", data=faces, out=tmp_path / "out"):
        attributes = () if "--attribute" in extra else ("--attribute", "gender")
        return unskew(
            "debias",
            method,
            model,
            *("--data", data, "--out", out, "--stimuli", stimuli, *attributes, *extra),
        )

    return run


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """For what several tests begin with, so that it is fitted once."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def fitted(debias, kept, tmp_path):
    """(method, arguments of the command) -> what it prints; its result is then in `out`."""

    def run(method, *extra):
        name = f"{method}-{hashlib.sha256(repr(extra).encode()).hexdigest()[:8]}"
        folder, said = kept / name, kept / f"{name}.txt"
        if not said.exists():
            code, out, err = debias(method, *extra, out=folder)
            assert code == 0, err
            said.write_text(out)
        shutil.copytree(folder, tmp_path / "out")
        return said.read_text()

    return run


@pytest.fixture
def preserved(fitted, things):
    """LEACE that preserves general images is in `out`; what the command printed."""
    return fitted("leace-preserve", "--preserve", things)


@pytest.fixture
def refused(debias, tmp_path):
    """One line that says what is wrong, exit code 2, and a folder as it was."""

    def run(message, *arguments, **changes):
        before = contents(tmp_path)
        code, _, err = debias(*arguments, **changes)
        assert (code, len(err.strip().splitlines())) == (2, 1), err
        assert err.startswith("unskew: ")
        assert message in err
        assert contents(tmp_path) == before

    return run
