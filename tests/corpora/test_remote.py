"""Data sets of the Hub. Its address is read at import, so each case is a process of its own."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from loopback_hub import environment, serve
from loopback_hub.store import Commit, File

FACES = Path(str(files("unskew.corpora"))) / "data" / "faces.parquet"
NO_HUB = "http://127.0.0.1:9"  # nothing listens on the discard port

PROGRAM = """
import json, sys, time
from unskew.corpora import load_images
for options in json.loads(sys.argv[1]):
    start = time.perf_counter()
    try:
        images = load_images(**options)
        outcome = [images.name, len(images), list(images.categories)]
    except Exception as error:
        outcome = [type(error).__name__, str(error)]
    print(json.dumps([outcome, time.perf_counter() - start]))
"""


def load_all(home: Path, endpoint: str, offline: bool, *cases: dict) -> list:
    """[outcome, seconds] of every case, in one fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(cases)],
        env=environment(endpoint, home) | {"HF_HUB_OFFLINE": str(int(offline))},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_hub_data_set_and_its_cached_copy(tmp_path):
    shipped = {
        name: File(FACES.read_bytes(), lfs=True) for name in ("test.parquet", "train.parquet")
    }
    with serve() as hub:
        hub.create("datasets", "someone/faces", private=False, sdk=None)
        hub.repository("someone/faces", "datasets").add("main", Commit(shipped, "faces", None))
        results = load_all(
            tmp_path,
            hub.endpoint,
            False,
            {"source": "someone/faces"},
            {"source": "someone/faces", "split": "train[:50]"},
            {"source": "someone/faces", "split": "dev"},
            {"source": "someone/faces", "config": "large"},
            {"source": "someone/else"},
        )
    categories = ["gender", "age", "age_group"]
    whole, part, no_split, no_config, nobody = [outcome for outcome, _ in results]
    assert whole == ["someone/faces", 540, categories]
    assert part == ["someone/faces:train[:50]", 50, categories]
    assert no_split[0] == no_config[0] == "InputError"
    assert 'Unknown split "dev"' in no_split[1]
    assert "'large' not found" in no_config[1]
    assert nobody[0] == "NotFoundError"
    assert "the Hub has no such data set" in nobody[1]
    [[cached, _]] = load_all(tmp_path, hub.endpoint, True, {"source": "someone/faces"})
    assert cached == whole


def test_a_hub_out_of_reach_is_said_at_once(tmp_path):
    case = {"source": "someone/faces"}
    for offline in (True, False):
        [[outcome, seconds]] = load_all(tmp_path, NO_HUB, offline, case)
        assert outcome[0] == "NotFoundError"
        assert "'someone/faces'" in outcome[1]
        assert "not loaded from the Hub" in outcome[1]
        assert "\n" not in outcome[1]
        assert seconds < 5
