"""How an image or a text becomes a vector: dual encoders, their cache, and own embeddings."""

from unskew.encoders.embeddings import (
    LabelledEmbeddings,
    is_embeddings_file,
    load_embeddings,
    save_embeddings,
)
from unskew.encoders.encoder import DualEncoder
from unskew.encoders.image_run import Embedded, Unreadable
from unskew.encoders.precomputed import PrecomputedEncoder

__all__ = [
    "DualEncoder",
    "Embedded",
    "LabelledEmbeddings",
    "PrecomputedEncoder",
    "Unreadable",
    "is_embeddings_file",
    "load_embeddings",
    "save_embeddings",
]
