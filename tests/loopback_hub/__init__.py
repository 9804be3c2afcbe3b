"""As much of the Hugging Face Hub, on the loopback, as pushing and pulling ask for.

`with serve() as hub` runs one; `python -m loopback_hub` (from `tests/`) keeps one running for
scripts. The real clients talk to it when HF_ENDPOINT names it, which they read at import.
"""

import os
from pathlib import Path

from loopback_hub.faults import Fault
from loopback_hub.server import serve
from loopback_hub.store import READS, WRITES, Hub, Repository


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """Of a process whose Hugging Face libraries are to talk to that Hub, and cache in `home`.

    Large files go by LFS, which this Hub knows, and not by Xet, which it does not.
    """
    own = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_TOKEN": WRITES}
    online = {"HF_HUB_OFFLINE": "0", "HF_EVALUATE_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    return {**os.environ, **own, **online, "HF_UPDATE_DOWNLOAD_COUNTS": "0"}


__all__ = ["READS", "WRITES", "Fault", "Hub", "Repository", "environment", "serve"]
