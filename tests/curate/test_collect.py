"""Collections: the real pile, exports, kills, dead links, and images whole or not at all."""

import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loopback import Reply, loopback
from services import HASTY, SEARCHABLE, picture, prepare

from unskew.curate.collect import collect
from unskew.curate.collection import Collection, author_hash, without_handles
from unskew.curate.download import Downloader
from unskew.curate.images import image_suffix
from unskew.curate.queries import Query
from unskew.curate.record import read_records
from unskew.curate.sources import Export, Folder, Found, Page, SourceError
from unskew.errors import InputError, NotFoundError

QUERY = Query("woman sea", "gender", "Female")
FORK = multiprocessing.get_context("fork")  # spawning would import everything each time
pytestmark = pytest.mark.usefixtures("keys")


def content(folder):
    """Everything in a collection but the salt, byte for byte."""
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != "salt")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def pile(folder, count):
    for index in range(count):
        place = folder / ("male", "female")[index % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:04}.jpg").write_bytes(picture(index % 251) + bytes([index // 251]))
    return folder


def records(folder):
    return list(read_records(Path(folder) / "records.jsonl"))


class Links:
    """A source of links to images, without a service."""

    name = "links"
    place = ""
    by_keyword = True

    def __init__(self, *urls):
        self.urls = urls

    def pages(self, query, after):
        yield Page(tuple(Found(key=url, url=url, licence="CC0-1.0") for url in self.urls), None)


def test_the_real_pile(shared_data, tmp_path):
    result = collect([Folder(shared_data / "raw_pile")], [], tmp_path)
    assert (result.new, result.total, result.problems) == (182, 182, 0)
    assert result.unlabelled == ("arab-muslim", "euro", "native", "other-people", "young")
    found = records(tmp_path)
    of = {record.query: (record.category, record.subgroup) for record in found}
    assert of["african-american"] == ("race", "Black")
    assert of["disabled-people"] == ("disability", "Disabled")
    assert of["straight"] == ("sexual orientation", "Heterosexual")
    assert sum(record.subgroup == "Female" for record in found) == 40
    for record in found[::20]:
        original = (shared_data / "raw_pile" / record.url).read_bytes()
        assert (tmp_path / record.image).read_bytes() == original
        assert record.source == "raw_pile"
        assert record.licence == "LicenseRef-unknown"
    before = content(tmp_path)
    again = collect([Folder(shared_data / "raw_pile")], [], tmp_path)
    assert (again.new, again.total) == (0, 182)
    assert content(tmp_path) == before


def test_a_collection_that_is_killed_again_and_again_is_the_same_in_the_end(tmp_path):
    raw = pile(tmp_path / "pile", 400)
    collect([Folder(raw)], [], tmp_path / "once")
    killed = tmp_path / "killed"
    kills = 0
    for wanted in (1, 40, 90, 170, 260, 350):
        run = FORK.Process(target=collect, args=([Folder(raw)], [], killed))
        run.start()
        log = killed / "records.jsonl"
        while run.is_alive() and (not log.exists() or log.read_bytes().count(b"\n") < wanted):
            time.sleep(0.003)
        run.kill()
        run.join()
        kills += run.exitcode == -signal.SIGKILL
    assert kills >= 3
    collect([Folder(raw)], [], killed)
    assert content(killed) == content(tmp_path / "once")


def test_a_search_that_failed_goes_on_without_asking_again(server, tmp_path):
    service = SEARCHABLE["unsplash"]
    prepare(server, service)
    first, second = (Reply(body) for body in service.answers(server.url))
    server.on(service.path, first, Reply(status=500))
    (tmp_path / "pile").mkdir()
    raw = pile(tmp_path / "pile", 3)
    sources = [service.open(server.url), Folder(raw)]
    with pytest.raises(InputError, match=r"^unsplash: .*HTTP 500.* is kept in .*\(4 new records\)"):
        collect(sources, [QUERY], tmp_path / "out", downloader=Downloader(HASTY))
    server.asked.clear()
    server.on(service.path, second)
    result = collect(sources, [QUERY], tmp_path / "out", downloader=Downloader(HASTY))
    assert (result.new, result.total) == (1, 5)
    assert [request["query"].get("page") for request in server.asked] == ["2", None]
    # All is done: the next run looks for what is new, and keeps nothing twice.
    prepare(server, service)
    again = collect(sources, [QUERY, Query("sea")], tmp_path / "out")
    assert (again.new, again.total) == (0, 5)


def test_no_more_than_was_asked_for(server, tmp_path):
    service = SEARCHABLE["unsplash"]
    prepare(server, service)
    source = service.open(server.url)
    assert collect([source], [QUERY], tmp_path, per_query=1).total == 1
    assert server.times(service.path) == 1


def test_links_that_lead_to_no_image_are_kept_with_the_reason(server, tmp_path):
    server.on("/gone.jpg", Reply(status=410))
    server.on("/page.jpg", Reply(b"<html>", headers={"Content-Type": "text/html"}))
    server.on("/large.jpg", Reply(picture() + bytes(5000)))
    paths = ("gone.jpg", "page.jpg", "large.jpg")
    source = Links(*(f"{server.url}/{path}" for path in paths), "ftp://127.0.0.1/a", "http://[a/b")
    result = collect([source], [QUERY], tmp_path, downloader=Downloader(HASTY, limit=2000))
    assert (result.new, result.problems) == (5, 5)
    problems = [record.problem for record in records(tmp_path)]
    for problem, says in zip(
        problems, ("HTTP 410", "image (text/html)", "than 2000 bytes", "web", "none"), strict=True
    ):
        assert says in problem
    assert not (tmp_path / "images").exists()


def test_a_download_that_is_cut_leaves_nothing_and_is_tried_again(server, tmp_path):
    server.on("/cut.jpg", Reply(picture(), cut=True))
    server.on("/late.jpg", Reply(picture(), late=1.5))
    server.on("/good.jpg", Reply(status=503), Reply(picture(3), cut=True), Reply(picture(3)))
    source = Links(*(f"{server.url}/{name}.jpg" for name in ("cut", "late", "good")))
    result = collect([source], [QUERY], tmp_path, downloader=Downloader(HASTY))
    assert (result.new, result.unreached, result.problems) == (1, 2, 0)
    (stored,) = (path for path in (tmp_path / "images").rglob("*") if path.is_file())
    assert stored.read_bytes() == picture(3)
    server.on("/cut.jpg", Reply(picture(1)))
    server.on("/late.jpg", Reply(picture(2)))
    again = collect([source], [QUERY], tmp_path, downloader=Downloader(HASTY))
    assert (again.new, again.total, again.unreached) == (2, 3, 0)


def test_a_network_that_is_gone_ends_the_run(server, tmp_path):
    server.on("/one.jpg", Reply(picture(1)))
    dead = [f"http://127.0.0.1:{port}/a.jpg" for port in range(1, 30)]
    source = Links(f"{server.url}/one.jpg", *dead)
    with pytest.raises(
        InputError, match=r"^links: 20 hosts in a row did not answer.*\(1 new records\)"
    ):
        collect([source], [QUERY], tmp_path, downloader=Downloader(HASTY))
    assert [record.url for record in records(tmp_path)] == [f"{server.url}/one.jpg"]


def test_one_host_that_is_gone_is_given_up_and_the_rest_is_collected(server, tmp_path):
    gone = [f"{server.url}/{index}.jpg" for index in range(9)]
    for index in range(9):
        server.on(f"/{index}.jpg", Reply(status=503))
    with loopback() as other:
        other.on("/good.jpg", Reply(picture(1)))
        source = Links(*gone, f"{other.url}/good.jpg")
        result = collect([source], [QUERY], tmp_path, downloader=Downloader(HASTY))
    assert (result.new, result.unreached) == (1, 9)
    assert len(server.asked) == 3 * HASTY.attempts
    with pytest.raises(InputError, match="links: none of 9 images could be fetched: try again"):
        collect([Links(*gone)], [QUERY], tmp_path, downloader=Downloader(HASTY))


def test_one_run_at_a_time_writes_a_collection(tmp_path):
    with (
        Collection(tmp_path),
        pytest.raises(InputError, match=r"another run is writing .*records\.jsonl: wait"),
    ):
        collect([Links()], [QUERY], tmp_path)
    # What a set that is built in the same folder has there is not a file of the collection.
    (tmp_path / ".unskew-new-set").mkdir()
    assert collect([Links()], [QUERY], tmp_path).total == 0


def test_folders_of_one_name_may_have_different_images_at_one_path(tmp_path):
    for shade, parent in enumerate("ab"):
        place = tmp_path / parent / "pile"
        place.mkdir(parents=True)
        (place / "1.jpg").write_bytes(picture(shade))
        (place / "2.jpg").write_bytes(picture(9))
    first = collect([Folder(tmp_path / "a" / "pile")], [], tmp_path / "out")
    second = collect([Folder(tmp_path / "b" / "pile")], [], tmp_path / "out")
    assert (first.new, second.new, second.total) == (2, 1, 3)


def test_an_export(server, tmp_path):
    server.on("/far.jpg", Reply(picture(7)))
    (tmp_path / "near.PNG").write_bytes(b"no image at all")
    rows = [
        {"id": "1", "url": f"{server.url}/far.jpg", "author": "Ansel", "licence": "CC-BY-4.0"}
        | {"query": "person in street"},  # words of a search are no label
        {"image": "near.PNG", "category": "religion", "subgroup": "muslims", "text": "by u/ansel"},
        {"id": "3", "image": "lost.jpg", "subgroup": "martian", "likes": 3, "source": "forum"},
        {"id": "4", "image": "near.PNG", "subgroup": "Female", "category": "planet"},
    ]
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    os.utime(path, (0, 0))
    result = collect([Export(path)], [], tmp_path / "out", downloader=Downloader(HASTY))
    far, near, lost, _ = records(tmp_path / "out")
    unknown = ("martian", "planet: Female")
    assert (result.new, result.problems, result.unlabelled) == (4, 1, unknown)
    assert (far.source, far.licence, far.retrieved) == (
        "export",
        "CC-BY-4.0",
        "1970-01-01T00:00:00Z",
    )
    assert "Ansel" not in (tmp_path / "out" / "records.jsonl").read_text()
    assert (near.category, near.subgroup, near.text) == ("religion", "Muslim", "by u/user")
    assert (tmp_path / "out" / near.image).read_bytes() == b"no image at all"
    assert near.image.endswith(".png")
    assert (lost.source, lost.query, lost.subgroup) == ("forum", "martian", None)
    assert "No such file" in lost.problem


def test_halves_of_characters_are_kept_as_question_marks(tmp_path):
    (tmp_path / "a.jpg").write_bytes(picture())
    half = {key: f"{key}\ud800" for key in ("id", "text", "author", "licence", "source", "page")}
    path = tmp_path / "export.jsonl"
    path.write_text(json.dumps({"image": "a.jpg", "query": "\ud800", **half}))
    assert collect([Export(path)], [], tmp_path / "out").new == 1
    (record,) = records(tmp_path / "out")
    assert (record.source, record.page, record.licence) == ("source?", "page?", "licence?")
    assert collect([Export(path)], [], tmp_path / "out").new == 0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"text": "no image"}', "line 131: lacks both 'image' and 'url'"),
        ('{"id": "5", "url": "http://127.0.0.1:1/a.jpg"}', "line 6 has the id '5', too"),
        ('{"url": 3}', "'url' is 3 and must be text"),
        ('{"url": "x", "retrieved": "yesterday"}', "is no ISO 8601 time"),
        ('{"image": "../secret.jpg"}', "lies outside of the export's folder"),
        (r'{"image": "a\u0000.jpg"}', "is no path"),
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
    ],
)
def test_a_bad_line_of_an_export_is_named_and_those_before_it_are_kept(tmp_path, line, says):
    (tmp_path / "a.jpg").write_bytes(picture())
    rows = [json.dumps({"id": str(index), "image": "a.jpg"}) for index in range(130)]
    good = '{"id": "last", "image": "a.jpg"}'
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join([*rows, line, good]))
    with pytest.raises(InputError, match=says):
        collect([Export(path)], [], tmp_path / "out")
    assert len(records(tmp_path / "out")) == 130
    path.write_text("\n".join([*rows, good]))
    assert collect([Export(path)], [], tmp_path / "out").total == 131


def test_labels_of_deeper_folders_and_odd_names(tmp_path):
    odd = os.fsdecode(b"f\xff.jpg")
    for place in ("race/Indian/a.jpg", "photos/nobody/b.jpg", "race/x/male/c.jpg", "d.jpg", odd):
        path = tmp_path / "raw" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
    (tmp_path / "raw" / ".hidden.jpg").write_bytes(picture())
    result = collect([Folder(tmp_path / "raw", "mine", "CC0-1.0")], [], tmp_path / "out")
    labels = {record.url: (record.category, record.subgroup) for record in records(result.folder)}
    assert labels == {
        "race/Indian/a.jpg": ("race", "Indian"),
        "photos/nobody/b.jpg": (None, None),
        "race/x/male/c.jpg": ("gender", "Male"),
        "d.jpg": (None, None),
        "f?.jpg": (None, None),
    }
    assert len(list((result.folder / "images").glob("*/*"))) == 1


def test_bad_input(server, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        Folder(tmp_path / "empty")
    with pytest.raises(NotFoundError, match="no such folder"):
        Folder(tmp_path / "none")
    with pytest.raises(NotFoundError, match="no such file"):
        Export(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(InputError, match="has no lines"):
        Export(tmp_path / "empty.jsonl")
    with pytest.raises(InputError, match="two sources have the name 'links'"):
        collect([Links(), Links()], [QUERY], tmp_path / "out")
    with pytest.raises(InputError, match="give queries"):
        collect([Links()], [], tmp_path / "out")
    with pytest.raises(InputError, match="at least 1"):
        collect([Links()], [QUERY], tmp_path / "out", per_query=0)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        collect([Links()], [QUERY], tmp_path / "file")
    collect([Links()], [QUERY], tmp_path / "out")
    for content in ("{", "[]", '{"links": 3}'):
        (tmp_path / "out" / "progress.json").write_text(content)
        with pytest.raises(InputError, match=r"cannot read .*progress\.json"):
            collect([Links()], [QUERY], tmp_path / "out")


def test_handles_are_hashed_with_a_salt_of_the_collection(tmp_path, monkeypatch):
    collect([Links()], [QUERY], tmp_path)
    salt = tmp_path / "salt"
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600
    before = salt.read_text()
    assert len(before) == 64
    collect([Links()], [QUERY], tmp_path)
    assert salt.read_text() == before
    monkeypatch.setenv("UNSKEW_SALT", "of the environment")
    collect([Links()], [QUERY], tmp_path / "other")
    assert not (tmp_path / "other" / "salt").exists()
    hashes = {
        author_hash(salt, source, handle)
        for salt in (b"a", b"b")
        for source in ("x", "reddit")
        for handle in ("Ansel", "ansel", "Berenice")
    }
    assert len(hashes) == 8


def test_nobody_is_called_by_a_handle():
    text = "RT @Ansel_A: ask u/ansel, /u/ansel or ansel@example.org; see http://a.b/u/c"
    said = "RT @user: ask u/user, /u/user or ansel@example.org; see http://a.b/u/c"
    assert without_handles(text) == said


@pytest.mark.parametrize("module", ["collection", "images", "sources"])
def test_any_module_can_be_imported_first(module):
    """Sources read images, and collections hold what sources find: no circle."""
    subprocess.run([sys.executable, "-c", f"import unskew.curate.{module}"], check=True)


def test_suffixes_are_those_of_the_content():
    assert image_suffix(picture()) == ".jpg"
    assert image_suffix(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == ".webp"
    assert image_suffix(b"") is None
    assert issubclass(SourceError, InputError)
