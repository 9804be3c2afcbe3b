"""Which images may be published as images, by their licences."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from unskew.curate.sets.entry import Entry
from unskew.errors import InputError

Mode: TypeAlias = Literal["images", "urls-only", "private"]
"""images: only what anybody may pass on, with the images. urls-only: addresses, without images.
private: every image, whatever its licence, and never to be published."""


@dataclass(frozen=True)
class Licence:
    """What a licence allows of copies.

    Attributes:
        redistributable: anybody may pass unchanged ones on, perhaps under the `condition`.
        credited: only with a credit, which in a set is the address that the image came from.
        unchanged: changed ones may not be passed on.
    """

    redistributable: bool
    credited: bool = False
    condition: str = ""
    unchanged: bool = False


_CREATIVE_COMMONS = re.compile(r"CC-(BY(?:-NC|-ND|-SA)*)-\d\.\d")
_FREE = {"CC0-1.0", "LicenseRef-public-domain", "PDDL-1.0"}
_CREDITED = {"MIT", "Apache-2.0", "OFL-1.1"}


def licence(name: str) -> Licence:
    """What is known of an SPDX identifier; what is not known here allows nothing."""
    if name in _FREE:
        return Licence(True)
    if name in _CREDITED:
        return Licence(True, credited=True, condition="credit and licence text")
    found = _CREATIVE_COMMONS.fullmatch(name)
    if found is None:
        return Licence(False)
    parts = found[1].split("-")
    conditions = {
        "BY": "credit",
        "NC": "not commercially",
        "ND": "unchanged",
        "SA": "changed copies under the same licence",
    }
    condition = ", ".join(conditions[part] for part in parts)
    return Licence(True, credited=True, condition=condition, unchanged="ND" in parts)


def left_out(entry: Entry, mode: Mode) -> str | None:
    """Why an entry cannot be in a set of this mode; None where it can."""
    if mode == "private":
        return None if entry.sha256 else "without an image"
    if mode == "urls-only":
        return None if entry.url.startswith(("http://", "https://")) else "without a web address"
    if entry.sha256 is None:
        return "without an image"
    allowed = licence(entry.licence)
    if not allowed.redistributable:
        return f"{entry.licence} does not allow to pass the image on"
    if allowed.credited and entry.address is None:
        return f"{entry.licence} wants a credit, and there is no address to give"
    if allowed.unchanged and entry.original is not None:
        return f"{entry.licence} allows no changed copy, and bystanders would be hidden"
    return None


def chosen_mode(urls_only: bool, private: bool) -> Mode:
    """Raises InputError for both at once."""
    if urls_only and private:
        raise InputError("a set is of addresses only, or private: give one of the two")
    return "urls-only" if urls_only else "private" if private else "images"
