"""Each request of a publication goes wrong in turn: all is published or nothing, and it says which.

Sets, metrics and the demo go through the command; of a model, whose card takes long to make, a few
files go the same way from where the command hands them over.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import pytest
from loopback_hub import WRITES, Hub, Repository
from loopback_hub.faults import PASSING, REFUSING
from loopback_hub.store import Commit, File

import unskew.upload
from unskew.errors import InputError
from unskew.upload import Upload, upload

REPO = "you/fair"
CASES = {
    "new model": ("models", None),
    "changed model": ("models", {"heads.safetensors": b"\0old", "gone.txt": b"old"}),
    "new set": ("datasets", None),
    "changed set": ("datasets", {"DATASHEET.md": b"old", "gone/train-0.parquet": b"old"}),
    "new metric": ("spaces", None),
    "changed demo": ("spaces", {"app.py": b"old"}),
}
"""Kind of repository, and what an earlier publication had otherwise."""
MODEL = {
    "README.md": b"---\nlicense: mit\n---\n# Fair\n",
    "mark.json": b"{}",
    "heads.safetensors": bytes(3000),
    "a/b.txt": b"new",
}


@dataclass(frozen=True)
class Publication:
    """What is published again and again, on a Hub that is as it was before.

    Attributes:
        publish: returns what the error says, or None.
        before: the repository as it is then, if it is there.
        whole: the files of the repository after a publication without faults.
        requests: that it takes.
    """

    hub: Hub
    kind: str
    publish: Callable[[], str | None]
    before: Repository | None
    whole: dict[str, bytes]
    requests: int

    def with_fault(self, number, fault):
        """What the error says when that request goes wrong, and the repository afterwards."""
        self.hub.repositories.clear()
        self.hub.objects.clear()
        self.hub.faults.clear()
        if self.before is not None:
            self.hub.repositories[self.kind, REPO] = deepcopy(self.before)
        self.hub.faults.at(number, fault)
        said = self.publish()
        assert len(self.hub.faults.injected) == 1
        return said, self.hub.repositories.get((self.kind, REPO))


@pytest.fixture(scope="module")
def plain():
    """By case: what was there before, and what a publication without faults leaves and takes."""
    return {}


@pytest.fixture(params=list(CASES))
def publication(request, hub, unskew, small_set, plain):
    kind, changes = CASES[request.param]
    arguments = {
        "set": ("dataset", small_set),
        "metric": ("metric", "weat_bias"),
        "demo": ("space",),
    }

    def command():
        what = arguments[request.param.split()[-1]]
        code, out, err = unskew("publish", *what, "--repo", REPO)
        assert code == (0 if "Published: " in out else 2)
        return None if code == 0 else err.splitlines()[-1]

    publish = model if kind == "models" else command
    if request.param not in plain:
        plain[request.param] = without_faults(hub, kind, publish, changes)
    return Publication(hub, kind, publish, *plain[request.param])


def without_faults(hub, kind, publish, changes):
    """The repository before, if it is to be there, its files afterwards, the number of requests."""
    assert publish() is None
    repository = hub.repository(REPO, kind)
    whole, requests = repository.files(), len(hub.faults.requests)
    if changes is not None:
        files = repository.find("main")[1].files | {n: File(c) for n, c in changes.items()}
        repository.add("main", Commit(files, "earlier", None))
        before = deepcopy(repository)
        hub.objects.clear()
        hub.faults.clear()
        assert publish() is None
        assert repository.files() == whole  # what the earlier one alone had has gone
        requests = len(hub.faults.requests)
    return before if changes else None, whole, requests


def model():
    def too(marker):
        return ("*.txt",) if marker == MODEL["mark.json"] else ()

    wanted = Upload(REPO, "model", MODEL, "Fair", "mark.json", ("*.safetensors",), too)
    try:
        upload(wanted)
    except InputError as error:
        return f"unskew: {error}"
    return None


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_at_any_request_costs_nothing(publication, fault, monkeypatch):
    if fault.kind == "slow answer":
        monkeypatch.setattr(unskew.upload, "TIMEOUT", 0.4)
    slept, sleep = [], time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds) or sleep(seconds))
    there = len(publication.before.commits) if publication.before else 1
    for number in range(publication.requests):
        slept.clear()
        said, repository = publication.with_fault(number, fault)
        assert said is None, number
        assert repository.files() == publication.whole
        assert len(repository.commits) == there + 1  # never committed twice
        assert max(slept, default=0.0) >= (fault.retry_after or 0)


@pytest.mark.parametrize("fault", REFUSING, ids=str)
def test_a_refusal_at_any_request_is_all_or_nothing_and_says_which(publication, fault):
    whole = 0
    for number in range(publication.requests):
        said, repository = publication.with_fault(number, fault)
        if said is None:
            whole += 1
            assert repository.files() == publication.whole
            continue
        assert said.startswith(f"unskew: cannot publish {REPO}: ")
        assert said.endswith("nothing was published")
        assert WRITES not in said
        before = publication.before.files() if publication.before else {}
        assert repository is None or repository.files() == before
    # To a look (its two requests) 401 also means "no such repository": making it says it is there.
    assert whole <= 2
