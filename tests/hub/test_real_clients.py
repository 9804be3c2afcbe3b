"""Push and pull as people do: transformers, datasets, evaluate and the command, by name.

Their Hub's address is read at import, so what they do is a program of its own: one while the Hub
answers, and one when it is gone and only the cache is left.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from datasets import load_dataset
from loopback_hub import environment, serve
from PIL import Image

from unskew.curate.build import build_set
from unskew.curate.curation import open_curation
from unskew.encoders import Debiaser, DualEncoder
from unskew.hub.register import metrics_root, shipped

sys.path.insert(0, str(Path(__file__).parents[1] / "curate"))
from small_curation import curated, decide

PUSH = """
import json, sys
from transformers import CLIPModel, CLIPProcessor
from unskew import debias_model
from unskew.cli import main

clip, faces, words, folder, small_set, two_categories = sys.argv[1:]
CLIPModel.from_pretrained(clip).push_to_hub("you/tiny-clip")
CLIPProcessor.from_pretrained(clip).push_to_hub("you/tiny-clip")
made = {
    "head": ("leace", {}),
    "lora": ("adversarial", {"steps": 3, "batch_size": 8}),
}
for name, (method, options) in made.items():
    out = f"{folder}/{name}"
    debias_model(
        method, "you/tiny-clip", faces, ["gender"], out, stimuli=words, options=options
    )
for arguments in (
    ["model", f"{folder}/head", "--repo", "you/clip-head"],
    ["model", f"{folder}/lora", "--repo", "you/clip-debiased"],
    ["model", f"{folder}/lora", "--repo", "you/clip-merged", "--merged"],
    ["dataset", small_set, "--repo", "you/real-world-bias"],
    ["dataset", two_categories, "--repo", "you/two-categories"],
    ["metric", "weat_bias", "--repo", "you/weat_bias"],
    ["space", "--repo", "you/explorer"],
):
    sys.argv = ["unskew", "publish", *arguments]
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, arguments
"""

PULL = """
import json, os, sys
import numpy as np
from PIL import Image
from transformers import CLIPModel, CLIPProcessor
from datasets import load_dataset
import evaluate
from unskew import DualEncoder

found = {}
picture = Image.fromarray(np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3))
def embedded(model, processor):
    inputs = CLIPProcessor.from_pretrained(processor)(images=[picture], return_tensors="pt")
    features = model.get_image_features(**inputs).pooler_output.detach().numpy()
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).tolist()

model = CLIPModel.from_pretrained("you/clip-merged")
found["without peft"] = not hasattr(model, "peft_config"), "peft" in sys.modules
found["merged"] = embedded(model, "you/clip-merged")
for name in ("you/clip-head", "you/clip-debiased", "you/clip-merged"):
    found[name] = DualEncoder.from_pretrained(name).embed_images([picture]).tolist()
model = CLIPModel.from_pretrained("you/clip-debiased")
found["peft"] = type(model).__name__, sorted(model.peft_config)
found["transformers"] = embedded(model, "you/tiny-clip")
data = load_dataset("you/real-world-bias", "gender")
found["rows"] = {split: rows.num_rows for split, rows in data.items()}
found["subgroup"] = data["train"].features["subgroup"].int2str(data["train"][0]["subgroup"])
found["size"] = data["train"][0]["image"].size
# From its cache, `datasets` asks for a name once several configurations are in it.
both = load_dataset("you/two-categories", *["default"][: os.environ["HF_HUB_OFFLINE"] == "1"])
found["categories"] = sorted(
    {rows.features["category"].int2str(n) for rows in both.values() for n in rows["category"]}
)
found["ids"] = sorted(i for rows in both.values() for i in rows["id"])
found["by config"] = sorted(
    i
    for name in ("gender", "age")
    for rows in load_dataset("you/two-categories", name).values()
    for i in rows["id"]
)
weat = evaluate.load("you/weat_bias")
rng = np.random.default_rng(0)
sets = {name: rng.normal(size=(4, 3)) for name in "XYAB"}
found["d"] = weat.compute(**sets, permutations=100)["effect_size"]
print(json.dumps(found))
"""


def run(program, endpoint, home, *arguments, **changes):
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=environment(endpoint, home) | changes,
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def two_categories(folder):
    """A set of faces, some of which reviewers have given an age instead of a gender."""
    raw = curated(folder / "two", 18)
    ids = [record.id for record in open_curation(raw).records]
    said = [(i, "Ada", "relabel", "age", "Adult") for i in ids[::3]]
    decide(raw, [*said, *((i, "Ada", "keep") for i in ids[1::3])])
    return build_set(raw, folder / "two-categories").folder


@pytest.fixture(scope="module")
def published(given, tiny_clip, small_set, tmp_path_factory):
    """The Hub, the folder, and what was found while the Hub answered and when it was gone."""
    folder = tmp_path_factory.mktemp("published")
    home, reader = folder / "home", folder / "reader"
    home.mkdir()
    reader.mkdir()
    with serve() as hub:
        words = given / "warmth.json"
        two = two_categories(folder)
        run(PUSH, hub.endpoint, home, tiny_clip, given / "faces", words, folder, small_set, two)
        online = json.loads(run(PULL, hub.endpoint, reader).splitlines()[-1])
    offline = {"HF_HUB_OFFLINE": "1", "HF_EVALUATE_OFFLINE": "1"}
    gone = run(PULL, "http://127.0.0.1:9", reader, **offline)
    return hub, folder, online, json.loads(gone.splitlines()[-1])


def test_models_by_name(published, tiny_clip):
    _, folder, online, _ = published
    picture = Image.fromarray(np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3))
    base = DualEncoder.from_pretrained(tiny_clip)
    for name, made in (("you/clip-head", "head"), ("you/clip-debiased", "lora")):
        local = Debiaser.from_pretrained(folder / made)
        assert local.base == "you/tiny-clip"
        expected = local.derived(base, name).embed_images([picture])
        np.testing.assert_allclose(online[name], expected, atol=1e-5)
    assert online["peft"] == ["CLIPModel", ["default"]]
    np.testing.assert_allclose(online["transformers"], online["you/clip-debiased"], atol=1e-5)
    assert online["without peft"] == [True, False]
    for name in ("merged", "you/clip-merged"):
        np.testing.assert_allclose(online[name], online["you/clip-debiased"], atol=1e-5)
    plain = base.embed_images([picture])
    for name in ("you/clip-head", "you/clip-debiased"):
        assert not np.allclose(online[name], plain, atol=1e-3)


def test_the_card_names_the_base_model(published):
    hub, *_ = published
    for name in ("you/clip-head", "you/clip-debiased"):
        card = hub.repository(name).files()["README.md"].decode()
        assert "base_model: you/tiny-clip" in card
        assert "The fit took" in card
    assert "loads its LoRA adapter" in card
    files = hub.repository("you/clip-merged").files()
    assert not {name for name in files if name.startswith("adapter")}
    assert '`transformers.CLIPModel.from_pretrained("you/clip-merged")`' in str(files["README.md"])


def test_a_set_by_name(published, small_set):
    *_, online, _ = published
    rows = [json.loads(line) for line in (small_set / "metadata.jsonl").read_text().splitlines()]
    assert sum(online["rows"].values()) == len(rows)
    assert online["subgroup"] in {row["subgroup"] for row in rows}
    assert min(online["size"]) > 0


def test_a_set_of_several_categories_without_naming_one(published):
    """On the Hub, and on this disk; from `datasets` that knows nothing of unskew."""
    _, folder, online, gone = published
    rows = [
        json.loads(line)
        for line in (folder / "two-categories" / "metadata.jsonl").read_text().splitlines()
    ]
    assert online["categories"] == gone["categories"] == ["age", "gender"]
    assert online["ids"] == online["by config"] == sorted(row["id"] for row in rows)
    local = load_dataset(str(folder / "two-categories"), cache_dir=str(folder / "cache"))
    assert sorted(i for part in local.values() for i in part["id"]) == online["ids"]
    named = {row["id"]: (row["category"], row["subgroup"]) for row in rows}
    for part in local.values():
        features = part.features
        for row in part:
            category = features["category"].int2str(row["category"])
            assert named[row["id"]] == (category, features["subgroup"].int2str(row["subgroup"]))
            assert min(row["image"].size) > 0


def test_a_metric_by_name(published):
    import evaluate

    *_, online, _ = published
    rng = np.random.default_rng(0)
    sets = {name: rng.normal(size=(4, 3)) for name in "XYAB"}
    shown = evaluate.load(str(metrics_root() / "weat_bias"))
    assert online["d"] == pytest.approx(shown.compute(**sets, permutations=100)["effect_size"])


def test_the_space_is_what_is_shipped(published):
    hub, *_ = published
    files = hub.repository("you/explorer", "spaces").files()
    for path in (shipped("spaces") / "bias_explorer").iterdir():
        if path.is_file():
            assert files[path.name] == path.read_bytes()


def test_all_of_it_works_without_the_hub_once_loaded(published):
    *_, online, gone = published
    assert gone == online


def test_each_was_one_commit(published):
    hub, *_ = published
    for kind, name in (
        ("models", "you/clip-head"),
        ("models", "you/clip-debiased"),
        ("models", "you/clip-merged"),
        ("datasets", "you/real-world-bias"),
        ("spaces", "you/weat_bias"),
        ("spaces", "you/explorer"),
    ):
        assert len(hub.repository(name, kind).commits) == 2, Path(name)
