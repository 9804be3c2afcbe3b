"""The registry: every method through one door, with its options checked."""

import subprocess
import sys

import labelled_pictures as pictures
import numpy as np
import pytest

from unskew.corpora import load_captioned, load_images
from unskew.debias.fitting import fitting_data
from unskew.debias.methods import METHODS, find_method, fit_method
from unskew.debias.options import Option, check_options, options_of
from unskew.encoders import Debiaser, DualEncoder
from unskew.errors import InputError

MOVED = {
    "orth-proj": {"text"},
    "orth-cali": {"text"},
    "leace": {"image"},
    "leace-preserve": {"image"},
}
"""The modality that a method moves, and no other; those not named move both."""
ON_EMBEDDINGS = [n for n in METHODS if n not in ("adversarial", "joint")]


@pytest.fixture(scope="module")
def encoder():
    return DualEncoder.from_pretrained("unskew/mini")


@pytest.fixture(scope="module")
def data(encoder):
    """Coloured squares as faces, and squares of no colour as what is to be preserved."""
    parts = [load_images(pictures.faces(n, seed)) for seed, n in enumerate((60, 30))]
    return fitting_data(encoder, *parts, ["gender"], [load_captioned(pictures.things(20, 7))])


def test_asking_which_methods_there_are_loads_none():
    code = (
        "import sys; from unskew.debias import METHODS;"
        "print(len(METHODS), 'torch' in sys.modules, 'unskew.debias.leace' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(METHODS)), "False", "False"]


@pytest.mark.parametrize("name", METHODS)
def test_every_entry_is_a_method_with_options(name):
    method = find_method(name)
    assert method.name == name
    assert method.title
    assert "arXiv" in method.paper
    for option in method.options().values():
        assert option.checked(option.default) == option.default


@pytest.mark.parametrize("name", ON_EMBEDDINGS)
def test_a_method_gives_a_debiaser_that_saves_and_loads(name, encoder, data, tmp_path):
    options = {"confidence": 0.99} if name in ("sfid", "spd") else {}
    options |= {"threshold": 10.0} if name == "mmbias-dims" else {}
    options |= {"epochs": 4} if name == "joint-published" else {}
    made = fit_method(name, encoder, data, seed=3, **options)
    assert (made.method, made.attributes, made.demonstration) == (name, ("gender",), True)
    assert made.settings["seed"] == 3
    assert made.settings["options"].keys() == METHODS[name].options().keys()
    assert made.settings["options"].items() >= options.items()
    assert made.settings["data"]["subgroups"] == ["Female", "Male"]
    assert made.settings["data"]["fit"]["n"] == 60
    assert [p["n"] for p in made.settings["data"]["preserve"]] == [20]
    made.save_pretrained(tmp_path / "out")
    again = Debiaser.from_pretrained(tmp_path / "out")
    assert again.settings == made.settings
    faces = data.fit.images.images
    before, after = (e.embed_images(faces) for e in (encoder, made.apply(encoder)))
    loaded = DualEncoder.from_pretrained(tmp_path / "out")
    assert np.allclose(loaded.embed_images(faces), after, atol=1e-6)
    texts = [e.embed_texts(["a woman"]) for e in (encoder, loaded)]
    pairs = {"image": (before, after), "text": texts}
    moved = {m for m, (one, two) in pairs.items() if not np.allclose(one, two, atol=1e-3)}
    assert moved == MOVED.get(name, {"image", "text"})


def test_options_may_be_texts(encoder, data):
    made = fit_method("leace-preserve", encoder, data, weight="0.5")
    assert made.settings["options"] == {"weight": 0.5}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("leece", {}, r"there is no method 'leece'; there are orth-proj, .*leace-preserve"),
        ("leace", {"rank": "8"}, r"^leace has no option 'rank'; it has none$"),
        (
            "sfid",
            {"rank": "8"},
            r"sfid has no option 'rank'; it has dimensions \(50\), confi.*\(default in brackets\)$",
        ),
        ("sfid", {"dimensions": "many"}, r"option dimensions=many: input should be a valid int"),
        ("orth-proj", {"modalities": "smell"}, r"option modalities=smell: input should be 'text'"),
        ("mmbias-dims", {"attribute_a": "x"}, r"mmbias-dims has no option 'attribute_a'"),
    ],
)
def test_what_cannot_be_used_is_said(name, options, message, encoder, data):
    with pytest.raises(InputError, match=message):
        fit_method(name, encoder, data, **options)


def test_a_negative_seed(encoder, data):
    with pytest.raises(InputError, match="seed is -1"):
        fit_method("sfid", encoder, data, seed=-1)


class TestOptions:
    @pytest.mark.parametrize(
        ("kind", "text", "value"),
        [
            (int, "8", 8),
            (float, "1e-4", 1e-4),
            (float, "3", 3.0),
            (bool, "false", False),
            (str, "8", "8"),
            (int | None, "none", None),
            (tuple[str, ...], "image,text", ("image", "text")),
            (tuple[str, ...], "image", ("image",)),
        ],
    )
    def test_a_text_is_read_as_the_type_says(self, kind, text, value):
        found = Option("x", kind, None).checked(text)
        assert found == value
        assert type(found) is type(value)

    def test_values_that_are_no_text_stay(self):
        def fit(data, seed=0, *, rate: float = 0.1, score: object = None): ...

        known = options_of(fit, without=("score",))
        assert list(known) == ["rate"]
        assert check_options(known, {"rate": 0.2}, "fit") == {"rate": 0.2}
        with pytest.raises(InputError, match="option rate=None: input should be a valid number"):
            check_options(known, {"rate": None}, "fit")
