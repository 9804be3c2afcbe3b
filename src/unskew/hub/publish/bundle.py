"""What is about to be published: every file, the card among them, and what is still blank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unskew.hub.cards import CARD, blanks
from unskew.upload import Kind, Upload, Uploaded, upload


@dataclass(frozen=True)
class Bundle:
    """Everything of one repository; nothing of it is on the Hub yet.

    Attributes:
        kind: of repository.
        files: by name in the repository; a path is read when it is sent.
        message: of the commit.
        marker: the file by which an earlier publication is known.
        owned: patterns of the names that such a repository's own files have.
        warnings: what whoever publishes should know, a sentence each.
        owned_too: see `unskew.upload.Upload`.
    """

    kind: Kind
    files: Mapping[str, bytes | Path]
    message: str
    marker: str
    owned: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    owned_too: Callable[[bytes], tuple[str, ...]] | None = None

    @property
    def card(self) -> str:
        return content(self.files[CARD]).decode()

    def sizes(self) -> dict[str, int]:
        """Bytes of every file, by name."""
        return {
            name: len(file) if isinstance(file, bytes) else file.stat().st_size
            for name, file in sorted(self.files.items())
        }

    def remarks(self) -> list[str]:
        """The warnings, and every blank of the cards."""
        found = [*self.warnings]
        for name in sorted(self.files):
            if name.endswith(".md"):
                waiting = blanks(content(self.files[name]).decode())
                found += [f"{name} has a blank for a person to fill in: {w}" for w in waiting]
        return found


def content(file: bytes | Path) -> bytes:
    return file if isinstance(file, bytes) else file.read_bytes()


def send(
    bundle: Bundle,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    create_pr: bool = False,
) -> Uploaded:
    """Publish a bundle whole or not at all, with the access token of `hf auth login`.

    Raises:
        InputError: see `unskew.upload.upload`.
    """
    wanted = Upload(
        repo_id,
        bundle.kind,
        bundle.files,
        bundle.message,
        bundle.marker,
        bundle.owned,
        bundle.owned_too,
        private,
        revision,
        create_pr,
    )
    return upload(wanted)
