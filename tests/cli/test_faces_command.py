"""`unskew curate --faces`: what it prints, and what it leaves on disk."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

import unskew as package
from unskew.curate.curation import FACES, open_curation

BUILT_IN = Path(package.__file__).parent / "corpora" / "data" / "faces.parquet"


def test_faces_are_looked_for_where_it_is_asked(unskew, tmp_path):
    raw = tmp_path / "raw" / "female"
    raw.mkdir(parents=True)
    (raw / "face.jpg").write_bytes(pq.read_table(BUILT_IN)["image"][90]["bytes"].as_py())
    Image.new("RGB", (300, 200), "teal").save(raw / "plain.png")
    code, out, err = unskew("curate", raw.parent, "--out", tmp_path / "out", "--faces")
    assert (code, err) == (0, "")
    assert "1 have a face." in out
    lines = (tmp_path / "out" / FACES).read_text().splitlines()
    records = open_curation(tmp_path / "out").records
    assert [json.loads(line)["id"] for line in lines] == [record.id for record in records]
    code, out, _ = unskew("curate", raw.parent, "--out", tmp_path / "without")
    assert code == 0
    assert "have a face" not in out
    assert not (tmp_path / "without" / FACES).exists()
