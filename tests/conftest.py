"""What every test shares: no network, a cache of its own, and the folder of real data."""

import os
import tempfile
from pathlib import Path

# Read at import by the Hugging Face libraries, so set before anything imports them.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_EVALUATE_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="unskew-test-hf-")
os.environ["UNSKEW_CACHE"] = tempfile.mkdtemp(prefix="unskew-test-cache-")

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images and embeddings that may not be shipped; tests that need them skip without."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data of ../shared/data is not on this machine ({SHARED_DATA})")
    return SHARED_DATA
