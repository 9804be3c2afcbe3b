"""Publish a debiaser on the Hugging Face Hub, with a model card."""

import json

from huggingface_hub import ModelCard, ModelCardData

from unskew.encoders.debiaser import Debiaser
from unskew.encoders.fetching import BUILT_IN
from unskew.encoders.folder import DESCRIPTION, FILES, check_unmerged, contents, owned_towers
from unskew.encoders.publishable import base_on_hub, is_local, publishable
from unskew.markdown import code, escaped
from unskew.upload import Upload, upload


def push(
    debiaser: Debiaser, repo_id: str, private: bool, token: str | None, revision: str | None
) -> str:
    """Make the repository if there is none, put card and files there in one commit; its address.

    Of what lies on this disk only names are published, no paths. Files of an earlier debiaser
    that this one does not have are removed in the same commit, so that whoever fetches meanwhile
    gets the one or the other.

    Raises:
        InputError: see `unskew.upload.upload`; or it is merged.
    """
    check_unmerged(debiaser)  # under the name that it was read by
    files = contents(publishable(debiaser)) | {"README.md": str(card(debiaser, repo_id)).encode()}
    wanted = Upload(
        repo_id,
        "model",
        files,
        message=f"Debiased with {debiaser.method}",
        marker=DESCRIPTION,
        owned=FILES,
        owned_too=owned_towers,
        private=private,
        revision=revision,
    )
    return upload(wanted, token).url


def card(debiaser: Debiaser, repo_id: str) -> ModelCard:
    """What the debiaser is, how to load it, and what it is not for."""
    local = is_local(debiaser.base)
    debiaser = publishable(debiaser)
    data = ModelCardData(
        library_name="unskew",
        base_model=base_on_hub(debiaser.base, local),
        pipeline_tag="zero-shot-image-classification",
        tags=["unskew", "fairness", "debiasing", debiaser.method],
    )
    what = escaped(", ".join(debiaser.attributes)) or "social bias"
    base = f"{'A local model, ' if local else ''}{code(debiaser.base)}"
    parts = [
        f"---\n{data.to_yaml()}\n---\n",
        f"# {repo_id.split('/')[-1]}\n",
        f"{base}, debiased for {what} with {code(debiaser.method)} of unskew.\n",
        "```python\nfrom unskew import DualEncoder\n"
        f'encoder = DualEncoder.from_pretrained("{repo_id}")\n```\n',
    ]
    if debiaser.demonstration:
        parts.append(
            "**For demonstration only**: the base model or the data it was fitted on is a toy. "
            "What it gives is no evidence about people, and it is not for use on them.\n"
        )
    if local:
        parts.append(
            "Its base model is not published here: to load it, run that from where the model's "
            "folder, of that name, lies.\n"
        )
    if debiaser.adapter is not None and debiaser.base != BUILT_IN:
        alone = " alone, without the heads" if debiaser.heads.present() else ""
        parts.append(f"`transformers.AutoModel.from_pretrained` loads its LoRA adapter{alone}.\n")
    settings = json.dumps(debiaser.settings, indent=1, ensure_ascii=False)
    parts.append(f"## How it was made\n\n```json\n{settings}\n```\n")
    return ModelCard("\n".join(parts))
