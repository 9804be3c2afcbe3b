"""Sets of addresses become sets with images: gone, changed, slow, limited, killed, refused."""

import hashlib
import json
import multiprocessing
import resource
import time
from pathlib import Path

import pytest
from datasets import load_dataset
from loopback import Reply, loopback
from services import HASTY, picture

from unskew.curate.download import Downloader
from unskew.curate.hydrate import hydrate_set
from unskew.curate.sets.assemble import Origin, Plan, assemble
from unskew.curate.sets.entry import Entry
from unskew.curate.sets.place import written_whole
from unskew.errors import InputError, NotFoundError

FORK = multiprocessing.get_context("fork")


def entry(url, content, label=("gender", "Female"), **others):
    said = {
        "id": f"web-{url[-6:]}",
        "text": "a woman, by @user",
        "category": label[0],
        "subgroup": label[1],
        "source": "web",
        "url": url,
        "page": "https://web.example/1",
        "licence": "LicenseRef-all-rights-reserved",
        "author_hash": None,
        "retrieved": "2026-01-01T00:00:00Z",
        "query": "woman portrait",
        "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
        "width": 8,
        "height": 8,
        "split": "test",
    }
    return Entry(**{**said, **others})


def write_set(entries, folder, mode="urls-only", images=None):
    origin = Origin("Women", "Pictures of women.", len(entries), review=NO_REVIEW)
    with written_whole(folder) as staging:
        assemble(entries, origin, Plan(mode), images, staging, folder)
    return folder


NO_REVIEW = {"reviewed": {"reviewers": 0, "records": 0}, "agreement": []}


def serve(server, folder, count):
    """A set of addresses of so many different images, all of which are there."""
    entries = []
    for number in range(count):
        content = picture(number)
        server.on(f"/{number:02}.jpg", Reply(content))
        entries.append(entry(f"{server.url}/{number:02}.jpg", content))
    return write_set(entries, folder)


def hydrate(folder, out):
    return hydrate_set(folder, out, downloader=Downloader(HASTY))


def content(folder):
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def missing(folder):
    lines = (Path(folder) / "missing.jsonl").read_text().splitlines()
    return {row["url"][-6:-4]: row for row in map(json.loads, lines)}


def test_images_are_embedded_and_labels_kept(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 5)
    done = hydrate(addresses, tmp_path / "out")
    assert done.missing == {"gone": 0, "changed": 0, "unreached": 0}
    assert (done.unchecked, done.built.numbers["mode"]) == (0, "private")
    assert missing(tmp_path / "out") == {}
    (rows,) = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")).values()
    assert rows.features["subgroup"].int2str(rows["subgroup"])[:] == ["Female"] * 5
    assert [image.size for image in rows["image"]] == [(8, 8)] * 5
    stored = rows.cast_column("image", rows.features["image"].__class__(decode=False))
    digests = [hashlib.sha256(image["bytes"]).hexdigest() for image in stored["image"]]
    assert digests == rows["sha256"][:]
    assert not list(tmp_path.glob(".unskew-*"))
    before = content(tmp_path / "out")
    server.asked.clear()
    assert hydrate(addresses, tmp_path / "out").missing == done.missing
    assert content(tmp_path / "out") == before
    assert not server.asked


def test_what_is_gone_changed_slow_or_limited_is_told(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 10)
    whole = hydrate(addresses, tmp_path / "whole").built.folder
    server.on("/00.jpg", Reply(status=410))
    server.on("/01.jpg", Reply(picture(200)))
    server.on("/02.jpg", Reply(b"<html>", headers={"Content-Type": "text/html"}))
    server.on("/03.jpg", Reply(picture(3), late=1.3))
    busy = Reply(status=429, headers={"Retry-After": "0"})
    server.on("/05.jpg", busy, busy, Reply(picture(5)))
    server.on("/06.jpg", Reply(picture(6), cut=True), Reply(picture(6)))
    server.on("/07.jpg", Reply(status=503))
    done = hydrate(addresses, tmp_path / "out")
    assert done.missing == {"gone": 2, "changed": 1, "unreached": 2}
    told = missing(tmp_path / "out")
    assert {number: row["what"] for number, row in told.items()} == {
        "00": "gone",
        "01": "changed",
        "02": "gone",
        "03": "unreached",
        "07": "unreached",
    }
    assert told["00"]["why"] == "HTTP 410"
    assert hashlib.sha256(picture(200)).hexdigest() in told["01"]["why"]
    assert "not an image (text/html)" in told["02"]["why"]
    assert done.built.numbers["rows"] == 5
    assert "another image at its address" in (tmp_path / "out" / "README.md").read_text()
    # Later, only those that did not answer are asked for; and what is back now was gone then.
    server.asked.clear()
    for number in (0, 3, 7):
        server.on(f"/{number:02}.jpg", Reply(picture(number)))
    again = hydrate(addresses, tmp_path / "out")
    assert again.missing == {"gone": 2, "changed": 1, "unreached": 0}
    assert [request["path"] for request in server.asked] == ["/03.jpg", "/07.jpg"]
    # One that begins anew finds everything but what has changed for good.
    server.on("/01.jpg", Reply(picture(1)))
    server.on("/02.jpg", Reply(picture(2)))
    hydrate(addresses, tmp_path / "anew")
    assert content(tmp_path / "anew") == content(whole)


def test_a_host_that_wants_to_be_left_alone_is(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 6)
    server.on("/02.jpg", Reply(status=429, headers={"Retry-After": "3600"}))
    assert hydrate(addresses, tmp_path / "out").missing["unreached"] == 4
    assert len(server.asked) == 3


def test_a_run_that_is_killed_goes_on_and_ends_the_same(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 60)
    hydrate(addresses, tmp_path / "once")
    server.asked.clear()
    out = tmp_path / "out"
    kills = 0
    for wanted in (1, 20, 40, 58):
        run = FORK.Process(target=hydrate, args=(addresses, out))
        run.start()
        while run.is_alive() and len(server.asked) < wanted:
            time.sleep(0.001)
        run.kill()
        run.join()
        kills += run.exitcode != 0
    assert kills == 4
    hydrate(addresses, out)
    assert content(out) == content(tmp_path / "once")
    # Each kill loses the downloads of one batch at most.
    assert len(server.asked) <= 60 + kills * 17
    assert not list(tmp_path.glob(".unskew-*"))


def test_a_second_run_is_kept_out_until_the_new_set_stands(server, tmp_path, monkeypatch):
    from unskew.curate import hydrate as module

    addresses = serve(server, tmp_path / "set", 3)
    server.on("/02.jpg", Reply(status=503))
    assembled = []

    def while_it_is_assembled(*arguments):
        server.asked.clear()
        with pytest.raises(InputError, match=r"another run is writing .*records\.jsonl: wait"):
            hydrate(addresses, tmp_path / "out")
        assert not server.asked
        assembled.append(assemble(*arguments))
        return assembled[0]

    monkeypatch.setattr(module, "assemble", while_it_is_assembled)
    assert hydrate(addresses, tmp_path / "out").built == assembled[0]
    assert assembled[0].numbers["rows"] == 2


def test_this_machine_is_not_asked_for_a_strangers_addresses(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 3)
    with pytest.raises(InputError, match=r"of 3 rows, 3 gone .*not on the internet, but of this"):
        hydrate_set(addresses, tmp_path / "out")
    assert not server.asked
    assert hydrate(addresses, tmp_path / "mine").built.numbers["rows"] == 3


def test_a_finished_set_that_is_not_as_it_was_made_is_left_as_it_is(server, tmp_path):
    """A file of it is gone, or somebody has changed counts; its images may be gone, too."""
    addresses = serve(server, tmp_path / "set", 3)
    out = tmp_path / "out"
    server.on("/02.jpg", Reply(status=404))
    hydrate(addresses, out)
    whole = content(out)
    numbers = json.loads(whole["build.json"])
    told = numbers["hydrated"]
    server.asked.clear()
    for name in ("gender/test-00000-of-00001.parquet", "missing.jsonl", "README.md"):
        kept = (out / name).read_bytes()
        (out / name).unlink()
        with pytest.raises(InputError, match="is not as it was made"):
            hydrate(addresses, out)
        assert content(out) == {k: v for k, v in whole.items() if k != name}
        (out / name).write_bytes(kept)
    for wrong in (
        {"rows": 3},
        {"splits": {"train": 2}},
        {"hydrated": {**told, "missing": {**told["missing"], "gone": 0}}},
        {"hydrated": {**told, "unchecked": "none"}},
    ):
        (out / "build.json").write_text(json.dumps({**numbers, **wrong}))
        with pytest.raises(InputError, match="is not as it was made"):
            hydrate(addresses, out)
    # What an earlier version did not count, it cannot have counted wrongly.
    older = {name: count for name, count in numbers.items() if name != "addressed"}
    assert older != numbers
    (out / "build.json").write_text(json.dumps(older))
    assert hydrate(addresses, out).missing["gone"] == 1
    assert not server.asked


def test_an_image_of_which_nobody_knew_the_hash(server, tmp_path):
    damaged = picture(1)[:200]
    server.on("/00.jpg", Reply(picture(7)))
    server.on("/01.jpg", Reply(damaged))
    unknown = {"content": None, "width": None, "height": None}
    rows = [entry(f"{server.url}/{n:02}.jpg", **unknown) for n in range(2)]
    done = hydrate(write_set(rows, tmp_path / "set"), tmp_path / "out")
    assert (done.unchecked, done.missing["gone"]) == (1, 1)
    (row,) = map(json.loads, (tmp_path / "out" / "metadata.jsonl").read_text().splitlines())
    assert row["sha256"] == hashlib.sha256(picture(7)).hexdigest()
    assert (row["width"], row["height"]) == (8, 8)
    assert "not readable" in missing(tmp_path / "out")["01"]["why"]


def test_rows_of_one_image_ask_once(server, tmp_path):
    server.on("/00.jpg", Reply(picture(7)))
    url = f"{server.url}/00.jpg"
    rows = [entry(url, picture(7)), entry(url, picture(7), ("religion", "Muslim"))]
    done = hydrate(write_set(rows, tmp_path / "set"), tmp_path / "out")
    assert (done.built.numbers["rows"], done.built.numbers["images"]) == (2, 1)
    assert server.times("/00.jpg") == 1
    cache = str(tmp_path / "cache")
    (religion,) = load_dataset(str(tmp_path / "out"), "religion", cache_dir=cache).values()
    assert religion.num_rows == 1


def test_when_nothing_is_left_it_says_why_and_what_was_noted(server, tmp_path):
    addresses = serve(server, tmp_path / "set", 3)
    server.on("/00.jpg", Reply(status=404))
    server.on("/01.jpg", Reply(picture(77)))
    server.on("/02.jpg", Reply(status=503))
    out = tmp_path / "out"
    with pytest.raises(InputError, match="no image is left") as told:
        hydrate(addresses, out)
    assert "of 3 rows, 1 gone from its address, 1 another image at its address" in str(told.value)
    assert "1 its host did not answer" in str(told.value)
    assert "--urls-only" not in str(told.value)
    assert not out.exists()
    for number in range(3):
        server.on(f"/{number:02}.jpg", Reply(picture(number)))
    noted = next(path for path in tmp_path.iterdir() if path.name.startswith(".unskew-"))
    assert str(noted) in str(told.value)
    server.asked.clear()
    assert hydrate(addresses, out).built.numbers["rows"] == 1
    assert [request["path"] for request in server.asked] == ["/02.jpg"]


def test_no_network(tmp_path):
    with loopback() as server:
        addresses = serve(server, tmp_path / "set", 6)
    with pytest.raises(InputError, match="no image could be downloaded, since no host answers"):
        hydrate(addresses, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    rows = [entry(f"http://127.0.0.1:{port}/00.jpg", picture()) for port in range(1, 30)]
    with pytest.raises(InputError, match=r"20 hosts in a row did not answer.* run it again"):
        hydrate(write_set(rows, tmp_path / "many"), tmp_path / "out")


def test_a_full_disk_keeps_what_was_downloaded(server, tmp_path):
    """Files beyond a size are refused by the system, as all are on a full disk."""
    addresses = serve(server, tmp_path / "set", 40)
    out = tmp_path / "out"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (2_500, 15_000):  # too little for the log of records, and for the Parquet file
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
        try:
            with pytest.raises(InputError, match="cannot write "):
                hydrate(addresses, out)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not out.exists()
    server.asked.clear()
    assert hydrate(addresses, out).built.numbers["rows"] == 40
    assert len(server.asked) < 40


def test_bad_input(server, tmp_path):
    with pytest.raises(NotFoundError, match="there is no such folder"):
        hydrate(tmp_path / "none", tmp_path / "out")
    (tmp_path / "other").mkdir()
    with pytest.raises(NotFoundError, match="is no set: name a folder"):
        hydrate(tmp_path / "other", tmp_path / "out")
    addresses = serve(server, tmp_path / "set", 2)
    hydrate(addresses, tmp_path / "whole")
    with pytest.raises(InputError, match="holds its images already"):
        hydrate(tmp_path / "whole", tmp_path / "out")
    (tmp_path / "whole" / "README.md").write_text("mine")
    with pytest.raises(InputError, match="was changed since the set was built"):
        hydrate(addresses, tmp_path / "whole")
    metadata = addresses / "metadata.jsonl"
    lines = metadata.read_text().splitlines()
    row = json.loads(lines[1])
    for wrong, says in (
        ({"subgroup": "Martian"}, "line 2: gender has no subgroup 'Martian'"),
        ({"split": None}, "line 2: the split None is none of train, validation, test"),
        ({"url": "male/1.jpg"}, r"line 2: 'male/1\.jpg' is not a web address"),
        ({"colour": "red"}, "line 2 is not of a set: colour: "),
        ({"text": 7}, "line 2 is not of a set: text: Input should be a valid string"),
        ({"flags": [{"check": "blurred"}]}, r"line 2 is not of a set: flags\.0\.score: "),
        ({"width": "8"}, "line 2 is not of a set: width: "),
    ):
        metadata.write_text(f"{lines[0]}\n{json.dumps({**row, **wrong})}\n")
        with pytest.raises(InputError, match=says):
            hydrate(addresses, tmp_path / "out")
    (addresses / "build.json").write_text('{"format": 1}')
    with pytest.raises(InputError, match="of another version of unskew, or damaged"):
        hydrate(addresses, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".unskew-*"))
