"""The registry: every debiasing method by name, fitted through one door.

Importing this loads no method: each is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unskew.debias.options import Option, check_options, options_of
from unskew.errors import InputError

if TYPE_CHECKING:
    from unskew.debias.fitting import FittingData
    from unskew.encoders import Debiaser, DualEncoder


@dataclass(frozen=True)
class Method:
    """A debiasing method.

    Attributes:
        name: as the command takes it.
        title: what it does, in a few words.
        paper: whose it is.
        fit: (encoder, data, seed, out, options) -> Debiaser; see `fit_method`.
        options: its own options by name.
    """

    name: str
    title: str
    paper: str
    fit: Callable[[DualEncoder, FittingData, int, Path | None, dict[str, Any]], Debiaser]
    options: Callable[[], dict[str, Option]]


def fit_method(
    name: str,
    encoder: DualEncoder,
    data: FittingData,
    seed: int = 0,
    out: Path | None = None,
    **options: Any,
) -> Debiaser:
    """Fit a method of `METHODS`.

    Args:
        name: of the method.
        encoder: the model to debias, which stays as it is.
        data: what `fitting_data` made with this encoder.
        seed: of every random draw.
        out: a folder for checkpoints, from which the same call goes on where it was stopped; only
            methods that train for minutes write to it.
        options: the method's own; values may be texts.

    Raises:
        InputError: an unknown method or option, a value that makes no sense, or data that lack
            what the method needs.
    """
    method = find_method(name)
    if seed < 0:
        raise InputError(f"seed is {seed}; give a whole number of at least 0")
    return method.fit(encoder, data, seed, out, check_options(method.options(), options, name))


def find_method(name: str) -> Method:
    """A method by name. Raises InputError, listing what there is."""
    if name not in METHODS:
        raise InputError(f"there is no method {name!r}; there are {', '.join(METHODS)}")
    return METHODS[name]


Supply = Callable[["DualEncoder", "FittingData"], dict[str, Any]]


def _on_embeddings(
    name: str, title: str, paper: str, supply: Supply | None = None, supplied: tuple[str, ...] = ()
) -> Method:
    """A method that fits heads on embeddings, in the module of its name.

    ``supply`` makes the arguments called ``supplied``, which are no options, from model and data.
    """

    def load() -> Callable[..., Any]:
        return import_module(f"unskew.debias.{name.replace('-', '_')}").fit

    def options() -> dict[str, Option]:
        return options_of(load(), without=supplied)

    def fit(
        encoder: DualEncoder,
        data: FittingData,
        seed: int,
        out: Path | None,
        chosen: dict[str, Any],
    ) -> Debiaser:
        from unskew.encoders import Debiaser

        effective = {o.name: o.default for o in options().values()} | chosen
        heads = load()(data, seed, **chosen, **(supply(encoder, data) if supply else {}))
        return Debiaser.of(
            encoder,
            method=name,
            heads=heads,
            attributes=data.attributes,
            settings={"options": effective, "seed": seed, "data": described(data)},
            demonstration=demonstration(data),
        )

    return Method(name, title, paper, fit, options)


def described(data: FittingData) -> dict[str, Any]:
    """Names and sizes of what was fitted on, as JSON can hold them."""
    return {
        "fit": {"images": data.fit.images.name, "n": len(data.fit)},
        "validation": {"images": data.validation.images.name, "n": len(data.validation)},
        "preserve": [{"images": s.name, "n": len(s)} for s in data.preserve_images],
        "subgroups": list(data.subgroups),
    }


def demonstration(data: FittingData) -> bool:
    """Whether any of the data is for demonstration only."""
    return any(s.demonstration for s in (data.fit.images, *data.preserve_images))


def _valence(encoder: DualEncoder, data: FittingData) -> dict[str, Any]:
    """MMBias's pleasant and unpleasant phrases."""
    from unskew.stimuli import load_stimuli

    asked = load_stimuli("mmbias").attributes
    assert asked is not None
    return {
        "attribute_a": encoder.embed_texts(asked.a.words, asked.template),
        "attribute_b": encoder.embed_texts(asked.b.words, asked.template),
    }


SCORED_IMAGES = 200
"""Validation images of each set that a candidate with other towers is scored on."""


def _able(encoder: DualEncoder, data: FittingData) -> dict[str, Any]:
    """ABLE of candidate heads; None without a set to measure utility on."""
    from unskew.debias.validation import Validator, has_answers

    if not any(has_answers(s) for s in data.preserve_images):
        return {"score": None}
    return {"score": Validator(encoder, data).able}


def _joint(encoder: DualEncoder, data: FittingData) -> dict[str, Any]:
    """ABLE of candidate heads, and captions with the identity swapped, made when asked for."""
    from unskew.debias.counterfactual import swapped_captions

    return {**_able(encoder, data), "swap": partial(swapped_captions, encoder, data)}


def _score(encoder: DualEncoder, data: FittingData) -> Callable[[DualEncoder], float] | None:
    """ABLE of a candidate on held-out images; None without a set to measure utility on."""
    from unskew.debias.validation import Validator, has_answers

    if not any(has_answers(s) for s in data.preserve_images):
        return None
    validator = Validator(encoder, data)
    return lambda candidate: validator.scores_of(candidate, SCORED_IMAGES).able


def _train(
    encoder: DualEncoder, data: FittingData, seed: int, out: Path | None, chosen: dict[str, Any]
) -> Debiaser:
    from unskew.debias.adversarial import AdversarialSettings, train_adversarial

    return train_adversarial(
        encoder,
        data,
        AdversarialSettings(**chosen),
        seed=seed,
        out=out,
        score=_score(encoder, data),
        identities=data.words,
    )


def _training_options() -> dict[str, Option]:
    from unskew.debias.adversarial import AdversarialSettings

    return options_of(AdversarialSettings)


METHODS: dict[str, Method] = {
    m.name: m
    for m in (
        _on_embeddings(
            "orth-proj",
            "projects away what the subgroup prompts span",
            "Chuang et al. 2023, arXiv 2302.00070",
        ),
        _on_embeddings(
            "orth-cali",
            "Orth-Proj, and captions that differ in the subgroup alone are drawn together",
            "Chuang et al. 2023, arXiv 2302.00070",
        ),
        _on_embeddings(
            "clip-clip",
            "drops the dimensions that say most about the subgroup",
            "Wang, Liu and Wang 2021, arXiv 2109.05433",
        ),
        _on_embeddings(
            "leace",
            "moves images least so that no linear classifier finds the subgroup",
            "Belrose et al. 2023, arXiv 2306.03819",
        ),
        _on_embeddings(
            "leace-preserve",
            "LEACE that moves general images as little as faces",
            "after Belrose et al. 2023, arXiv 2306.03819",
        ),
        _on_embeddings(
            "sfid",
            "overwrites the dimensions by which a random forest tells the subgroup",
            "Jung, Jang and Wang 2024, arXiv 2410.07593",
        ),
        _on_embeddings(
            "spd",
            "projects away one probe after the other, and puts the neutral part back",
            "arXiv 2511.18123, after Ravfogel et al. 2020, arXiv 2004.07667",
        ),
        _on_embeddings(
            "closed-form",
            "shifts weight out of the space between the subgroups' prompts",
            "arXiv 2603.12998",
        ),
        _on_embeddings(
            "mmbias-dims",
            "drops the dimensions without which subgroups differ less in valence",
            "Janghorbani and de Melo 2023, arXiv 2303.12734",
            _valence,
            ("attribute_a", "attribute_b"),
        ),
        _on_embeddings(
            "joint",
            "distils similarities of counterfactual faces and captions into both modalities",
            "after Zhang, Guo and Kankanhalli 2025, arXiv 2411.12785",
            _joint,
            ("score", "swap"),
        ),
        _on_embeddings(
            "joint-published",
            "the same with the published terms and settings",
            "Zhang, Guo and Kankanhalli 2025, arXiv 2411.12785",
            _able,
            ("score",),
        ),
        Method(
            "adversarial",
            "trains LoRA in the towers against adversaries that predict the subgroup",
            "after Zhang, Lemoine and Mitchell 2018, arXiv 1801.07593",
            _train,
            _training_options,
        ),
    )
}

COMPARED = tuple(name for name in METHODS if name != "joint-published")
"""What a comparison fits unless told otherwise; with the published queues of
65,536 that one takes hours on two cores."""
