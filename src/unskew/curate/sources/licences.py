"""Licences as SPDX identifiers, from what services call them."""

import re

from unskew.curate.record import UNKNOWN_LICENCE

_CREATIVE_COMMONS = re.compile(r"(?:cc-)?(by(?:-nc|-nd|-sa)*)-(\d\.\d)(?:-.*)?")
_PUBLIC = {
    "cc0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc-zero": "CC0-1.0",
    "pdm 1.0": "LicenseRef-public-domain",
    "pd": "LicenseRef-public-domain",
    "public domain": "LicenseRef-public-domain",
}


def spdx(name: str, version: str = "") -> str:
    """``("by-sa", "4.0")`` or ``"CC BY-SA 4.0"`` -> ``"CC-BY-SA-4.0"``.

    The ports of a licence to a country's law ("CC BY 3.0 de") count as the licence. Names that
    are not known here give LicenseRef-unknown: to be looked up before anything is published.
    """
    full = f"{name} {version}".strip().lower()
    if full in _PUBLIC:
        return _PUBLIC[full]
    found = _CREATIVE_COMMONS.fullmatch(full.replace(" ", "-"))
    return f"CC-{found[1].upper()}-{found[2]}" if found else UNKNOWN_LICENCE
