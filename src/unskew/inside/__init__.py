"""Looking inside models: which of their layers represent the same examples alike (CKA)."""

from unskew.inside.compare import layer_cka
from unskew.inside.depth import BlockStructure, block_structure, progressive_dissimilarity
from unskew.inside.result import LayerCka

__all__ = [
    "BlockStructure",
    "LayerCka",
    "block_structure",
    "layer_cka",
    "progressive_dissimilarity",
]
