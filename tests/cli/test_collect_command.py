"""`unskew collect`: what it prints, what it leaves on disk, and what it refuses in one line."""

import json
import logging
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "curate"))
import services
from loopback import Reply, loopback

from unskew.curate.record import read_records
from unskew.curate.sources import News, named

WOMEN = ("--category", "gender", "--subgroup", "woman")
FEED = """<?xml version="1.0"?>
<rss xmlns:media="http://search.yahoo.com/mrss/" version="2.0"><channel><title>News</title>
<item><title>Portraits of women</title><link>https://news.example/{name}</link>
<media:thumbnail url="{url}/{name}.jpg"/></item></channel></rss>"""


@pytest.fixture
def web(monkeypatch):
    """All services on the loopback, and somebody who has keys for them."""
    for variable, value in {**services.KEYS, "UNSKEW_CONTACT": services.CONTACT}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("UNSKEW_SALT", raising=False)
    with loopback() as server:
        for name, service in services.SEARCHABLE.items():
            services.prepare(server, service)
            monkeypatch.setitem(named.SERVICES, name, partial(service.open, server.url))
        for name in ("bbc", "cnn"):
            server.on(f"/{name}.xml", Reply(FEED.format(url=server.url, name=name).encode()))
            server.on(f"/{name}.jpg", Reply(services.picture(len(name))))
            feed = f"{server.url}/{name}.xml"
            source = partial(News, name, [feed], services.HASTY)
            monkeypatch.setitem(named.SERVICES, name, source)
        yield server


def records(folder):
    return list(read_records(Path(folder) / "records.jsonl"))


def test_a_pile_and_again(unskew, shared_data, tmp_path):
    out = tmp_path / "out"
    code, said, wrong = unskew("collect", shared_data / "raw_pile", "--out", out)
    assert (code, wrong) == (0, "")
    assert said.splitlines() == [
        f"{out}: 182 new records, 182 in all",
        "not in the taxonomy, so without a subgroup: arab-muslim, euro, native, other-people, "
        "young",
    ]
    before = (out / "records.jsonl").read_bytes()
    assert (
        "0 new records, 182 in all" in unskew("collect", shared_data / "raw_pile", "--out", out)[1]
    )
    assert (out / "records.jsonl").read_bytes() == before
    assert all((out / record.image).is_file() for record in records(out))


def test_every_service_and_no_key_anywhere(unskew, web, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    code, said, wrong = unskew("collect", *named.SERVICES, "--out", tmp_path, *WOMEN)
    assert (code, wrong) == (0, "")
    assert said == f"{tmp_path}: 12 new records, 12 in all\n"
    found = records(tmp_path)
    assert {r.source for r in found} == set(named.SERVICES)
    assert {(r.query, r.category, r.subgroup) for r in found} == {
        ("woman portrait", "gender", "Female")
    }
    told = [said, *(record.getMessage() for record in caplog.records)]
    told += [p.read_bytes().decode("latin-1") for p in tmp_path.rglob("*") if p.is_file()]
    for secret in (*services.KEYS.values(), services.TOKEN):
        assert not any(secret in text for text in told)
    again = unskew("collect", *named.SERVICES, "--out", tmp_path, *WOMEN)
    assert again[1] == f"{tmp_path}: 0 new records, 12 in all\n"


def test_no_more_images_for_a_query_than_wanted(unskew, web, tmp_path):
    said = unskew("collect", "unsplash", "--out", tmp_path, *WOMEN, "--per-query", 1)[1]
    assert "1 new records, 1 in all" in said
    code, _, wrong = unskew("collect", "unsplash", "--out", tmp_path, *WOMEN, "--per-query", 0)
    assert (code, wrong) == (2, "unskew: per_query must be at least 1, got 0\n")


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(status=401), "unsplash refuses the key: check UNSPLASH_ACCESS_KEY"),
        (Reply(status=403), "unsplash forbids this"),
        (Reply(status=429), "too much to do (HTTP 429), at 3 attempts: try again later"),
        (Reply(status=429, headers={"Retry-After": "7200"}), "wants no request for 7200 s"),
        (Reply(status=503), "too much to do (HTTP 503)"),
        (Reply({}, late=1.5), "did not answer, or not to the end"),
        (Reply(b"<html>"), "not JSON"),
    ],
    ids=["401", "403", "429", "long", "503", "late", "html"],
)
def test_one_service_that_refuses_leaves_the_others(unskew, web, tmp_path, reply, says):
    service = services.SEARCHABLE["unsplash"]
    answers = [Reply(body) for body in service.answers(web.url)]
    web.on(service.path, answers[0], reply)
    code, said, wrong = unskew("collect", "unsplash", "openverse", "--out", tmp_path, *WOMEN)
    assert (code, said) == (2, "")
    assert wrong.startswith("unskew: unsplash: ")
    assert wrong.count("\n") == 1
    assert says in wrong
    assert f"kept in {tmp_path} (3 new records): run it again to go on" in wrong
    assert [r.source for r in records(tmp_path)] == ["unsplash", "openverse", "openverse"]
    web.on(service.path, answers[1])
    code, said, _ = unskew("collect", "unsplash", "openverse", "--out", tmp_path, *WOMEN)
    assert (code, said) == (0, f"{tmp_path}: 1 new records, 4 in all\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "source 'nothing': name a service (reddit, x, bbc, cnn, "),
        (["none.jsonl"], "export 'none.jsonl': there is no such file"),
        (["empty"], "folder 'empty' holds no images"),
        (["bbc", "bbc"], "two sources have the name 'bbc': name each once"),
        (["bbc", "--category", "hobby"], "no category 'hobby'; it has age, disability"),
        (
            ["bbc", "--subgroup", "martian", "--category", "gender"],
            "no subgroup 'martian' in gender",
        ),
        (["bbc", "--subgroup", "Non-disabled"], "no keyword finds 'Non-disabled'"),
        (["pile", "--subgroup", "woman"], "pile is read whole"),
        (["pile", "--out", "a-file"], "cannot write a-file"),
    ],
)
def test_bad_arguments_are_one_line_and_write_nothing(
    unskew, web, tmp_path, monkeypatch, arguments, says
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a-file").touch()
    (tmp_path / "pile").mkdir()
    (tmp_path / "pile" / "1.jpg").write_bytes(services.picture())
    before = sorted(tmp_path.rglob("*"))
    code, said, wrong = unskew("collect", *arguments)
    assert (code, said, wrong.count("\n")) == (2, "", 1)
    assert says in wrong
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "variable", sorted({*services.KEYS, "UNSKEW_CONTACT"} - {"OPENVERSE_TOKEN"})
)
def test_a_missing_key_is_named_before_anything_is_asked(
    unskew, web, tmp_path, monkeypatch, variable
):
    monkeypatch.delenv(variable)
    out = tmp_path / "out"
    code, _, wrong = unskew("collect", *named.SERVICES, "--out", out, *WOMEN)
    assert code == 2
    assert wrong.startswith(f"unskew: the environment variable {variable} is not set: put ")
    assert not web.asked
    assert not out.exists()


def test_an_export_with_a_bad_line_keeps_what_came_before(unskew, tmp_path):
    (tmp_path / "1.jpg").write_bytes(services.picture())
    rows = [{"image": "1.jpg"}, {"text": "an image of nothing"}]
    export = tmp_path / "export.jsonl"
    export.write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "out"
    code, _, wrong = unskew("collect", export, "--out", out)
    assert (code, wrong.count("\n")) == (2, 1)
    assert "line 2: lacks both 'image' and 'url'" in wrong
    assert "(1 new records)" in wrong
    rows[1] = {"image": "1.jpg", "id": "2", "subgroup": "Mars"}
    export.write_text("\n".join(map(json.dumps, rows)))
    assert "without a subgroup: Mars" in unskew("collect", export, "--out", out)[1]
    assert [record.subgroup for record in records(out)] == [None, None]


def test_two_records_with_one_id_are_named(unskew, shared_data, tmp_path):
    pile = shared_data / "raw_pile" / "young"
    unskew("collect", pile, "--out", tmp_path)
    log = tmp_path / "records.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines, lines[2]]))
    code, _, wrong = unskew("collect", pile, "--out", tmp_path)
    assert (code, wrong.count("\n")) == (2, 1)
    assert f"lines 3 and {len(lines) + 1}: two records have the id" in wrong
    assert "remove one" in wrong


def test_a_disk_that_takes_no_more(unskew, shared_data, tmp_path):
    """Files beyond a size are refused by the system, as all are on a full disk."""
    pile = shared_data / "raw_pile" / "female"
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    unskew("collect", pile, "--out", whole)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    sizes = [(whole / record.image).stat().st_size for record in records(whole)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (sorted(sizes)[-2] - 1, limits[1]))
    try:
        code, _, wrong = unskew("collect", pile, "--out", cut)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (code, wrong.count("\n")) == (2, 1)
    assert wrong.startswith(f"unskew: cannot write {cut}")
    kept = records(cut)
    assert 0 < len(kept) < len(sizes)
    assert not list(cut.rglob(".unskew-*"))
    assert unskew("collect", pile, "--out", cut)[0] == 0
    assert [r.id for r in records(cut)] == [r.id for r in records(whole)]


def test_killed_in_the_middle_and_run_again(unskew, shared_data, tmp_path):
    """The installed command in a process of its own."""
    pile, out = shared_data / "raw_pile", tmp_path / "out"
    unskew("collect", pile, "--out", tmp_path / "once")
    command = [sys.executable, "-c", "from unskew.cli import main; main()"]
    command += ["collect", str(pile), "--out", str(out)]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    log = out / "records.jsonl"
    while run.poll() is None and (not log.exists() or log.stat().st_size == 0):
        time.sleep(0.002)
    run.kill()
    assert run.wait() == -signal.SIGKILL
    done = len(records(out))
    assert 0 < done < 182
    again = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert again.stdout.splitlines()[0] == f"{out}: {182 - done} new records, 182 in all"
    assert log.read_bytes() == (tmp_path / "once" / "records.jsonl").read_bytes()
