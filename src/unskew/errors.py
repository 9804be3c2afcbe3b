"""The errors a user can cause. The command line prints their one line and exits with 2.

Anything else that escapes is a defect of unskew, and keeps its traceback.
"""


class UnskewError(Exception):
    """Base of every error whose message is written for the person at the keyboard."""


class InputError(UnskewError, ValueError):
    """A value, array, file content or option that cannot be used; the message names it."""


class NotFoundError(UnskewError, FileNotFoundError):
    """A model, data set, stimuli file or other named thing that is not there."""


def first_sentence(error: BaseException) -> str:
    """Of the message of somebody else's error, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.split(". ")[0].rstrip(".")
