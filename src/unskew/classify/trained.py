"""What a training run leaves: the network of its best epoch, and how it got there."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi, ModelCard, ModelCardData
from huggingface_hub.errors import HTTPError

from unskew.classify.network import Classifier
from unskew.classify.presets import TrainSettings
from unskew.encoders.replacing import replace_files
from unskew.errors import InputError

CARD = "README.md"


@dataclass(frozen=True)
class Trained:
    """A trained classifier.

    Attributes:
        network: with the weights of the best epoch, in evaluation mode.
        history: per epoch: `epoch` (from 0), `train_loss`, `validation_loss`, `accuracy`,
            `unbiased_accuracy`, `worst_group_accuracy`; all but the first two on validation.
        best_epoch: which of the history the network is of.
        selected_by: the validation score that chose it.
        settings, objective, strategy, seed: how it was trained.
        notes: what was not as asked for, a sentence each.
    """

    network: Classifier
    history: tuple[Mapping[str, float], ...]
    best_epoch: int
    selected_by: str
    settings: TrainSettings
    objective: str
    strategy: str
    seed: int
    notes: tuple[str, ...]

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write a transformers checkpoint with image processor and card, whole or not at all.

        Raises:
            InputError: the folder cannot be written.
        """
        path = Path(folder)
        contents = {**self._checkpoint(), CARD: str(self.card(path.resolve().name)).encode()}
        replace_files(path, list(contents), contents)

    def push_to_hub(self, repo_id: str, private: bool = False, token: str | None = None) -> str:
        """Publish what `save_pretrained` writes, in one commit; the address of the repository.

        Raises:
            InputError: the Hub refuses it or cannot be reached.
        """
        contents = {**self._checkpoint(), CARD: str(self.card(repo_id)).encode()}
        operations = [CommitOperationAdd(name, content) for name, content in contents.items()]
        api = HfApi(token=token)
        try:
            address = api.create_repo(repo_id, private=private, exist_ok=True)
            api.create_commit(repo_id, operations, commit_message="A classifier trained by unskew")
        except (OSError, ValueError, HTTPError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"cannot publish {repo_id}: {reason}") from error
        return str(address)

    def card(self, name: str) -> ModelCard:
        """What it is, how to load it, how it was trained and what it is not for."""
        data = ModelCardData(
            library_name="transformers",
            pipeline_tag="image-classification",
            tags=["unskew", "fairness", self.objective, self.strategy],
        )
        made = {
            "objective": self.objective,
            "strategy": self.strategy,
            "seed": self.seed,
            "settings": asdict(self.settings),
            "best_epoch": self.best_epoch,
            "selected_by": self.selected_by,
            "validation": dict(self.history[self.best_epoch]),
            "notes": list(self.notes),
        }
        parts = [
            f"---\n{data.to_yaml()}\n---\n",
            f"# {name.split('/')[-1]}\n",
            f"A ResNet of 18 layers that tells apart {', '.join(self.network.labels)}, trained by "
            "unskew to study how classifiers cope with biased images. It is not meant for "
            "decisions about people.\n",
            "```python\nimport unskew.classify.network  # registers the architecture\n"
            "from transformers import AutoImageProcessor, AutoModelForImageClassification\n\n"
            f'processor = AutoImageProcessor.from_pretrained("{name}")\n'
            f'model = AutoModelForImageClassification.from_pretrained("{name}")\n```\n',
            f"## How it was made\n\n```json\n{json.dumps(made, indent=1)}\n```\n",
        ]
        return ModelCard("\n".join(parts))

    def _checkpoint(self) -> dict[str, bytes]:
        """The files of a transformers checkpoint, by name."""
        with tempfile.TemporaryDirectory(prefix="unskew-") as folder:
            self.network.save_pretrained(folder)
            processor(self.network).save_pretrained(folder)
            return {p.name: p.read_bytes() for p in sorted(Path(folder).iterdir())}


def processor(network: Classifier) -> Any:
    """The image processor that does to an image what training did."""
    from transformers import ViTImageProcessorPil

    config = network.config
    return ViTImageProcessorPil(
        do_convert_rgb=True,
        size={"height": config.image_size, "width": config.image_size},
        image_mean=list(config.image_mean),
        image_std=list(config.image_std),
    )
