"""Accuracy by group and its gaps as an evaluate metric. The code is in the package `unskew`."""

from unskew.hub.group_fairness import GroupFairness  # From: unskew

__all__ = ["GroupFairness"]
