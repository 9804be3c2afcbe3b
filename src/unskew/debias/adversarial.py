"""Adversarial fine-tuning of the towers with LoRA.

An adversary predicts the subgroup from the embedding, the encoder makes that impossible, and the
similarities between images and texts are kept as they were. The setting is that of adversarial
debiasing (Zhang, Lemoine and Mitchell, arXiv 1801.07593) on the embeddings of a dual encoder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from warnings import catch_warnings, simplefilter

import numpy as np
import torch

from unskew.debias.checkpoint import Checkpoints
from unskew.debias.fitting import FittingData
from unskew.debias.lora_targets import lora_targets
from unskew.debias.methods import demonstration, described
from unskew.debias.modality import Weights
from unskew.debias.plan import GENERAL_SHARE, Plan, images, texts
from unskew.debias.training import LOSSES, Training, cut_losses
from unskew.encoders import Adapter, Debiaser, DualEncoder
from unskew.errors import InputError
from unskew.stimuli import Identities, load_identities

if TYPE_CHECKING:
    from accelerate import Accelerator

METHOD = "adversarial"
_POSITIVE = (
    "rank",
    "alpha",
    "steps",
    "batch_size",
    "gradient_accumulation",
    "learning_rate",
    "adversary_learning_rate",
    "labelled_weight",
    "evaluate_every",
    "patience",
    "checkpoint_every",
)
_NOT_NEGATIVE = (
    "mean_weight",
    "network_weight",
    "similarity_weight",
    "swap_weight",
    "adversary_steps",
)
Score = Callable[[DualEncoder], float]


@dataclass(frozen=True)
class AdversarialSettings:
    """What can be chosen.

    Attributes:
        towers: those that get LoRA.
        blocks: LoRA goes into the last so many blocks of a tower, and what comes after them; with
            0 into the latter alone, through which all passes and which costs least.
        rank, alpha, dropout: of LoRA.
        steps: of the encoder.
        batch_size: items of a step, over all processes and accumulated forwards; a quarter of
            them are general images.
        gradient_accumulation: forwards that a step is divided among.
        learning_rate: of LoRA, relative to the weights it adapts (see `lora_groups`); it falls to
            zero with the square of the steps to go.
        adversary_learning_rate, adversary_steps: of the adversary network, per step of the encoder.
        mean_weight: of bringing the class means together.
        network_weight: of the reversed gradient of the adversary network.
        labelled_weight: of leaving labelled images where they are; that of general images is 1.
        similarity_weight: of keeping the similarities to texts, of both kinds of images.
        swap_weight: of making general images as similar to captions of theirs with the identity
            swapped as to the captions themselves (see `unskew.debias.swaps`); 0 leaves it out. It
            is about the image tower, which must be among the towers.
        mixed_precision: "bf16" runs the towers in bfloat16.
        counterfactual: where the text tower is trained, every text is drawn to the mean of its
            counterfactuals, in which the identity term is swapped.
        evaluate_every, patience: steps between two scores, and scores without a better one after
            which training stops; only where a score is given.
        checkpoint_every: steps between two checkpoints.
        tracker: also log to TensorBoard or trackio.
    """

    towers: tuple[Literal["image", "text"], ...] = ("image",)
    blocks: int = 0
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    steps: int = 300
    batch_size: int = 48
    gradient_accumulation: int = 1
    learning_rate: float = 3e-3
    adversary_learning_rate: float = 3e-3
    adversary_steps: int = 2
    mean_weight: float = 60.0
    network_weight: float = 0.01
    labelled_weight: float = 0.3
    similarity_weight: float = 0.03
    swap_weight: float = 0.0
    mixed_precision: Literal["no", "bf16"] = "no"
    counterfactual: bool = True
    evaluate_every: int = 150
    patience: int = 3
    checkpoint_every: int = 50
    tracker: Literal["tensorboard", "trackio"] | None = None

    def __post_init__(self) -> None:
        """Raise InputError for a value that makes no sense."""
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; it must be at least 0 and below 1")
        if not self.towers or len(set(self.towers)) < len(self.towers):
            raise InputError(f"towers is {self.towers}; name image, text or both, each once")
        if self.swap_weight and "image" not in self.towers:
            raise InputError(
                "swap_weight trains the image tower, and towers is text alone: say "
                "towers=image,text, or leave swap_weight out"
            )


DEFAULTS = AdversarialSettings()


def train_adversarial(
    encoder: DualEncoder,
    data: FittingData,
    settings: AdversarialSettings = DEFAULTS,
    *,
    seed: int = 0,
    out: Path | None = None,
    resume: bool = True,
    score: Score | None = None,
    identities: Identities | None = None,
) -> Debiaser:
    """Train a LoRA adapter against adversaries, one per attribute; the encoder stays as it is.

    Under torchrun every process calls this with the same arguments, and all get the same result;
    a batch is divided among them.

    Args:
        encoder: the model to debias.
        data: what `fitting_data` made with it. Its general images are kept in place; captions of
            theirs are texts whose similarities are kept.
        seed: of every random draw.
        out: a folder for checkpoints and the losses of every step (`losses.jsonl`).
        resume: go on from the newest checkpoint in `out`; False removes what is there.
        score: of a candidate on held-out images, higher is better: the last one as good as the
            best is returned (see `AS_GOOD`), and training stops early.
        identities: words for the subgroups, for the text tower; the shipped ones by default.

    Raises:
        InputError: the encoder is debiased already, a setting that cannot be met, `out` holds
            another run or cannot be written, no words for a subgroup, no captions to swap though
            they are wanted, diverged training.
    """
    debiaser = Debiaser.of(encoder, method=METHOD)  # refuses one that is debiased already
    with torch.random.fork_rng(devices=[encoder.device] if encoder.device.type == "cuda" else []):
        training = prepared(encoder, data, settings, seed=seed, out=out, identities=identities)
        accelerator, model = training.accelerator, training.model
        checkpoints = None
        if out is not None:
            checkpoints = Checkpoints(out, _run(encoder, data, settings, seed))
            _prepare(training, checkpoints, resume)
        training.run(
            checkpoints,
            settings.checkpoint_every,
            None if score is None else _judge(encoder, debiaser, model, score, accelerator),
            settings.evaluate_every,
            settings.patience,
        )
    accelerator.end_training()
    progress = training.progress
    return Debiaser.of(
        encoder,
        method=METHOD,
        adapter=Adapter.of(model),
        attributes=data.attributes,
        settings={
            "options": asdict(settings),
            "seed": seed,
            "steps_taken": progress.step,
            "score": progress.best_score,
            "data": described(data),
        },
        demonstration=demonstration(data),
    )


def prepared(
    encoder: DualEncoder,
    data: FittingData,
    settings: AdversarialSettings,
    *,
    seed: int,
    out: Path | None = None,
    identities: Identities | None = None,
) -> Training:
    """A run before its first step; see `train_adversarial`. Seeds torch's generator."""
    accelerator = _accelerator(encoder, settings, out)
    torch.manual_seed(seed)
    plan = Plan(
        batch_size=settings.batch_size,
        shards=accelerator.num_processes * settings.gradient_accumulation,
        seed=seed,
        weights=Weights(
            settings.mean_weight,
            settings.network_weight,
            settings.labelled_weight,
            settings.similarity_weight,
            settings.swap_weight,
        ),
        adversary=(settings.adversary_learning_rate, settings.adversary_steps),
    )
    modalities = {}
    if "image" in settings.towers:
        modalities["image"] = images(encoder, data, plan)
    if "text" in settings.towers:
        words = identities or load_identities()
        modalities["text"] = texts(encoder, data, plan, words, settings.counterfactual)
    return Training(
        _with_lora(encoder, settings),
        modalities,
        accelerator,
        steps=settings.steps,
        accumulation=settings.gradient_accumulation,
        lr=settings.learning_rate,
        seed=seed,
    )


def _accelerator(
    encoder: DualEncoder, settings: AdversarialSettings, out: Path | None
) -> Accelerator:
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState

    if settings.tracker and out is None:
        raise InputError(f"tracker={settings.tracker} needs a folder to write to: give out")
    # Accelerate remembers the precision of the first run in a process, and refuses another.
    AcceleratorState._reset_state()
    try:
        accelerator = Accelerator(
            cpu=encoder.device.type == "cpu",
            mixed_precision=settings.mixed_precision,
            log_with=settings.tracker,
            project_dir=None if out is None else str(out),
            # A tower may have layers, such as an unused pooler, that no embedding passes.
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        if settings.tracker:
            plain = {k: str(v) for k, v in asdict(settings).items()}
            accelerator.init_trackers("unskew-adversarial", config=plain)
    except (ImportError, ValueError) as error:
        raise InputError(f"training cannot start: {' '.join(str(error).split())}") from error
    shards = accelerator.num_processes * settings.gradient_accumulation
    if settings.batch_size % (GENERAL_SHARE * shards):
        raise InputError(
            f"batch_size is {settings.batch_size}; make it a multiple of {GENERAL_SHARE * shards}: "
            f"{accelerator.num_processes} processes x {settings.gradient_accumulation} "
            f"accumulated forwards x {GENERAL_SHARE}, since one image in {GENERAL_SHARE} is general"
        )
    return accelerator


def _with_lora(encoder: DualEncoder, settings: AdversarialSettings) -> Any:
    """A copy of the model with a new adapter, whose first effect is none."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=lora_targets(encoder.model, settings.towers, settings.blocks),
    )
    with catch_warnings():
        # Of PEFT's own use of transformers: nothing a person here could change.
        simplefilter("ignore", FutureWarning)
        model = get_peft_model(deepcopy(encoder.model), config)
    model.peft_config["default"].base_model_name_or_path = encoder.name
    return model


def _run(
    encoder: DualEncoder, data: FittingData, settings: AdversarialSettings, seed: int
) -> dict[str, Any]:
    """What must be the same for a run to go on. How often to save or to log may differ."""
    digest = hashlib.sha256()
    for array in (data.fit.embeddings, data.fit.labels, data.preserve):
        digest.update(np.ascontiguousarray(array).tobytes())
    free = ("checkpoint_every", "tracker")
    chosen = {k: v for k, v in asdict(settings).items() if k not in free}
    return {
        "model": encoder.weights,
        "data": digest.hexdigest()[:32],
        "attributes": list(data.attributes),
        "seed": seed,
        **chosen,
    }


def _prepare(training: Training, checkpoints: Checkpoints, resume: bool) -> None:
    """Go on from the newest checkpoint, or start anew; the losses' file follows."""
    main = training.accelerator.is_main_process
    if not resume and main:
        checkpoints.clear()
    training.accelerator.wait_for_everyone()
    found = checkpoints.load()
    if found is not None:
        training.resume(found)
    if main:
        cut_losses(checkpoints.folder / LOSSES, training.progress.step)
    training.accelerator.wait_for_everyone()


def _judge(
    encoder: DualEncoder,
    debiaser: Debiaser,
    model: Any,
    score: Score,
    accelerator: Accelerator,
) -> Callable[[], float]:
    """The score of the model as it is: the main process finds it, all get it."""
    from accelerate.utils import broadcast_object_list

    def judge() -> float:
        found = [0.0]
        if accelerator.is_main_process:
            found = [score(replace(debiaser, adapter=Adapter.of(model)).apply(encoder))]
        broadcast_object_list(found)
        return found[0]

    return judge
