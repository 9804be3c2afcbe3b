"""Which request asks for what, and the answers in the Hub's words."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from loopback_hub.store import KINDS, File, Hub, Refused, Repository, access, owns

MOST_REGULAR = 10_000_000
"""Bytes; larger files, and binary ones, are kept as LFS objects."""
SIGNATURE = "whoever-has-this-may-write"
"""Part of the addresses that LFS objects are sent to."""


@dataclass(frozen=True)
class Answer:
    body: Any
    status: int = 200
    headers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """One request to a repository."""

    hub: Hub
    repository: Repository
    user: str | None
    role: str
    query: dict[str, str]
    body: bytes

    def may_write(self) -> None:
        if self.role != "write" or not owns(self.user, self.repository.id):
            raise Refused(403, None, "you don't have the rights to write here")


def answer(
    hub: Hub, method: str, path: list[str], query: dict[str, str], headers: Any, body: bytes
) -> Answer:
    """One request's; raises Refused."""
    user, role = access(hub, headers.get("Authorization"))
    match path:
        case ["api", "whoami-v2"]:
            if user is None:
                raise Refused(401, None, "Invalid username or password.")
            token = {"displayName": "test", "role": role}
            about = {"type": "user", "name": user, "fullname": user, "orgs": [{"name": "lab"}]}
            return Answer(about | {"auth": {"type": "access_token", "accessToken": token}})
        case ["api", "repos", "create"]:
            return _create(hub, user, role, json.loads(body))
        case ["api", "validate-yaml"]:
            return _validated(json.loads(body)["content"])
        case ["api", kind, *rest] if kind in KINDS:
            return _api(*_asked(hub, kind, rest, user, role, query, body))
        case ["lfs", oid]:
            if hashlib.sha256(body).hexdigest() != oid:
                raise Refused(400, None, "what came is not what was announced")
            hub.objects[oid] = body
            return Answer({})
    kind = path[0] if path[0] in KINDS else "models"
    rest = path[1:] if path[0] in KINDS else path
    if len(rest) > 2 and rest[1].endswith(".git"):
        rest = [rest[0], rest[1].removesuffix(".git"), *rest[2:]]
    asked, rest = _asked(hub, kind, rest, user, role, query, body)
    match rest:
        case ["info", "lfs", "objects", "batch"]:
            return _batch(asked)
        case ["resolve", *rest]:
            return _resolve(asked.repository, rest)
    raise Refused(404, None, f"{method} /{'/'.join(path)} is nothing this Hub knows")


def _asked(
    hub: Hub, kind: str, path: list[str], user: str | None, role: str, query: Any, body: bytes
) -> tuple[_Asked, list[str]]:
    """The repository a path begins with, and the rest of it."""
    repository = hub.repositories.get((kind, "/".join(path[:2])))
    if repository is None or (repository.private and not owns(user, repository.id)):
        raise Refused(404 if user else 401, "RepoNotFound", "Repository not found")
    return _Asked(hub, repository, user, role, query, body), path[2:]


def _create(hub: Hub, user: str | None, role: str, asked: Mapping[str, Any]) -> Answer:
    repo_id = f"{asked.get('organization') or user}/{asked['name']}"
    kind = f"{asked.get('type') or 'model'}s"
    if user is None:
        raise Refused(401, None, "Invalid username or password.")
    if role != "write" or not owns(user, repo_id):
        raise Refused(403, None, "You don't have the rights to create a repository here")
    private = bool(asked.get("private")) or asked.get("visibility") == "private"
    made = hub.create(kind, repo_id, private, asked.get("sdk"))
    prefix = "" if kind == "models" else f"{kind}/"
    about = {"url": f"{hub.endpoint}/{prefix}{repo_id}", "name": repo_id, "id": "1"}
    return Answer(about, 200 if made else 409)


def _validated(content: str) -> Answer:
    """The metadata of a card must be YAML, and a mapping."""
    parts = content.split("---\n")
    try:
        metadata = yaml.safe_load(parts[1]) if len(parts) > 2 else {}
        errors = [] if isinstance(metadata, dict) else [{"message": "metadata is no mapping"}]
    except yaml.YAMLError as error:
        errors = [{"message": str(error)}]
    return Answer({"errors": errors, "warnings": []}, 400 if errors else 200)


def _api(asked: _Asked, path: list[str]) -> Answer:
    repository = asked.repository
    match path:
        case []:
            return _about(repository, "main")
        case ["revision", *revision]:
            return _about(repository, "/".join(revision))
        case ["tree", *rest]:
            revision, folder = _split(repository, rest)
            files = repository.find(revision)[1].files
            return Answer(_listed(files, folder, "recursive" in asked.query))
        case ["paths-info", *revision]:
            return _paths_info(repository, "/".join(revision), asked.body)
        case ["preupload", *revision]:
            return _preupload(asked, "/".join(revision))
        case ["commit", *revision]:
            return _commit(asked, "/".join(revision))
        case ["refs"]:
            named = [{"name": n, "ref": n, "targetCommit": c} for n, c in repository.refs.items()]
            pulls = [ref for ref in named if ref["name"].startswith("refs/pr/")]
            branches = [ref for ref in named if ref not in pulls]
            return Answer({"branches": branches, "converts": [], "tags": [], "pullRequests": pulls})
        case ["branch", *name]:
            asked.may_write()
            if "/".join(name) in repository.refs:
                raise Refused(409, None, "Reference already exists")
            repository.refs["/".join(name)] = repository.refs["main"]
            return Answer({})
        case ["discussions"]:
            return Answer(_discussions(repository))
    raise Refused(404, None, f"{'/'.join(path)} is nothing this Hub knows of a repository")


def _about(repository: Repository, revision: str) -> Answer:
    oid, commit = repository.find(revision)
    about: dict[str, Any] = {"_id": "1", "id": repository.id, "sha": oid, "tags": []}
    about |= {"private": repository.private, "gated": False, "disabled": False}
    about |= {"downloads": 0, "likes": 0, "sdk": repository.sdk, "author": "you"}
    return Answer(about | {"siblings": [{"rfilename": name} for name in commit.files]})


def _split(repository: Repository, path: list[str]) -> tuple[str, str]:
    """A revision may itself have slashes, as "refs/pr/1" has; the rest is a path in it."""
    for n in (1, 3):
        if "/".join(path[:n]) in repository.refs or path[0] in repository.commits:
            return "/".join(path[:n]), "/".join(path[n:])
    raise Refused(404, "RevisionNotFound", f"no revision {path[0]}")


def _entry(name: str, file: File) -> dict[str, Any]:
    size = len(file.content)
    entry: dict[str, Any] = {"type": "file", "path": name, "size": size, "oid": file.oid}
    if file.lfs:
        entry["lfs"] = {"oid": file.sha256, "size": size, "pointerSize": 130}
    return entry


def _listed(files: Mapping[str, File], folder: str, recursive: bool) -> list[dict[str, Any]]:
    prefix = f"{folder}/" if folder else ""
    inside = {n: f for n, f in files.items() if n.startswith(prefix)}
    if folder and not inside:
        raise Refused(404, "EntryNotFound", f"no folder {folder}")
    folders = {
        prefix + "/".join(parts[:n])
        for name in inside
        for parts in [name.removeprefix(prefix).split("/")]
        for n in range(1, len(parts))
        if recursive or n == 1
    }
    direct = {n: f for n, f in inside.items() if recursive or "/" not in n.removeprefix(prefix)}
    return [_folder(name) for name in sorted(folders)] + [_entry(n, f) for n, f in direct.items()]


def _folder(name: str) -> dict[str, Any]:
    return {"type": "directory", "path": name, "size": 0, "oid": "0" * 40}


def _paths_info(repository: Repository, revision: str, body: bytes) -> Answer:
    files = repository.find(revision)[1].files
    found = []
    for name in json.loads(body)["paths"]:
        if name in files:
            found.append(_entry(name, files[name]))
        elif any(other.startswith(f"{name}/") for other in files):
            found.append(_folder(name))
    return Answer(found)


def _preupload(asked: _Asked, revision: str) -> Answer:
    asked.may_write()
    files = asked.repository.find(revision)[1].files
    modes = []
    for file in json.loads(asked.body)["files"]:
        binary = b"\0" in base64.b64decode(file["sample"]) or file["size"] > MOST_REGULAR
        mode = "lfs" if binary or file["path"].endswith(".parquet") else "regular"
        known = files.get(file["path"])
        oid = None if known is None else known.sha256 if mode == "lfs" else known.oid
        modes.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return Answer({"files": modes})


def _commit(asked: _Asked, revision: str) -> Answer:
    asked.may_write()
    repository = asked.repository
    lines = [json.loads(line) for line in asked.body.splitlines()]
    pull = "create_pr" in asked.query
    oid, ref = asked.hub.commit(repository, revision, lines, pull)
    url = f"{asked.hub.endpoint}/{repository.id}"
    about = {"success": True, "commitOid": oid, "commitUrl": f"{url}/commit/{oid}"}
    number = (ref or "").split("/")[-1]
    if pull:
        about["pullRequestUrl"] = f"{url}/discussions/{number}"
    return Answer(about)


def _discussions(repository: Repository) -> dict[str, Any]:
    listed = [
        {
            "num": number,
            "title": title,
            "status": "open",
            "isPullRequest": True,
            "author": {"name": "you"},
            "repo": {"name": repository.id, "type": repository.kind[:-1]},
            "createdAt": "2026-01-01T00:00:00.000Z",
        }
        for number, title in enumerate(repository.pulls, start=1)
    ]
    return {"discussions": listed, "count": len(listed), "start": 0}


def _batch(asked: _Asked) -> Answer:
    asked.may_write()
    objects = []
    for wanted in json.loads(asked.body)["objects"]:
        known = wanted["oid"] in asked.hub.objects
        href = f"{asked.hub.endpoint}/lfs/{wanted['oid']}?Signature={SIGNATURE}"
        objects.append(dict(wanted) | ({} if known else {"actions": {"upload": {"href": href}}}))
    return Answer({"transfer": "basic", "objects": objects})


def _resolve(repository: Repository, path: list[str]) -> Answer:
    revision, name = _split(repository, path)
    oid, commit = repository.find(revision)
    file = commit.files.get(name)
    headers = {"X-Repo-Commit": oid}
    if file is None:
        return Answer({}, 404, headers | {"X-Error-Code": "EntryNotFound"})
    etag = file.sha256 if file.lfs else file.oid
    linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": len(file.content)} if file.lfs else {}
    return Answer(file.content, 200, headers | {"ETag": f'"{etag}"'} | linked)
