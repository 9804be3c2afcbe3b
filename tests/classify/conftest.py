"""What the tests of the studies share."""

from dataclasses import replace

import pytest
from study_sets import SIZE, biased

from unskew.classify.presets import PRESETS
from unskew.classify.studies import vlm_debias


@pytest.fixture
def quick(monkeypatch):
    """Both presets' smoke scale, for images of 16 pixels."""
    for name in PRESETS:
        small = replace(PRESETS[name]["smoke"], epochs=2, width=4, batch_size=32)
        monkeypatch.setitem(PRESETS[name], "smoke", small)
    monkeypatch.setitem(vlm_debias.IMAGE_SIZES, "smoke", SIZE)


@pytest.fixture(scope="session")
def data():
    """Bright or dark squares that are mostly red or mostly blue."""
    return biased()
