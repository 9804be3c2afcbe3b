"""`push_to_hub`, and loading back by id. The Hub's address is read at import: own processes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from loopback_hub import WRITES, environment, serve
from test_debiaser import CONFIG, HEADS, JSON, WEIGHTS, adapter_of, debiaser_of, heads_of

from unskew.encoders import Affine, Debiaser, DualEncoder, Heads
from unskew.errors import InputError

STEPS = """
import json, sys, time
from unskew.encoders import Debiaser, DualEncoder
from unskew.errors import InputError

sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.005))  # no waiting between attempts

for step, repo, *options in json.loads(sys.argv[1]):
    if step == "push":
        debiaser = Debiaser.from_pretrained(options.pop(0))
        try:
            print(json.dumps(debiaser.push_to_hub(repo, *options)))
        except InputError as error:
            print(json.dumps(str(error)))
    else:
        encoder = DualEncoder.from_pretrained(repo)
        print(json.dumps([encoder.name, encoder.embed_texts(options).tolist()]))
"""


def run(endpoint: str, home: Path, cwd: Path, *steps: tuple) -> list:
    """What each step gave, in one fresh process there with that Hub and Hugging Face cache."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS, json.dumps(steps)],
        env=environment(endpoint, home),
        cwd=cwd,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_published_and_loaded_back_by_id(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    base = DualEncoder.from_pretrained(tiny("clip"))
    data = {"fit": {"images": f"{tmp_path}/faces:train"}, "preserve": ["user/photos:train"]}
    settings = {"rank": 3, "seed": 0, "data": data}
    headed = debiaser_of(base, heads=heads_of("affine"), settings=settings)
    adapted = debiaser_of(base, adapter=adapter_of(base), settings=settings)
    one, two, texts = str(tmp_path / "one"), str(tmp_path / "two"), ["kind", "doctor"]
    headed.save_pretrained(one)
    adapted.save_pretrained(two)
    repo, home = "you/fair", tmp_path / "home"
    with serve() as hub:
        url, [name, headed_texts], again, [_, adapted_texts], branch, refused = run(
            hub.endpoint,
            home,
            tiny("clip").parent,  # where a folder of the base's name lies
            ("push", repo, one, True, WRITES),
            ("load", repo, *texts),
            ("push", repo, two, False, WRITES),
            ("load", repo, *texts),
            ("push", repo, one, False, WRITES, "v2"),
            ("push", "forbidden/fair", one, False, WRITES),
        )
    assert url == again == branch == f"{hub.endpoint}/{repo}"
    assert name == repo
    np.testing.assert_allclose(headed_texts, headed.apply(base).embed_texts(texts), atol=1e-6)
    np.testing.assert_allclose(adapted_texts, base.embed_texts(texts), atol=1e-6)
    assert "cannot publish forbidden/fair: " in refused
    assert "no right to write" in refused
    # Empty, then one commit for each push; the second took away what the first had put there.
    pushed = hub.repository(repo)
    headed_files, adapted_files = {"README.md", JSON, HEADS}, {"README.md", JSON, CONFIG, WEIGHTS}
    own = [set(c.files) - {".gitattributes"} for c in pushed.commits.values()]
    assert own == [set(), headed_files, adapted_files, headed_files]
    assert set(pushed.files("main")) == adapted_files
    assert set(pushed.files("v2")) == headed_files
    for files in (pushed.files("main"), pushed.files("v2")):
        for place in (tmp_path, tiny("clip").parent):
            assert not [name for name, content in files.items() if str(place).encode() in content]
        assert json.loads(files[JSON])["base"] == tiny("clip").name
        assert json.loads(files[JSON])["settings"]["data"] == {
            "fit": {"images": "faces:train"},
            "preserve": ["user/photos:train"],
        }
    assert pushed.private

    [_, cached], unreachable = run(
        "http://127.0.0.1:9",
        home,
        tiny("clip").parent,
        ("load", repo, *texts),
        ("push", repo, one, False, WRITES),
    )
    assert cached == adapted_texts
    assert unreachable.startswith(f"cannot publish {repo}: ")
    assert "\n" not in unreachable


def test_an_invalid_name(tiny: Callable[[str], Path]) -> None:
    debiaser = debiaser_of(DualEncoder.from_pretrained(tiny("clip")), heads=heads_of("affine"))
    for name in ("two words/x", "a/b/c", ""):
        with pytest.raises(InputError, match=f"cannot publish {name}: "):
            debiaser.push_to_hub(name)


def test_the_card(tiny: Callable[[str], Path]) -> None:
    from unskew.encoders.pushing import card

    def text(**fields: object) -> ModelCard:
        values = {"base": "openai/clip-vit-base-patch32", "base_fingerprint": "0", "adapter": None}
        values |= {"heads": Heads(image=Affine(np.eye(2))), "method": "leace"}
        values |= {"attributes": ("gender",), "settings": {"seed": 7}}
        return card(Debiaser(**(values | fields)), "me/fair")  # type: ignore[arg-type]

    plain = text()
    assert plain.data.library_name == "unskew"
    assert plain.data.base_model == "openai/clip-vit-base-patch32"
    assert {"unskew", "leace"} <= set(plain.data.tags)
    assert 'DualEncoder.from_pretrained("me/fair")' in plain.text
    assert '"seed": 7' in plain.text
    assert "demonstration" not in plain.text
    assert "demonstration" in text(demonstration=True).text
    local = text(base=str(tiny("clip")))
    assert local.data.base_model is None
    assert f"A local model, `{tiny('clip').name}`, debiased" in local.text
    assert "not published here" in local.text
    gone = text(base="/home/somebody/models/mine", settings={"data": "../faces/here:test"})
    assert gone.data.base_model is None
    assert "`mine`" in gone.text
    assert "somebody" not in str(gone)
    assert '"here:test"' in gone.text
    data = {"fit": "/home/some body/faces:train", "of": "user/photos:train", "n": 3}
    notes = ["3 images of /home/some body/faces:train, and of /data/more: a/b.", "man/woman"]
    told = text(base="/home/some body/mine", settings={"data": data, "notes": notes}).text
    assert '"fit": "faces:train"' in told
    assert '"of": "user/photos:train"' in told
    assert "3 images of faces:train, and of more: a/b." in told
    assert '"man/woman"' in told
    for base in ("../mine", "~/mine", "./mine", "a/b/mine", r"C:\models\mine"):
        assert text(base=base).data.base_model is None
        assert f"`{base}`" not in text(base=base).text
    assert text(base="unskew/mini").data.base_model is None  # of the package, not of the Hub
