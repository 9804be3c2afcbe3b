"""The app as a real server on the built-in model."""

import os
import tempfile
from pathlib import Path

import httpx
import pytest
from http_visitor import Visitor

pytest.importorskip("gradio")


@pytest.fixture(scope="session")
def temporary(tmp_path_factory):
    """Where Python puts temporary files while the app runs: nobody else's are there."""
    folder = tmp_path_factory.mktemp("temporary")
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    yield folder
    tempfile.tempdir = before


@pytest.fixture(scope="session")
def served(temporary):
    """(app, address) of one server for all tests of a process."""
    from unskew.demo.models import LOCAL
    from unskew.demo.serve import serving

    with serving(LOCAL, server_name="127.0.0.1") as (app, address):
        yield app, address.rstrip("/")


@pytest.fixture
def visitor(served):
    """A visitor with a session of their own."""
    with httpx.Client(base_url=served[1], timeout=120) as client:
        yield Visitor(client)


@pytest.fixture
def on_disk(served, temporary):
    """All files that are now below the folders that the app, gradio and Python may write to."""

    def found():
        folders = (temporary, Path(os.environ["GRADIO_TEMP_DIR"]), Path(os.environ["UNSKEW_CACHE"]))
        return {p: p.stat().st_size for f in folders for p in f.rglob("*") if p.is_file()}

    return found
