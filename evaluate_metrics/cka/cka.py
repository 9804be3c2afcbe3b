"""Centered kernel alignment as an evaluate metric. The code is in the package `unskew`."""

from unskew.hub.cka import Cka  # From: unskew

__all__ = ["Cka"]
