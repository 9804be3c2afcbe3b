"""MaxSkew, MinSkew, NDKL and Bias@K as an evaluate metric. The code is in the package `unskew`."""

from unskew.hub.representation_skew import RepresentationSkew  # From: unskew

__all__ = ["RepresentationSkew"]
