"""How numbers and questions are written in a report."""

from __future__ import annotations

import math

from unskew.audit.rows import MODALITY

UNDEFINED = "undefined"


def asked(section: str, stimuli: str) -> str:
    """How and by which stimuli."""
    return f"{MODALITY[section]} ({stimuli})"


def bracketed(text: str, clear: bool) -> str:
    """In brackets unless it is clear."""
    return text if clear else f"({text})"


def effect(value: float) -> str:
    """An effect size, signed."""
    return UNDEFINED if math.isnan(value) else f"{value:+.2f}"


def interval(low: float, high: float, digits: int = 2, signed: bool = True) -> str:
    """Both limits, or nothing where there is no interval."""
    if math.isnan(low) or math.isnan(high):
        return ""
    sign = "+" if signed else ""
    return f"[{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def p_value(p: float) -> str:
    """A p-value: one significant digit where it is small."""
    if math.isnan(p):
        return ""
    return f"{p:.1g}" if p < 0.001 else f"{p:.3f}"
