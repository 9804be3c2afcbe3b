"""Repositories, their commits and who may do what: the Hub without its wire."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from loopback_hub.faults import Faults

KINDS = ("models", "datasets", "spaces")
READS, WRITES = "hf_readsreadsreads", "hf_writeswriteswrites"
"""Tokens of the user "you", who belongs to the organisation "lab"; any other is refused."""


class Refused(Exception):
    """What the Hub answers instead: a status, the header X-Error-Code, and why."""

    def __init__(self, status: int, code: str | None = None, why: str = "") -> None:
        super().__init__(why)
        self.status, self.code = status, code


@dataclass(frozen=True)
class File:
    content: bytes
    lfs: bool = False

    @property
    def oid(self) -> str:
        """Git's name of the content."""
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Commit:
    files: dict[str, File]
    title: str
    parent: str | None

    @property
    def oid(self) -> str:
        listed = {name: file.oid for name, file in self.files.items()}
        return hashlib.sha1(json.dumps([listed, self.title, self.parent]).encode()).hexdigest()


@dataclass
class Repository:
    """`refs`: names of branches, tags and pull requests ("refs/pr/1"), and the commit of each."""

    kind: str
    id: str
    private: bool
    sdk: str | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add("main", Commit({".gitattributes": File(b"*.safetensors filter=lfs\n")}, "", None))

    def add(self, ref: str, commit: Commit) -> str:
        self.commits[commit.oid] = commit
        self.refs[ref] = commit.oid
        return commit.oid

    def find(self, revision: str) -> tuple[str, Commit]:
        oid = self.refs.get(revision, revision)
        if oid not in self.commits:
            raise Refused(404, "RevisionNotFound", f"no revision {revision}")
        return oid, self.commits[oid]

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """What people put there, by name."""
        files = self.find(revision)[1].files
        return {name: f.content for name, f in files.items() if name != ".gitattributes"}


@dataclass
class Hub:
    """Everything the server knows; tests read it and change it."""

    endpoint: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    tokens: set[str | None] = field(default_factory=set)
    faults: Faults = field(default_factory=Faults)

    def repository(self, repo_id: str, kind: str = "models") -> Repository:
        return self.repositories[kind, repo_id]

    def create(self, kind: str, repo_id: str, private: bool, sdk: str | None) -> bool:
        """Whether it was not there before."""
        if (kind, repo_id) in self.repositories:
            return False
        self.repositories[kind, repo_id] = Repository(kind, repo_id, private, sdk)
        return True

    def commit(
        self, repository: Repository, revision: str, lines: list[dict[str, Any]], pull: bool
    ) -> tuple[str, str | None]:
        """Everything in one step or nothing; the commit's name, and the pull request's."""
        head, commit = repository.find(revision)
        files = dict(commit.files)
        header = next(line["value"] for line in lines if line["key"] == "header")
        if header.get("parentCommit") not in (None, head):
            raise Refused(412, None, "A commit has happened since. Please refresh and try again.")
        for line in lines:
            value = line["value"]
            match line["key"]:
                case "file":
                    files[value["path"]] = File(base64.b64decode(value["content"]))
                case "lfsFile":
                    if value["oid"] not in self.objects:
                        raise Refused(400, None, f"the content of {value['path']} was not sent")
                    files[value["path"]] = File(self.objects[value["oid"]], lfs=True)
                case "deletedFile":
                    if value["path"] not in files:
                        raise Refused(404, "EntryNotFound", "A file with this name doesn't exist")
                    del files[value["path"]]
        ref = revision
        if pull:
            repository.pulls.append(header["summary"])
            ref = f"refs/pr/{len(repository.pulls)}"
        return repository.add(ref, Commit(files, header["summary"], head)), ref if pull else None


def access(hub: Hub, token: str | None) -> tuple[str | None, str]:
    """User and role of an Authorization header.

    Raises:
        Refused: the Hub knows no such token.
    """
    hub.tokens.add(token)
    if token is None:
        return None, "none"
    roles = {f"Bearer {READS}": "read", f"Bearer {WRITES}": "write"}
    if token not in roles:
        raise Refused(401, None, "Invalid credentials in Authorization header")
    return "you", roles[token]


def owns(user: str | None, repo_id: str) -> bool:
    """Whether a repository lies in a namespace of the user's."""
    return user is not None and repo_id.split("/")[0] in (user, "lab")
