"""`unskew curate`: what it prints, what it leaves on disk, and what it refuses in one line."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unskew.curate.curation import open_curation

PILE = Path(__file__).parents[3] / "shared" / "data" / "raw_pile"
needs_pile = pytest.mark.skipif(not PILE.is_dir(), reason="needs the images of ../shared/data")


@needs_pile
def test_the_scraped_pile_from_end_to_end(unskew, tmp_path):
    start = time.process_time()  # of all threads, whatever else the machine does
    code, out, err = unskew("curate", PILE, "--out", tmp_path / "out")
    assert time.process_time() - start < 60
    assert (code, err) == (0, "")
    assert "182 records, 182 of them new" in out
    assert f"unskew review {tmp_path / 'out'}" in out
    curation = open_curation(tmp_path / "out")
    assert len(curation.records) == len(curation.checked) == 182
    for record in curation.records:
        assert record.url.count("/") == 1
        assert set(curation.checked[record.id].scores) >= {"blurred", "near_duplicate"}
    for check, count in curation.about["flagged"].items():
        flagged = sum(check in {f.check for f in c.flags} for c in curation.checked.values())
        assert flagged == count
        assert [line.split() for line in out.splitlines() if line.split()[:1] == [check]] == [
            [check, str(count)]
        ]


@needs_pile
def test_thresholds_of_a_file_decide(unskew, tmp_path):
    shutil.copytree(PILE / "gay", tmp_path / "raw" / "gay")
    thresholds = tmp_path / "thresholds.json"
    thresholds.write_text('{"too_small": {"below": 100000}}')
    code, *_ = unskew("curate", tmp_path / "raw", "--out", tmp_path / "out")
    assert code == 0
    before = open_curation(tmp_path / "out")
    arguments = ("curate", tmp_path / "raw", "--out", tmp_path / "out", "--thresholds", thresholds)
    code, out, _ = unskew(*arguments)
    assert code == 0
    after = open_curation(tmp_path / "out")
    assert after.records == before.records
    assert after.about["flagged"]["too_small"] == len(after.records)
    assert ", 0 of them new; 0 have no flag." in out


def test_a_folder_without_images_is_one_line(unskew, tmp_path):
    (tmp_path / "raw").mkdir()
    code, out, err = unskew("curate", tmp_path / "raw", "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err.startswith("unskew: ")
    assert "holds no images" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("module", ["cv2", "onnxruntime", "simplejpeg"])
def test_without_the_extra_it_says_what_to_install(tmp_path, module):
    code = (
        f"import sys; sys.modules[{module!r}] = None; from unskew.cli import main; "
        f"sys.argv = ['unskew', 'curate', {str(tmp_path)!r}, '--out', 'out']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"unskew: {module} is not installed: pip install 'unskew[curate]'"
    )
    assert done.stderr.count("\n") == 1
