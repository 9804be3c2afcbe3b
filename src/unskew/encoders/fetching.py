"""Files of a folder or of a repository of the Hub, with errors a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import PickleError

from unskew.errors import InputError, NotFoundError, first_sentence

BUILT_IN = "unskew/mini"
PROBE_SECONDS = 10


def find_file(name: str, file: str, local: bool, revision: str | None = None) -> Path | None:
    """Where `file` of a folder or a repository lies on this disk, or None if it has none.

    `revision`: a commit of the repository, for files that must belong together. `local`: look
    in the local Hugging Face cache alone, which also remembers which files there are not.

    Raises:
        huggingface_hub.errors.LocalEntryNotFoundError: the Hub is out of reach, and the cache
            does not know whether the repository has the file; see `explained`.
    """
    from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    if Path(name).is_dir():
        return Path(name) / file if (Path(name) / file).is_file() else None
    try:
        return Path(hf_hub_download(name, file, revision=revision, local_files_only=local))
    except LocalEntryNotFoundError:
        if try_to_load_from_cache(name, file, revision=revision) is _CACHED_NO_EXIST:
            return None
        raise
    except EntryNotFoundError:
        return None


def is_cached(name: str, file: str) -> bool:
    """Whether the local Hugging Face cache holds `file` of a repository."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, file), str)


def only_local(name: str) -> bool:
    """Whether to look at local files alone, because the Hub is out of reach.

    One request decides: the client by itself would try every file for half a minute, a line of
    complaint per try, before it turned to its cache.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

    if name == BUILT_IN:
        return True
    if constants.HF_HUB_OFFLINE or Path(name).is_dir():
        return constants.HF_HUB_OFFLINE  # a folder may hold an adapter whose base is on the Hub
    try:
        HfApi().model_info(name, timeout=PROBE_SECONDS)
    except (HfHubHTTPError, HFValidationError):
        return False  # the Hub answered, or would not be asked this; loading says what is wrong
    except HTTPError:
        return True
    return False


@contextmanager
def explained(name: str, what: str) -> Iterator[None]:
    """Turn what transformers and the Hub client raise into one line about `name`."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise InputError(
            f"the weights of {name} are damaged or incomplete ({error}): fetch them again"
        ) from error
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        ImportError,
        EOFError,
        PickleError,
    ) as error:
        causes = list(_chain(error))
        if any(isinstance(c, GatedRepoError) for c in causes):
            message = f"{name} is gated: accept its terms on its page, then `hf auth login`"
            raise NotFoundError(message) from error
        if any(isinstance(c, RepositoryNotFoundError) for c in causes):
            raise NotFoundError(
                f"there is no model {name} on the Hugging Face Hub (or it is private: "
                "`hf auth login`)"
            ) from error
        if any(isinstance(c, HFValidationError) for c in causes):
            message = f"{name} is neither a folder here nor a valid Hub id"
            raise NotFoundError(message) from error
        if any(isinstance(c, LocalEntryNotFoundError | OfflineModeIsEnabled) for c in causes):
            raise NotFoundError(
                f"{name} is not a folder here, its {what} is not in the local Hugging Face "
                "cache, and the Hub cannot be reached: check the name and the connection"
            ) from error
        kind = NotFoundError if isinstance(error, OSError) else InputError
        raise kind(f"cannot load the {what} of {name}: {first_sentence(error)}") from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
