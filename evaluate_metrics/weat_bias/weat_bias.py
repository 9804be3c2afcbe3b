"""WEAT as an evaluate metric. The code is in the package `unskew`, which this loads it from."""

from unskew.hub.weat_bias import WeatBias  # From: unskew

__all__ = ["WeatBias"]
