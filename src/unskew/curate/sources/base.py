"""The one protocol of all sources of images, and what they hand over."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from unskew.curate.queries import Query
from unskew.errors import InputError


class SourceError(InputError):
    """A source that refuses, or cannot be reached: others may go on."""


@dataclass(frozen=True)
class Found:
    """One image that a source has found. The author's handle never reaches the disk.

    Attributes:
        key: what identifies the image at its source, for ever.
        url: where its file is downloaded from, or what a record is to call it (with `file`).
        file: where it lies, if it is on this disk already.
        label: the words and subgroup that it came with, where these are not the query's.
        unknown: the label that it came with, if the taxonomy has no one subgroup for it.
        source, retrieved: what an export says of them.
    """

    key: str
    url: str
    licence: str
    text: str = ""
    author: str | None = None
    page: str | None = None
    file: Path | None = None
    label: Query | None = None
    unknown: str | None = None
    source: str | None = None
    retrieved: str | None = None


@dataclass(frozen=True)
class Page:
    """What one request found, and where the next one goes on; None: there is no more."""

    found: tuple[Found, ...]
    after: str | None


class Source(Protocol):
    """A service, feed, folder or export that images come from."""

    @property
    def name(self) -> str:
        """As records name it."""

    @property
    def place(self) -> str:
        """Address or path: a search of one place is not resumed at another."""

    @property
    def by_keyword(self) -> bool:
        """Whether it is asked queries; otherwise it is read once, as a whole."""

    def pages(self, query: Query, after: str | None) -> Iterator[Page]:
        """What it has for the query, from where an earlier page's `after` says.

        Raises:
            SourceError: it refuses, or cannot be reached.
        """


def key_from_environment(variable: str, what: str) -> SecretStr:
    """A secret of the user, which prints as stars. Raises InputError where it is not set."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise InputError(f"the environment variable {variable} is not set: put {what} there")
    return SecretStr(value)


def client(module: str) -> Any:
    """The client library of a service. Raises InputError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is not installed: pip install 'unskew[curate]' brings it"
        ) from error


@contextmanager
def understood(service: str) -> Iterator[None]:
    """While an answer is read: one that is built otherwise than documented is the service's."""
    try:
        yield
    except SourceError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise SourceError(
            f"{service} answered in a form that is not known here "
            f"({type(error).__name__}: {error!s:.80})"
        ) from error


def refusal(service: str, status: int, key: str | None = None) -> SourceError:
    """One line about an answer that asking again would not change."""
    advice = f": check {key}" if key else ""
    said = {
        400: "does not understand the request",
        401: f"refuses the key{advice}" if key else "wants a key",
        403: f"forbids this{advice}, and what its account may do" if key else "forbids this",
        404: "has nothing at this address",
        410: "has removed what was at this address",
    }.get(status, "refuses the request")
    return SourceError(f"{service} {said} (HTTP {status})")
