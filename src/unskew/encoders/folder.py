"""The folder of a debiased encoder, on this disk or on the Hub.

| file | holds |
|---|---|
| `unskew_encoder.json` | the base model, what was done to it, and the shape of the heads |
| `heads.safetensors` | the heads' values, under `image.` and `text.`; only if there are heads |
| `adapter_config.json`, `adapter_model.safetensors` | LoRA, exactly as PEFT writes it, so that \
`AutoModel.from_pretrained(folder)` finds it too; only if there is an adapter |
| `config.json`, `model.safetensors`, ... | in place of an adapter: the whole towers that it was \
merged into, and their processor |
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor

from unskew import __version__
from unskew.encoders.adapter import Adapter
from unskew.encoders.debiaser import Debiaser, Precision
from unskew.encoders.fetching import BUILT_IN, explained, find_file, is_cached
from unskew.encoders.heads import KINDS, Head, Heads
from unskew.encoders.replacing import replace_files
from unskew.errors import InputError, NotFoundError

FORMAT_VERSION = 1
DESCRIPTION = "unskew_encoder.json"
HEADS = "heads.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
FILES = (HEADS, ADAPTER_CONFIG, ADAPTER_WEIGHTS, DESCRIPTION)
TOWERS = (
    *("config.json", "model.safetensors", "model-*.safetensors", "model.safetensors.index.json"),
    *("processor_config.json", "preprocessor_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "spiece.model"),
)
"""Patterns of the files that transformers writes of towers and their processor."""


class _HeadShape(BaseModel):
    """Kind of a head, and beside it whatever that kind's `from_settings` takes."""

    model_config = ConfigDict(extra="allow", strict=True)
    kind: str


class _HeadShapes(BaseModel):
    image: _HeadShape | None
    text: _HeadShape | None


class _Description(BaseModel):
    """What `unskew_encoder.json` holds."""

    format_version: Literal[1]
    base: str = Field(min_length=1)
    base_fingerprint: str
    base_dtype: Precision
    method: str
    attributes: tuple[str, ...]
    settings: dict[str, Any]
    demonstration: bool
    unskew_version: str
    heads: _HeadShapes
    adapter: bool
    merged: bool = False  # into the towers beside this file, of which `base_fingerprint` is then


def save(debiaser: Debiaser, folder: Path) -> None:
    """Write the files of a debiaser; those of an earlier one are replaced whole or not at all.

    Raises:
        InputError: the folder cannot be written, the disk is full, or it is merged.
    """
    replace_files(folder, FILES, contents(debiaser))


def contents(debiaser: Debiaser) -> dict[str, bytes]:
    """The files of a debiaser by name.

    Raises:
        InputError: it is merged, and without its towers nobody could load it.
    """
    check_unmerged(debiaser)
    files = {}
    heads = debiaser.heads.present()
    if heads:
        values = {
            f"{modality}.{name}": value
            for modality, head in heads.items()
            for name, value in head.state_dict().items()
        }
        files[HEADS] = _packed(values)
    if debiaser.adapter is not None:
        # What makes the folder an adapter of the base for PEFT and transformers too.
        origin = {"base_model_name_or_path": debiaser.base, "inference_mode": True}
        files[ADAPTER_CONFIG] = _json(debiaser.adapter.config | origin)
        files[ADAPTER_WEIGHTS] = _packed(debiaser.adapter.state)
    files[DESCRIPTION] = _json(_described(debiaser))
    return files


def contents_beside_towers(debiaser: Debiaser, weights: str) -> dict[str, bytes]:
    """As `contents`, beside towers (digest `weights`, float32) that the adapter is merged into."""
    beside = replace(debiaser, adapter=None, base_fingerprint=weights, base_dtype="float32")
    return contents(beside) | {DESCRIPTION: _json(_described(beside) | {"merged": True})}


def check_unmerged(debiaser: Debiaser) -> None:
    """Raise InputError if what makes it whole are the towers that it was read beside."""
    if debiaser.merged:
        raise InputError(
            f"{debiaser.base} is merged already, and holds whole weights that are not written "
            "again: copy its files as they are, or publish them with `hf upload`"
        )


def load(name: str, local: bool) -> Debiaser:
    """Read a folder, or a repository of the Hub (`local`: from its cache alone).

    Of a folder with merged towers, these are the base.

    Raises:
        NotFoundError: it is not there, or a file of it is missing.
        InputError: a file is damaged, or of a format this version does not know.
    """
    with explained(name, DESCRIPTION):
        path = None if name == BUILT_IN else find_file(name, DESCRIPTION, local)
    if path is None:
        raise NotFoundError(f"{name} has no {DESCRIPTION}, so it holds no debiased encoder")
    described = _read_description(path)
    files = _Files(name, path.parent, local)
    return Debiaser(
        base=name if described.merged else described.base,
        base_fingerprint=described.base_fingerprint,
        heads=_read_heads(files, described.heads),
        adapter=_read_adapter(files) if described.adapter else None,
        method=described.method,
        attributes=described.attributes,
        settings=described.settings,
        demonstration=described.demonstration,
        base_dtype=described.base_dtype,
        merged=described.merged,
    )


def find_description(name: str, local: bool) -> Path | None:
    """Where the description of a debiased encoder lies on this disk; None if `name` is none.

    Offline, a plain model whose files something else has fetched has no trace of a description in
    the local Hugging Face cache, and is taken for what it is.

    Raises:
        NotFoundError: offline, `name` is an adapter and may be a debiased encoder: without its
            description it would load without its heads, and unchecked against its base.
    """
    from huggingface_hub.errors import LocalEntryNotFoundError

    if name == BUILT_IN:
        return None
    with explained(name, DESCRIPTION):
        try:
            return find_file(name, DESCRIPTION, local)
        except LocalEntryNotFoundError:
            if is_cached(name, ADAPTER_CONFIG):
                raise
            return None


def has_towers(description: Path) -> bool:
    """Whether the towers lie beside it, with the adapter merged in."""
    return _read_description(description).merged


def owned_towers(description: bytes) -> tuple[str, ...]:
    """Patterns of the towers' files, if what is described was published with any."""
    try:
        described = _Description.model_validate_json(description)
    except ValidationError:
        return ()  # nobody can tell whose the files beside it are, so they stay
    return TOWERS if described.merged else ()


class _Files:
    """The files beside a description: of one folder, or of one commit on the Hub."""

    def __init__(self, name: str, folder: Path, local: bool) -> None:
        self._name = name
        self._local = local
        # The Hugging Face cache names the folder of a commit by it.
        self._commit = None if Path(name).is_dir() else folder.name

    def path(self, file: str) -> Path:
        with explained(self._name, file):
            path = find_file(self._name, file, self._local, self._commit)
        if path is None:
            raise NotFoundError(
                f"{self._name} lacks its {file}: copy it whole, or fetch or fit it again"
            )
        return path

    def tensors(self, file: str) -> dict[str, Tensor]:
        try:
            return load_file(self.path(file))
        except SafetensorError as error:
            raise InputError(
                f"{file} of {self._name} is damaged or incomplete ({error}): fetch or fit it again"
            ) from error


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path} is damaged: it is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged: it holds no JSON object")
    return content


def _read_description(path: Path) -> _Description:
    content = _read_object(path)
    version = content.get("format_version")
    if isinstance(version, int) and version != FORMAT_VERSION:
        raise InputError(
            f"{path} is of format {version}, and this version of unskew ({__version__}) knows "
            f"format {FORMAT_VERSION} alone: upgrade unskew"
        )
    try:
        return _Description.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path} is damaged: {where}: {first['msg']}") from error


def _read_heads(files: _Files, shapes: _HeadShapes) -> Heads:
    given = {"image": shapes.image, "text": shapes.text}
    present = {modality: shape for modality, shape in given.items() if shape is not None}
    if not present:
        return Heads()
    values = files.tensors(HEADS)
    heads = {}
    for modality, shape in present.items():
        prefix = f"{modality}."
        mine = {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}
        heads[modality] = _head(shape, mine, files.path(HEADS))
    return Heads(**heads)


def _head(shape: _HeadShape, values: dict[str, Tensor], path: Path) -> Head:
    kind = KINDS.get(shape.kind)
    if kind is None:
        raise InputError(
            f"{path.with_name(DESCRIPTION)} has a head of the unknown kind {shape.kind!r}; known "
            f"are {', '.join(KINDS)}: upgrade unskew, or the file is damaged"
        )
    try:
        # On "meta" nothing is allocated or drawn at random before the sizes are compared.
        with torch.device("meta"):
            head = kind.from_settings(**(shape.model_extra or {}))
        head.load_state_dict({name: value.float() for name, value in values.items()}, assign=True)
    except (TypeError, RuntimeError) as error:
        raise InputError(
            f"{path} does not hold the {shape.kind} head {shape.model_extra} of its "
            f"{DESCRIPTION}: one of the two is damaged or of another debiaser"
        ) from error
    return head


def _read_adapter(files: _Files) -> Adapter:
    config = _read_object(files.path(ADAPTER_CONFIG))
    return Adapter(config, files.tensors(ADAPTER_WEIGHTS))


def _described(debiaser: Debiaser) -> dict[str, Any]:
    heads = debiaser.heads.present()
    return {
        "format_version": FORMAT_VERSION,
        "base": debiaser.base,
        "base_fingerprint": debiaser.base_fingerprint,
        "base_dtype": debiaser.base_dtype,
        "method": debiaser.method,
        "attributes": list(debiaser.attributes),
        "settings": debiaser.settings,
        "demonstration": debiaser.demonstration,
        "unskew_version": __version__,
        "heads": {
            modality: {"kind": heads[modality].kind, **heads[modality].settings()}
            if modality in heads
            else None
            for modality in ("image", "text")
        },
        "adapter": debiaser.adapter is not None,
    }


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _packed(tensors: dict[str, Tensor]) -> bytes:
    """safetensors bytes; cloned, because two heads may share one module and a file may not."""
    plain = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    return to_bytes(plain, metadata={"format": "pt"})
