"""WHAT is asked: word lists, prompts and the identity taxonomy, as data files with one loader."""

from unskew.stimuli.descriptions import Descriptions, Question, load_descriptions
from unskew.stimuli.identities import Identities, load_identities
from unskew.stimuli.load import builtin_stimuli, load_stimuli
from unskew.stimuli.schema import (
    AttributePair,
    Contrasts,
    ImageAttributePair,
    Ranking,
    Stimuli,
    Targets,
    WordSet,
    WordTest,
)
from unskew.stimuli.swap import counterfactuals, swapped
from unskew.stimuli.swap_words import identity_words
from unskew.stimuli.taxonomy import canonical_category, canonical_subgroup, taxonomy

__all__ = [
    "AttributePair",
    "Contrasts",
    "Descriptions",
    "Identities",
    "ImageAttributePair",
    "Question",
    "Ranking",
    "Stimuli",
    "Targets",
    "WordSet",
    "WordTest",
    "builtin_stimuli",
    "canonical_category",
    "canonical_subgroup",
    "counterfactuals",
    "identity_words",
    "load_descriptions",
    "load_identities",
    "load_stimuli",
    "swapped",
    "taxonomy",
]
