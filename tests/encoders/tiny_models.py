"""Tiny random dual encoders of every family, saved as a person would find them on disk."""

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

VISION = {
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 77,
}
WORDS = "a photo of the kind dangerous person people doctor nurse in with and old young".split()


def clip_tokenizer() -> Any:
    """CLIP's real byte-pair vocabulary, as the open_clip wheel carries it."""
    spec = importlib.util.find_spec("open_clip")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = [code for code in range(256) if code not in printable]
    symbols = [chr(c) for c in printable] + [chr(256 + i) for i in range(len(other))]
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(pair) for pair in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return hf.CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def word_tokenizer(model_max_length: int, begin: str, end: str, pad: str) -> Any:
    """A word-level tokenizer with the special tokens of a family."""
    tokens = list(dict.fromkeys([begin, pad, end, "<unk>", *WORDS]))
    backend = Tokenizer(models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token="<unk>"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    special = [(t, tokens.index(t)) for t in (begin, end)]
    backend.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=special
    )
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=begin,
        eos_token=end,
        cls_token=begin,
        sep_token=end,
        pad_token=pad,
        unk_token="<unk>",
        model_max_length=model_max_length,
    )


def bert_tokenizer(folder: Path, model_max_length: int) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    return hf.BertTokenizer(str(folder / "vocab.txt"), model_max_length=model_max_length)
