"""The experiments of both papers: every cell trained and kept, then put in tables and figures."""

from unskew.classify.studies.objectives import ObjectiveStudy, study_objectives
from unskew.classify.studies.vlm_debias import VlmStudy, study_vlm_debias

__all__ = ["ObjectiveStudy", "VlmStudy", "study_objectives", "study_vlm_debias"]
