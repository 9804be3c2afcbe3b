"""Every example runs as a newcomer would run it: in a process of its own, without a network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, folder: Path, home: Path) -> str:
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "HF_HUB_OFFLINE": "1",
        "HF_EVALUATE_OFFLINE": "1",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), str(folder)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_audit_a_model(tmp_path, home):
    said = run("audit_a_model.py", tmp_path / "report", home)
    assert re.search(r"d = [+-]0\.\d\d \[[+-]\d\.\d\d, [+-]\d\.\d\d\], p = 0\.\d{3}", said)
    assert "Female" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_debias_and_publish(tmp_path, home):
    said = run("debias_and_publish.py", tmp_path / "debiased", home)
    assert "Published: http://127.0.0.1:" in said
    assert re.search(r"loaded again: MaxSkew@100 0\.\d{3}, chance 0\.\d{3}", said)


@pytest.mark.slow
def test_study_a_classifier(tmp_path, home):
    said = run("study_a_classifier.py", tmp_path / "study", home)
    conflicting = [int(share) for share in re.findall(r"of conflicting (\d+)%", said)]
    plain, balanced = conflicting
    assert balanced > plain + 20
    assert (tmp_path / "study" / "cka.png").stat().st_size > 10_000


def test_every_example_is_run_here():
    tested = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f'run("{path.name}"' in tested
