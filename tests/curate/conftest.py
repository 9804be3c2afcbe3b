"""What tests of the room share: a service on the loopback, and keys."""

import pytest
import services
from loopback import loopback


@pytest.fixture
def server():
    with loopback() as service:
        yield service


@pytest.fixture
def keys(monkeypatch):
    """The environment of somebody who has all keys."""
    monkeypatch.delenv("UNSKEW_SALT", raising=False)
    monkeypatch.setenv("UNSKEW_CONTACT", services.CONTACT)
    for variable, value in services.KEYS.items():
        monkeypatch.setenv(variable, value)
    return services.KEYS
