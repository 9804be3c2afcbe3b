"""One commit or none, whatever goes wrong: through huggingface_hub, against a loopback Hub."""

import hashlib
from dataclasses import replace

import pytest
from loopback_hub import Fault
from loopback_hub.routes import SIGNATURE
from loopback_hub.store import Commit, File

import unskew.upload
from unskew.errors import InputError
from unskew.upload import Upload, upload

CARD = b"---\nlicense: apache-2.0\n---\n# Fair\n"
NEW = {"README.md": CARD, "mark.json": b"{}", "heads.safetensors": bytes(3000), "a/b.txt": b"new"}
OLD = {"README.md": CARD, "mark.json": b"{ }", "heads.safetensors": b"\0old", "gone.txt": b"old"}


def wanted(files=NEW, repo="you/fair", **options):
    given = {"marker": "mark.json", "owned": ("*.json", "*.txt", "*.safetensors", "README.md")}
    return Upload(repo, "model", files, "Fair", **given, **options)


def test_published_again_and_changed(hub, tmp_path):
    first = upload(wanted(OLD, private=True))
    repository = hub.repository("you/fair")
    assert first.url == f"{hub.endpoint}/you/fair"
    assert first.changed
    assert repository.private
    assert repository.files() == OLD

    again = upload(wanted(OLD))
    assert (again.commit, again.changed) == (first.commit, False)

    (tmp_path / "heads").write_bytes(NEW["heads.safetensors"])
    files = NEW | {"heads.safetensors": tmp_path / "heads"}
    repository.add("main", Commit(repository.find("main")[1].files | own_file(), "by hand", None))
    second = upload(wanted(files))
    assert second.changed
    assert repository.files() == NEW | {"LICENSE": b"mine"}  # gone.txt is ours, LICENSE is not


def own_file():
    return {"LICENSE": File(b"mine")}


def test_branches_and_pull_requests_leave_the_main_branch(hub):
    upload(wanted(OLD))
    upload(wanted(NEW, revision="v2"))
    repository = hub.repository("you/fair")
    assert repository.files("v2") == NEW
    assert repository.files() == OLD

    first = upload(wanted(NEW, create_pr=True))
    again = upload(wanted(NEW, create_pr=True))
    assert first.url == again.url == f"{hub.endpoint}/you/fair/discussions/1"
    assert (first.changed, again.changed) == (True, False)
    assert repository.files("refs/pr/1") == NEW
    assert repository.files() == OLD
    upload(wanted(OLD | {"mark.json": b"[]"}, revision="v2", create_pr=True))
    assert repository.files("v2") == NEW
    assert list(repository.refs) == ["main", "v2", "refs/pr/1", "refs/pr/2"]


def test_a_pull_request_makes_neither_repository_nor_branch(hub):
    upload(wanted(OLD))
    with pytest.raises(InputError, match="no branch v2 to open a pull request against; nothing"):
        upload(wanted(NEW, revision="v2", create_pr=True))
    assert list(hub.repository("you/fair").refs) == ["main"]
    with pytest.raises(InputError, match="no such repository to open a pull request in; nothing"):
        upload(wanted(repo="you/other", create_pr=True))
    assert list(hub.repositories) == [("models", "you/fair")]


def test_as_patient_as_the_hub_asks(hub, monkeypatch, capsys):
    """It tells in a header of its own when its window of requests ends."""
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    limit = Fault("status", 429, ratelimit='"api";r=0;t=200')
    hub.faults.at(0, limit)
    assert upload(wanted()).changed
    assert max(slept) >= 200
    assert capsys.readouterr().err == "Note: waiting 201 s, as the Hub asks.\n"


def test_no_word_of_short_waits(hub, monkeypatch, capsys):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.faults.at(0, Fault("status", 429, retry_after=5))
    assert upload(wanted()).changed
    assert capsys.readouterr().err == ""


def test_the_marker_may_say_what_else_is_owned(hub):
    def too(marker):
        return ("*.json", "*.txt") if marker == OLD["mark.json"] else ()

    def published(files):
        upload(replace(wanted(files, private=True), owned=("*.safetensors",), owned_too=too))
        return hub.repository("you/fair").files()

    assert published(OLD) == OLD
    assert published(NEW) == NEW  # gone.txt is of the upload whose marker says so
    rest = {n: c for n, c in NEW.items() if n != "a/b.txt"}
    assert published(rest) == NEW  # and a/b.txt of one whose marker does not


class TestLastingFaults:
    def test_the_commit_never_gets_through(self, hub):
        hub.faults.on("POST .*/commit/", Fault("reset"))
        with pytest.raises(InputError, match=r"cannot be reached .*; nothing was published"):
            upload(wanted())
        assert hub.repository("you/fair").files() == {}

    def test_a_large_file_never_gets_through(self, hub):
        hub.faults.on("PUT /lfs/", Fault("reset halfway"))
        with pytest.raises(InputError, match="nothing was published"):
            upload(wanted())
        assert hub.repository("you/fair").files() == {}

    @pytest.mark.parametrize("status", [400, 500])
    def test_the_signed_address_of_a_refused_file_is_not_told(self, hub, status):
        hub.faults.on("PUT /lfs/", Fault("status", status))
        with pytest.raises(InputError, match="nothing was published") as caught:
            upload(wanted())
        assert SIGNATURE not in str(caught.value)

    def test_every_answer_to_the_commit_is_lost(self, hub):
        hub.faults.on("POST .*/commit/", Fault("answer lost"))
        assert upload(wanted()).changed
        assert hub.repository("you/fair").files() == NEW
        assert len(hub.repository("you/fair").commits) == 2

    def test_silence_after_the_commit_is_said(self, hub):
        """The one case in which nobody can know; running it again finds out."""
        upload(wanted())
        n = len(hub.faults.requests)
        hub.repositories.clear()
        hub.objects.clear()
        hub.faults.clear()
        hub.faults.at(n - 1, Fault("answer lost"))
        for number in range(n, n + 40):
            hub.faults.at(number, Fault("status", 500))
        with pytest.raises(InputError, match="either all is published or nothing; run this again"):
            upload(wanted())
        hub.faults.clear()
        assert not upload(wanted()).changed
        assert hub.repository("you/fair").files() == NEW

    def test_a_lost_pull_request_is_not_opened_twice(self, hub):
        upload(wanted(OLD))
        hub.faults.on("POST .*/commit/", Fault("answer lost"))
        assert upload(wanted(NEW, create_pr=True)).url.endswith("/discussions/1")
        assert len(hub.repository("you/fair").pulls) == 1

    def test_somebody_else_commits_meanwhile(self, hub, monkeypatch):
        upload(wanted(OLD))
        repository = hub.repository("you/fair")
        looked = unskew.upload._Uploading._stale

        def meanwhile(self, state):
            repository.add("main", Commit(repository.find("main")[1].files | own_file(), "x", None))
            return looked(self, state)

        monkeypatch.setattr(unskew.upload._Uploading, "_stale", meanwhile)
        with pytest.raises(InputError, match="somebody else changed it meanwhile"):
            upload(wanted(NEW))
        assert repository.files() == OLD | {"LICENSE": b"mine"}


def test_metadata_that_the_hub_refuses(hub):
    upload(wanted(OLD))
    with pytest.raises(InputError, match=r"nothing was published$"):
        upload(wanted(NEW | {"README.md": b"---\n[1\n---\n"}))
    assert hub.repository("you/fair").files() == OLD


def test_the_hub_itself_knows_what_it_was_sent(hub):
    """The loopback Hub refuses what was damaged on the way, as the real one does."""
    import urllib.error
    import urllib.request

    name = hashlib.sha256(b"whole").hexdigest()
    request = urllib.request.Request(f"{hub.endpoint}/lfs/{name}", b"half", method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)
    assert hub.objects == {}
