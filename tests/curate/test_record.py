"""Records on disk: kept through kills, full disks and odd files."""

import json
import resource
from dataclasses import asdict, replace

import pytest

from unskew.curate.record import Record, RecordLog, read_records
from unskew.errors import InputError, NotFoundError

RECORD = Record(
    id="pile-1",
    source="pile",
    url="male/1.jpg",
    author_hash=None,
    licence="CC0-1.0",
    retrieved="2026-01-01T00:00:00Z",
    query="male",
    text="größer 👩🏽",
    image="images/ab/abcd.jpg",
    category="gender",
    subgroup="Male",
)
OTHER = replace(RECORD, id="pile-2", image=None, problem="HTTP 404")


def test_what_was_appended_is_read(tmp_path):
    path = tmp_path / "records.jsonl"
    with RecordLog(path) as log:
        log.append([RECORD])
        log.append([])
        log.append([OTHER])
        assert "pile-2" in log
        assert "pile-3" not in log
    assert list(read_records(path)) == [RECORD, OTHER]
    with RecordLog(path) as log:
        assert len(log) == 2


def test_a_kill_at_any_byte_loses_the_cut_line_alone(tmp_path):
    path = tmp_path / "records.jsonl"
    with RecordLog(path) as log:
        log.append([RECORD, OTHER])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in (*range(0, first, 7), *range(first - 2, len(whole) + 1, 11), len(whole) - 1):
        path.write_bytes(whole[:end])
        expected = [RECORD, OTHER][: (end >= first - 1) + (end >= len(whole) - 1)]
        assert list(read_records(path)) == expected
        with RecordLog(path) as log:
            log.append([record for record in (RECORD, OTHER) if record.id not in log])
        assert path.read_bytes() == whole


def test_an_id_is_given_once(tmp_path):
    path = tmp_path / "records.jsonl"
    with RecordLog(path) as log:
        log.append([RECORD])
        for batch in ([RECORD], [OTHER, OTHER]):
            with pytest.raises(InputError, match="there is a record with the id"):
                log.append(batch)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(InputError, match="lines 1 and 2: two records have the id 'pile-1'"):
        list(read_records(path))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2: not valid JSON"),
        ("[1]", "line 2: not a JSON object"),
        (json.dumps({**asdict(OTHER), "colour": "red"}), "unknown key 'colour'"),
        (json.dumps({**asdict(OTHER), "text": None}), "'text' is None and must be text"),
        (json.dumps({"id": "a"}), "lacks 'author_hash'"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path, line, says):
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps(asdict(RECORD)) + "\n" + line + "\n")
    with pytest.raises(InputError, match=says):
        list(read_records(path))
    with pytest.raises(InputError, match=says):
        RecordLog(path)


def test_a_full_disk_leaves_whole_records(tmp_path):
    path = tmp_path / "records.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RecordLog(path) as log:
        log.append([RECORD])
        before = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, limits[1]))
        try:
            with pytest.raises(InputError, match=r"^cannot write .*records\.jsonl: "):
                log.append([OTHER])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == before
        log.append([OTHER])
    assert list(read_records(path)) == [RECORD, OTHER]


def test_no_file_and_no_folder(tmp_path):
    with pytest.raises(NotFoundError, match="no such file"):
        list(read_records(tmp_path / "records.jsonl"))
    with pytest.raises(InputError, match="cannot write"):
        RecordLog(tmp_path / "none" / "records.jsonl")
