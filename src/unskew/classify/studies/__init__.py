"""The experiments of both papers: every cell trained and kept, then put in tables and figures.

Names load on first use: a process that trains one cell needs little of this.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_LAZY = {
    "ObjectiveStudy": "objectives",
    "VlmStudy": "vlm_debias",
    "study_objectives": "objectives",
    "study_vlm_debias": "vlm_debias",
}

__all__ = ["ObjectiveStudy", "VlmStudy", "study_objectives", "study_vlm_debias"]

if TYPE_CHECKING:
    from unskew.classify.studies.objectives import ObjectiveStudy, study_objectives
    from unskew.classify.studies.vlm_debias import VlmStudy, study_vlm_debias


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'unskew.classify.studies' has no attribute {name!r}")
    return getattr(import_module(f"unskew.classify.studies.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
