"""`Debiaser`: what a debiasing method returns, and what a folder of a debiased encoder holds."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import torch

from unskew.encoders.adapter import Adapter
from unskew.encoders.heads import Heads
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.encoders.encoder import DualEncoder

Precision: TypeAlias = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
"""Of weights: what an encoder can be loaded in, and what a saved debiaser may have as base."""


@dataclass(frozen=True)
class Debiaser:
    """Heads, a LoRA adapter, or both, for one base model.

    Attributes:
        base: the base model as the person typed it: a Hub id, a folder, or `unskew/mini`.
        base_fingerprint: `DualEncoder.weights` of the base it was fitted on.
        heads: what the embeddings pass through.
        adapter: what is merged into the towers' weights.
        method: the name of the method that fitted it.
        attributes: what it was debiased for, such as ("gender",).
        settings: hyperparameters, seed and names of the data, as JSON can hold them.
        demonstration: True if the base or the data is for demonstration only.
        base_dtype: of the base's weights while fitting, such as "float32".
        merged: True if it was read beside whole towers with its adapter merged in, which are then
            its base; it can be applied, and not saved or published without them.
    """

    base: str
    base_fingerprint: str
    heads: Heads
    adapter: Adapter | None
    method: str
    attributes: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    demonstration: bool = False
    base_dtype: str = "float32"
    merged: bool = False

    @classmethod
    def of(
        cls,
        encoder: "DualEncoder",
        *,
        method: str,
        heads: Heads | None = None,
        adapter: Adapter | None = None,
        attributes: tuple[str, ...] = (),
        settings: dict[str, Any] | None = None,
        demonstration: bool = False,
    ) -> "Debiaser":
        """The debiaser of an encoder; `demonstration` says whether the data are for that only.

        Raises:
            InputError: the encoder is debiased already.
        """
        _check_plain(encoder)
        return cls(
            base=encoder.name,
            base_fingerprint=encoder.weights,
            heads=heads or Heads(),
            adapter=adapter,
            method=method,
            attributes=attributes,
            settings=settings or {},
            demonstration=encoder.demonstration or demonstration,
            base_dtype=dtype_name(encoder.dtype),
        )

    def apply(self, encoder: "DualEncoder") -> "DualEncoder":
        """The debiased encoder, whose `base` is `encoder`, itself unchanged.

        Without an adapter the two share towers and cached images; with one, the towers are a
        copy with the adapter merged in.

        Raises:
            InputError: `encoder` is not the base model it was fitted on, or debiased already.
        """
        _check_plain(encoder)
        self.check(encoder, f"this debiaser ({self.method})")
        return self.derived(encoder, f"{encoder.name} + {self.method}")

    def check(self, encoder: "DualEncoder", what: str) -> None:
        """Raise InputError, about `what`, unless `encoder` is what it was fitted on."""
        if encoder.weights != self.base_fingerprint:
            raise InputError(
                f"{what} was made for another base model than {encoder.name}: for {self.base} "
                f"with weights {self.base_fingerprint[:8]} in {self.base_dtype}, and these are "
                f"{encoder.weights[:8]} in {dtype_name(encoder.dtype)}"
            )

    def derived(self, base: "DualEncoder", name: str) -> "DualEncoder":
        """As `apply`, under a name, whatever the base."""
        from unskew.encoders.encoder import DualEncoder

        towers = base
        if self.adapter is not None:
            towers = DualEncoder(self.adapter.merged(base.model, name), base.processor, name)
        derived = towers.with_heads(self.heads, name)
        derived.base = base
        derived.demonstration = base.demonstration or self.demonstration
        return derived

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write it into a folder, whole or not at all; see `unskew.encoders.folder`.

        Raises:
            InputError: the folder cannot be written, the disk is full, or it is merged.
        """
        from unskew.encoders.folder import save

        save(self, Path(folder))

    def push_to_hub(
        self,
        repo_id: str,
        private: bool = False,
        token: str | None = None,
        revision: str | None = None,
    ) -> str:
        """Publish it with a model card on the Hugging Face Hub, and return its address.

        `revision`: a branch, made if there is none; default the main one.

        Raises:
            InputError: the Hub refuses it or cannot be reached, or it is merged.
        """
        from unskew.encoders.pushing import push

        return push(self, repo_id, private, token, revision)

    @classmethod
    def from_pretrained(cls, id_or_path: str | os.PathLike[str]) -> "Debiaser":
        """Read a folder or a repository of the Hub, without its base model.

        Raises:
            NotFoundError: there is no such folder or repository, or a file of it is missing.
            InputError: a file is damaged, or of a format this version does not know.
        """
        from unskew.encoders.fetching import only_local
        from unskew.encoders.folder import load

        name = os.fspath(id_or_path)
        return load(name, only_local(name))


def dtype_name(dtype: torch.dtype) -> str:
    """ "float32" of torch.float32."""
    return str(dtype).removeprefix("torch.")


def _check_plain(encoder: "DualEncoder") -> None:
    if encoder.base is not None:
        other = "" if encoder.base.name == encoder.name else f" {encoder.base.name}"
        raise InputError(
            f"{encoder.name} is debiased already, and debiasers do not stack: use its base "
            f"model{other}"
        )
