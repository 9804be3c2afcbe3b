"""Licences as SPDX identifiers, from what services call them."""

import re

from unskew.curate.record import UNKNOWN_LICENCE

_CREATIVE_COMMONS = re.compile(r"(?:cc[ -])?(by(?:-n[cd]|-sa)*)[ -](\d\.\d)(?:[ -].*)?", re.I)
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
    full = f"{name} {version}".strip()
    if full.lower() in _PUBLIC:
        return _PUBLIC[full.lower()]
    found = _CREATIVE_COMMONS.fullmatch(full.replace("BY ", "BY-", 1) if _spaced(full) else full)
    return f"CC-{found[1].upper()}-{found[2]}" if found else UNKNOWN_LICENCE


def _spaced(name: str) -> bool:
    return bool(re.search(r"\bBY (?:SA|N[CD])", name))
