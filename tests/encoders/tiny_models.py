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
WORDS = [
    "a",
    "photo",
    "of",
    "the",
    "kind",
    "dangerous",
    "person",
    "people",
    "doctor",
    "nurse",
    "in",
    "with",
    "and",
    "old",
    "young",
]


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


def bert_tokenizer(model_max_length: int) -> Any:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    vocabulary = {word: number for number, word in enumerate(words)}
    return hf.BertTokenizer(vocab=vocabulary, model_max_length=model_max_length)


def _clip_pixels(kind: Any) -> Any:
    return kind(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})


def _square_pixels(kind: Any) -> Any:
    return kind(size={"height": 32, "width": 32})


def clip() -> tuple[Any, Any]:
    config = hf.CLIPConfig(
        text_config=TEXT | {"vocab_size": 49408}, vision_config=VISION, projection_dim=16
    )
    pixels = _clip_pixels(hf.CLIPImageProcessorPil)
    return hf.CLIPModel(config), hf.CLIPProcessor(pixels, clip_tokenizer())


def siglip() -> tuple[Any, Any]:
    text = TEXT | {"vocab_size": 99, "max_position_embeddings": 64, "projection_size": 32}
    config = hf.SiglipConfig(text_config=text, vision_config=VISION)
    tokenizer = word_tokenizer(64, "<s>", "</s>", "</s>")
    tokenizer.model_input_names = ["input_ids"]
    return hf.SiglipModel(config), hf.SiglipProcessor(
        _square_pixels(hf.SiglipImageProcessorPil), tokenizer
    )


def siglip2() -> tuple[Any, Any]:
    text = TEXT | {"vocab_size": 99, "max_position_embeddings": 64, "projection_size": 32}
    vision = {k: v for k, v in VISION.items() if k != "image_size"} | {"num_patches": 16}
    config = hf.Siglip2Config(text_config=text, vision_config=vision)
    tokenizer = word_tokenizer(64, "<bos>", "<eos>", "<pad>")
    pixels = hf.Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16)
    return hf.Siglip2Model(config), hf.Siglip2Processor(pixels, tokenizer)


def align() -> tuple[Any, Any]:
    text = {k: v for k, v in TEXT.items() if k != "max_position_embeddings"} | {"vocab_size": 99}
    vision = {
        "image_size": 32,
        "kernel_sizes": [3, 3],
        "in_channels": [32, 16],
        "out_channels": [16, 16],
        "strides": [1, 2],
        "num_block_repeats": [1, 1],
        "expand_ratios": [1, 2],
        "hidden_dim": 16,
        "width_coefficient": 1.0,
        "depth_coefficient": 1.0,
    }
    config = hf.AlignConfig(text_config=text, vision_config=vision, projection_dim=16)
    pixels = hf.EfficientNetImageProcessorPil(
        size={"height": 32, "width": 32}, do_center_crop=False, include_top=False
    )
    return hf.AlignModel(config), hf.AlignProcessor(pixels, bert_tokenizer(512))


def metaclip2() -> tuple[Any, Any]:
    text = TEXT | {"vocab_size": 99, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    config = hf.MetaClip2Config(text_config=text, vision_config=VISION, projection_dim=16)
    tokenizer = word_tokenizer(77, "<s>", "</s>", "<pad>")
    pixels = _clip_pixels(hf.CLIPImageProcessorPil)
    return hf.MetaClip2Model(config), hf.CLIPProcessor(pixels, tokenizer)


def chinese_clip() -> tuple[Any, Any]:
    text = TEXT | {"vocab_size": 99}
    config = hf.ChineseCLIPConfig(text_config=text, vision_config=VISION, projection_dim=16)
    pixels = hf.ChineseCLIPImageProcessorPil(size={"height": 32, "width": 32}, do_center_crop=False)
    return hf.ChineseCLIPModel(config), hf.ChineseCLIPProcessor(pixels, bert_tokenizer(52))


def altclip() -> tuple[Any, Any]:
    text = TEXT | {"vocab_size": 99, "max_position_embeddings": 79, "project_dim": 24}
    config = hf.AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=16)
    tokenizer = word_tokenizer(512, "<s>", "</s>", "<pad>")
    pixels = _clip_pixels(hf.CLIPImageProcessorPil)
    return hf.AltCLIPModel(config), hf.AltCLIPProcessor(pixels, tokenizer)


def blip() -> tuple[Any, Any]:
    text = TEXT | {"vocab_size": 99, "encoder_hidden_size": 32, "projection_dim": 16}
    text |= {"bos_token_id": 2, "sep_token_id": 3, "pad_token_id": 0}
    config = hf.BlipConfig(
        text_config=text, vision_config=VISION, projection_dim=16, image_text_hidden_size=16
    )
    pixels = _square_pixels(hf.BlipImageProcessorPil)
    return hf.BlipModel(config), hf.BlipProcessor(pixels, bert_tokenizer(77))


def vision_text() -> tuple[Any, Any]:
    text = TEXT | {"vocab_size": 99}
    config = hf.VisionTextDualEncoderConfig.from_vision_text_configs(
        hf.ViTConfig(**VISION), hf.BertConfig(**text), projection_dim=16
    )
    pixels = _square_pixels(hf.ViTImageProcessorPil)
    return hf.VisionTextDualEncoderModel(config), hf.VisionTextDualEncoderProcessor(
        pixels, bert_tokenizer(512)
    )


FAMILIES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "clip": clip,
    "siglip": siglip,
    "siglip2": siglip2,
    "align": align,
    "metaclip2": metaclip2,
    "chinese_clip": chinese_clip,
    "altclip": altclip,
    "blip": blip,
    "vision_text": vision_text,
}
FIXED_TEXT_LENGTH = {"siglip", "siglip2", "align"}


def save_tiny(family: str, folder: Path) -> Path:
    """A random model of a family and its processor in `folder`, seeded by nothing but torch."""
    torch.manual_seed(sum(family.encode()))
    model, processor = FAMILIES[family]()
    # Freshly initialised towers give nearly the same vector for every input.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
