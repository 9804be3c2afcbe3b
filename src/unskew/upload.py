"""Put files on the Hugging Face Hub in one commit: all of them, or none.

Every step may be tried again after a lost connection, a time-out, or an answer that says "later",
and a commit whose answer is lost is looked for before it is sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from unskew.errors import InputError, first_sentence
from unskew.upload_failures import (
    WAITS,
    failures,
    may_have_reached,
    passing,
    patiently,
    rest,
    status_of,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Kind: TypeAlias = Literal["model", "dataset", "space"]

TIMEOUT = 120.0
"""Seconds without a byte from the Hub after which a request counts as lost."""
KEPT = (".gitattributes",)
"""What the Hub itself puts into a new repository."""


@dataclass(frozen=True)
class Upload:
    """What is to lie where.

    Attributes:
        repo_id: "you/name".
        kind: of repository.
        files: by name in the repository; a path is read while it is sent.
        message: of the commit.
        marker: the file by which a repository is known to hold an earlier upload of this kind.
        owned: patterns of the names that an upload of this kind may have: files of an earlier
            one that are not in this one are removed in the same commit.
        owned_too: further such patterns, by what the marker in the repository says.
        private: for a repository that is made.
        revision: a branch, made if there is none; None is the main one.
        create_pr: as a pull request against the branch, which has to be there and stays as it is.
    """

    repo_id: str
    kind: Kind
    files: Mapping[str, bytes | Path]
    message: str
    marker: str
    owned: tuple[str, ...]
    owned_too: Callable[[bytes], tuple[str, ...]] | None = None
    private: bool = False
    revision: str | None = None
    create_pr: bool = False


@dataclass(frozen=True)
class Uploaded:
    """`url` of the repository, or of the pull request; `changed`: False if all was there."""

    url: str
    commit: str
    changed: bool


@dataclass(frozen=True)
class _State:
    """A branch as it is: its commit, and by file the digests that the Hub knows."""

    head: str
    digests: dict[str, str]
    private: bool


def upload(wanted: Upload, token: str | None = None) -> Uploaded:
    """Make the repository if there is none, and put the files there.

    Raises:
        InputError: the name is not valid, there is no token or one without the right to write,
            the repository holds something else or is public where a private one was asked for,
            or the Hub refuses or cannot be reached. The message says whether anything was
            published: all of it or nothing.
    """
    from huggingface_hub import HfApi, constants, get_token

    check_name(wanted.repo_id)
    if constants.HF_HUB_OFFLINE:
        raise _nothing(wanted, "HF_HUB_OFFLINE is set")
    if not (token or get_token()):
        raise _nothing(
            wanted, "there is no access token: `hf auth login`, or set HF_TOKEN to one that writes"
        )

    with _patient_and_quiet():
        return _Uploading(wanted, HfApi(token=token)).run()


@contextmanager
def _patient_and_quiet() -> Iterator[None]:
    """The Hub's client with a time-out, and without its log of failed requests.

    Its own client waits for ever, and its log tells addresses that are signed for whoever has them.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import logging
    from huggingface_hub.utils._http import default_client_factory

    def patient_client() -> Any:
        client = default_client_factory()
        client.timeout = TIMEOUT
        return client

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    set_client_factory(patient_client)
    try:
        yield
    finally:
        set_client_factory(default_client_factory)
        logging.set_verbosity(verbosity)


def check_name(repo_id: str) -> None:
    """Raise InputError unless it is "you/name" as the Hub allows it."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise InputError(f"cannot publish {repo_id}: {first_sentence(error)}") from error
    if repo_id.count("/") != 1:
        raise InputError(f"cannot publish {repo_id}: say whose it is, as in you/{repo_id}")


class _Uploading:
    """One upload under way."""

    def __init__(self, wanted: Upload, api: HfApi) -> None:
        self.wanted = wanted
        self.api = api
        self.where: dict[str, Any] = {"repo_id": wanted.repo_id, "repo_type": wanted.kind}
        self.branch = wanted.revision or "main"
        self.made = False

    def run(self) -> Uploaded:
        try:
            self._check_rights()
            state = self._ready()
            stale = self._stale(state)
            if self._holds(state, stale):
                return Uploaded(self._url(), state.head, changed=False)
            if self.wanted.create_pr and (pull := self._pull(stale)):
                return Uploaded(*pull, changed=False)
        except InputError:
            raise
        except failures() as error:
            raise self._nothing(self._why(error)) from error
        return self._commit(state, stale)

    def _check_rights(self) -> None:
        about = patiently(self.api.whoami)
        role = about.get("auth", {}).get("accessToken", {}).get("role")
        if role == "read":
            raise self._nothing("the access token may only read: it needs to write")

    def _ready(self) -> _State:
        """The branch, made if need be.

        Raises:
            InputError: it holds something else, or is not as private as asked for.
        """
        wanted = self.wanted
        main = self._state("main")
        if main is None:
            if wanted.create_pr:
                raise self._nothing("there is no such repository to open a pull request in")
            self._create()
            main = self._state("main")
        if wanted.private and main is not None and not main.private:
            raise self._nothing(
                "that repository is public: choose another name, or make it "
                "private on its page first",
            )
        state = main if self.branch == "main" else self._state(self.branch)
        if state is None and wanted.create_pr:
            raise self._nothing(f"there is no branch {self.branch} to open a pull request against")
        if state is None and main is not None:
            self._check_ours(main)  # what a new branch begins with
            patiently(
                lambda: self.api.create_branch(branch=self.branch, exist_ok=True, **self.where)
            )
            state = self._state(self.branch)
        if state is None:
            raise self._nothing("the Hub made the repository and then did not find it")
        self._check_ours(state)
        return state

    def _check_ours(self, state: _State) -> None:
        """Raise InputError if something else than an earlier upload of this kind is there."""
        others = sorted(set(state.digests) - set(KEPT))
        if others and self.wanted.marker not in state.digests:
            raise self._nothing(
                f"that repository holds something else ({others[0]}, and no "
                f"{self.wanted.marker}): choose another name",
            )

    def _create(self) -> None:
        sdk = "gradio" if self.wanted.kind == "space" else None
        private = self.wanted.private or None
        patiently(
            lambda: self.api.create_repo(
                private=private, exist_ok=True, space_sdk=sdk, **self.where
            )
        )
        self.made = True

    def _state(self, revision: str) -> _State | None:
        """None if there is no such repository, or branch of it."""
        from huggingface_hub import RepoFile
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        def look() -> _State:
            info: Any = self.api.repo_info(revision=revision, **self.where)
            listed = self.api.list_repo_tree(recursive=True, revision=info.sha, **self.where)
            digests = {
                entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
                for entry in listed
                if isinstance(entry, RepoFile)
            }
            return _State(info.sha, digests, bool(info.private))

        try:
            return patiently(look)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return None

    def _stale(self, state: _State) -> list[str]:
        """Files of an earlier upload that this one does not have."""
        wanted = self.wanted
        gone = set(state.digests) - set(wanted.files) - set(KEPT)
        stale = _matching(gone, wanted.owned)
        if wanted.owned_too is not None and gone > stale and wanted.marker in state.digests:
            stale |= _matching(gone, wanted.owned_too(self._marker(state)))
        return sorted(stale)

    def _marker(self, state: _State) -> bytes:
        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

        url = f"{self._url()}/resolve/{state.head}/{self.wanted.marker}"
        headers = build_hf_headers(token=self.api.token)

        def read() -> bytes:
            answer = get_session().get(url, headers=headers)
            hf_raise_for_status(answer)
            return bytes(answer.content)

        return patiently(read)

    def _holds(self, state: _State, stale: Iterable[str]) -> bool:
        """Whether all of the upload is there, and nothing that it removes."""
        return not set(stale) & set(state.digests) and all(
            state.digests.get(name) in _digests(content)
            for name, content in self.wanted.files.items()
        )

    def _pull(self, stale: Iterable[str]) -> tuple[str, str] | None:
        """Address and commit of an open pull request that holds this very upload."""
        found = patiently(lambda: list(self.api.get_repo_discussions(**self.where)))
        for discussion in found:
            ours = discussion.is_pull_request and discussion.title == self.wanted.message
            if ours and discussion.status in ("open", "draft"):
                state = self._state(f"refs/pr/{discussion.num}")
                if state is not None and self._holds(state, stale):
                    return f"{self._url()}/discussions/{discussion.num}", state.head
        return None

    def _commit(self, state: _State, stale: list[str]) -> Uploaded:
        """Send everything at once; after a lost answer, look before sending it again."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[Any] = [CommitOperationAdd(n, c) for n, c in self.wanted.files.items()]
        operations += [CommitOperationDelete(name) for name in stale]
        maybe_sent = False
        for wait in (*WAITS, None):
            try:
                info = self.api.create_commit(
                    operations=operations,
                    commit_message=self.wanted.message,
                    revision=self.branch,
                    parent_commit=state.head,
                    create_pr=self.wanted.create_pr,
                    **self.where,
                )
                return Uploaded(info.pr_url or self._url(), info.oid, changed=True)
            except failures() as error:
                maybe_sent = maybe_sent or may_have_reached(error)
                overtaken = status_of(error) == 412
                if not (passing(error) or overtaken):
                    raise self._nothing(self._why(error)) from error
                if maybe_sent and (done := self._landed(state, stale, error)):
                    return done
                if wait is None or overtaken:
                    raise self._nothing(self._why(error)) from error
                rest(error, wait)
        raise AssertionError("the last try returns or raises")

    def _landed(self, before: _State, stale: list[str], error: Exception) -> Uploaded | None:
        """The commit, if it did arrive although its answer was lost.

        Raises:
            InputError: that cannot be found out, or somebody else has changed the branch.
        """
        try:
            if self.wanted.create_pr:
                pull = self._pull(stale)
                return None if pull is None else Uploaded(*pull, changed=True)
            now = self._state(self.branch)
        except failures() as silence:
            raise InputError(
                f"{self.wanted.repo_id}: the commit was sent, its answer lost "
                f"({first_sentence(error)}), and the Hub cannot be asked whether it arrived: "
                "either all is published or nothing; run this again to find out and to finish"
            ) from silence
        if now is None or now.head == before.head:
            return None
        if self._holds(now, stale):
            return Uploaded(self._url(), now.head, changed=True)
        raise self._nothing("somebody else changed it meanwhile; run this again") from error

    def _url(self) -> str:
        prefix = "" if self.wanted.kind == "model" else f"{self.wanted.kind}s/"
        return f"{self.api.endpoint}/{prefix}{self.wanted.repo_id}"

    def _nothing(self, why: str) -> InputError:
        made = "; a repository may have been made, and is empty" if self.made else ""
        return _nothing(self.wanted, why + made)

    def _why(self, error: Exception) -> str:
        """What failed, in words that name no token."""
        match status_of(error):
            case 401:
                return "the Hub does not accept the access token: `hf auth login` with a valid one"
            case 403:
                return f"the access token has no right to write to {self.wanted.repo_id}"
            case None if passing(error):
                return f"the Hub at {self.api.endpoint} cannot be reached ({first_sentence(error)})"
        return first_sentence(error)


def _digests(content: bytes | Path) -> tuple[str, str]:
    """Git's and SHA-256 of a file: the Hub knows one or the other."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    git, plain = hashlib.sha1(b"blob %d\0" % size), hashlib.sha256()
    for part in [content] if isinstance(content, bytes) else _blocks(content):
        git.update(part)
        plain.update(part)
    return git.hexdigest(), plain.hexdigest()


def _blocks(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _matching(names: Iterable[str], patterns: Iterable[str]) -> set[str]:
    return {name for name in names if any(fnmatch(name, p) for p in patterns)}


def _nothing(wanted: Upload, why: str) -> InputError:
    return InputError(f"cannot publish {wanted.repo_id}: {why}; nothing was published")
