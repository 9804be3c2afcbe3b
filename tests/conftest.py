"""What every test shares: no network, a cache of its own, and the folder of real data."""

import os
import shutil
import sys
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


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium that calls nobody of its own accord; tests skip where there is none.

    One for all tests of a process: Playwright cannot be started twice in one.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    quiet = ["background-networking", "component-update", "sync", "gpu"]
    with sync_playwright() as playwright:
        # --no-sandbox: as root, which is who runs in containers, Chromium has no other way.
        opened = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--no-first-run", *(f"--disable-{part}" for part in quiet)],
        )
        yield opened
        opened.close()


@pytest.fixture
def unskew(monkeypatch, capsys):
    """Run the command in this process: (exit code, standard output, standard error)."""

    from unskew.cli import main

    def run(*arguments):
        capsys.readouterr()  # what the test itself has printed so far
        monkeypatch.setattr(sys, "argv", ["unskew", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        return (code, *capsys.readouterr())

    return run
