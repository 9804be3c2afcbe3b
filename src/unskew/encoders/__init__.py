"""How an image or a text becomes a vector: dual encoders, their cache, and own embeddings."""

from unskew.encoders.adapter import Adapter
from unskew.encoders.debiaser import Debiaser
from unskew.encoders.embeddings import (
    LabelledEmbeddings,
    is_embeddings_file,
    load_embeddings,
    save_embeddings,
)
from unskew.encoders.encoder import DualEncoder
from unskew.encoders.heads import Affine, Head, Heads, Rebalance, ResidualMLP
from unskew.encoders.image_run import Embedded, Unreadable
from unskew.encoders.precomputed import PrecomputedEncoder

__all__ = [
    "Adapter",
    "Affine",
    "Debiaser",
    "DualEncoder",
    "Embedded",
    "Head",
    "Heads",
    "LabelledEmbeddings",
    "PrecomputedEncoder",
    "Rebalance",
    "ResidualMLP",
    "Unreadable",
    "is_embeddings_file",
    "load_embeddings",
    "save_embeddings",
]
