"""``unskew review``: what it says of what cannot be reviewed, and of agreement. The page itself is
tested in a browser, in tests/curate/test_review_page.py."""

import socket

import pytest
from reviewable import small_curation

from unskew.curate.curation import open_curation
from unskew.curate.decisions import Decision, DecisionLog


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small_curation(tmp_path_factory.mktemp("made"))


@pytest.fixture
def folder(made):
    """A curation that nobody has reviewed."""
    yield made
    log = made / "decisions.jsonl"
    log.rmdir() if log.is_dir() else log.unlink(missing_ok=True)


def refused(run, *said):
    """It ended with exit code 2 and one line that says so."""
    code, out, err = run
    assert (code, out) == (2, "")
    assert err.startswith("unskew: ")
    assert err.count("\n") == 1
    for part in said:
        assert part in err
    return True


def test_a_folder_that_is_no_curation(unskew, tmp_path):
    assert refused(unskew("review", tmp_path), "has no records.jsonl", "unskew curate RAW --out")
    assert refused(unskew("review", tmp_path / "none"), "there is no such folder")
    assert refused(unskew("review", tmp_path, "--agreement"), "has no records.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken(unskew, folder):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = unskew("review", folder, "--port", port)
        assert refused(run, f"cannot listen on 127.0.0.1:{port}", "in use", "--port")
    assert refused(unskew("review", folder, "--port", 99999), "127.0.0.1:99999", "--port")
    assert not (folder / "decisions.jsonl").exists()


def test_a_log_that_cannot_be_written(unskew, folder):
    (folder / "decisions.jsonl").mkdir()
    run = unskew("review", folder, "--port", 0)
    assert refused(run, "cannot write", "decisions.jsonl: Is a directory")


def test_a_log_that_is_none(unskew, folder):
    (folder / "decisions.jsonl").write_text("keep everything\nplease\n")
    run = unskew("review", folder, "--port", 0)
    assert refused(run, "decisions.jsonl line 1: not valid JSON")
    assert (folder / "decisions.jsonl").read_text() == "keep everything\nplease\n"


def test_one_server_for_one_folder(unskew, folder):
    with DecisionLog(folder / "decisions.jsonl"):
        run = unskew("review", folder, "--port", 0)
    assert refused(run, f"{folder} is being reviewed", "stop it first")


def test_a_reviewer_needs_a_name(unskew, folder):
    assert refused(unskew("review", folder, "--reviewer", " "), "'' is no name of a reviewer")


def test_agreement_while_the_log_is_held(unskew, folder):
    code, out, _ = unskew("review", folder, "--agreement")
    assert (code, out.startswith("Fewer than two reviewers")) == (0, True)
    ids = [record.id for record in open_curation(folder).records]
    with DecisionLog(folder / "decisions.jsonl") as log:
        for id, actions in zip(ids[:3], ("kk", "dk", "dd"), strict=True):
            for reviewer, key in zip(("ana", "[b]ben"), actions, strict=True):
                action = {"k": "keep", "d": "drop"}[key]
                log.append(Decision(id, reviewer, action, "2026-01-02T03:04:05Z"))
        code, out, _ = unskew("review", folder, "--agreement")
    assert code == 0
    for said in ("Cohen's kappa", "[b]ben", "0.40", "Fleiss' kappa", "0.33", "0.44", "3"):
        assert said in out
