"""Let the Hub's client of this very process talk to a loopback Hub."""

import ssl
import time
from functools import cache
from typing import Any

import yaml

from loopback_hub.store import WRITES, Hub

_trust = cache(ssl.create_default_context)
"""Kept: reading all certificates takes longer than an upload, and each has a client of its own."""


def connect(monkeypatch: Any, hub: Hub, token: str | None = WRITES) -> None:
    """Until the test is over; waiting is cut short, except by faults of the Hub itself."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setattr(ssl, "create_default_context", _trust)
    monkeypatch.setattr(yaml, "SafeLoader", yaml.CSafeLoader)  # the cards of sets are long
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.005)))
    if token is None:
        monkeypatch.delenv("HF_TOKEN", raising=False)
    else:
        monkeypatch.setenv("HF_TOKEN", token)
