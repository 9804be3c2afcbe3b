"""The card of a model that was debiased here: each number in it, and where it comes from."""

import json
import math
import re
import shutil

import pytest
import yaml
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from unskew.errors import InputError
from unskew.hub.model_card import ASKED
from unskew.hub.publish import model_bundle

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?![\w.]*\w)")


@pytest.fixture(scope="module")
def bundle(debiased):
    return model_bundle(debiased, "you/fair")


def read(bundle, name):
    return json.loads(bundle.files[name])


def numbers_in(value):
    """Every number in JSON, and those that stand in its texts."""
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers_in(v)]
    if isinstance(value, list):
        return [n for v in value for n in numbers_in(v)]
    if isinstance(value, str):
        return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", value)]
    return [] if value is None or isinstance(value, bool) else [float(value)]


def test_every_number_of_the_card_is_in_the_results(bundle):
    results = read(bundle, "results.json")
    known = numbers_in(results)
    confidence = results["measured"]["settings"]["confidence"]
    known += [1 - confidence, 100 * confidence]
    body = bundle.card.split("\n---\n", 1)[1]
    body = re.sub(r"!\[.*?\]\(.*?\)", "", body)  # names of figures
    assert results["measured"]["created"] in body
    body = body.replace(results["measured"]["created"], "")
    written = NUMBER.findall(body.split("## What changed")[1])
    assert len(written) > 40
    for token in written:
        digits = len(token.partition(".")[2])
        rounded = {f"{abs(value):.{digits}f}" for value in known} | {"0"}
        assert token.lstrip("+-") in rounded, token
    signed = [t for t in written if t[0] in "+-"]
    assert {"+", "-"} >= {t[0] for t in signed}
    for token in signed:
        digits = len(token.partition(".")[2])
        assert any(f"{v:+.{digits}f}" == token for v in known), token


def test_every_number_of_the_results_is_in_what_was_measured(bundle):
    results, report = read(bundle, "results.json"), read(bundle, "report/report.json")
    measured = numbers_in(report) + numbers_in(read(bundle, "report/utility.json"))
    measured += numbers_in(read(bundle, "unskew_encoder.json"))
    computed = ("effects", "pairs_moved", "pairs_in_all")
    for value in numbers_in({k: v for k, v in results.items() if k not in computed}):
        assert value in measured
    changes = [c for c in report["changes"] if c["section"] != "contrasts"]
    assert results["pairs_in_all"] == len(changes)
    assert results["pairs_moved"] == sum(abs(c["change"]) >= 1e-6 for c in changes) > 0


def test_the_computed_numbers_computed_again(bundle):
    results, report = read(bundle, "results.json"), read(bundle, "report/report.json")
    (row,) = results["effects"]
    for side, told in (("before", report["before"]), ("after", report)):
        d = [abs(p["effect_size"]) for p in told["pairs"] if p["section"] != "contrasts"]
        assert row[f"mean_abs_{side}"] == pytest.approx(sum(d) / len(d))
        assert row[f"max_abs_{side}"] == pytest.approx(max(d))
        assert row[f"clear_{side}"] == sum(p["clear"] for p in told["pairs"])
    (pair,) = report["pairs"]
    # The mean of |d| under no difference: that of a centred normal of the variance of d.
    spread = math.sqrt(1 / pair["n_a"] + 1 / pair["n_b"])
    assert row["chance_abs"] == pytest.approx(spread * math.sqrt(2 / math.pi), rel=0.05)


def test_it_says_what_it_has_to(bundle):
    card = bundle.card
    for heading in (
        "What changed",
        "What it cost",
        "How it was measured",
        "How it was made",
        "Intended use",
        "Limitations",
        "Environmental cost",
    ):
        assert f"# {heading}" in card
    assert "The fit took" in card
    assert "R@5" in card
    assert "which moves images least so that no linear classifier finds the subgroup" in card
    results = read(bundle, "results.json")
    (effect,) = results["effects"]
    assert (
        f"mean |d| {effect['mean_abs_before']:.2f} before and {effect['mean_abs_after']:.2f}"
        in card
    )
    assert f"Fitted once, with seed {results['fitting']['seed']}." in card
    assert 'DualEncoder.from_pretrained("you/fair")' in card
    picture = re.search(r"!\[Effect sizes.*?\]\((.*?)\)", card).group(1)
    assert bundle.files[picture].startswith(b"\x89PNG")
    parsed = ModelCard(card)
    assert parsed.data.library_name == "unskew"
    (result, *_) = parsed.data.eval_results
    assert result.metric_type == "weat_mean_abs_d"
    assert result.metric_value == round(
        read(bundle, "results.json")["effects"][0]["mean_abs_after"], 4
    )


def test_no_place_on_this_disk_is_told(bundle, debiased, given, tiny_clip):
    for place in (debiased, given, tiny_clip.parent):
        for name, content in bundle.files.items():
            assert str(place).encode() not in content, name
    assert "Its base model is not published" in bundle.card
    assert any("nobody else can load" in warning for warning in bundle.warnings)


def test_what_people_say_fills_the_blanks(debiased):
    people = debiased / "card.yaml"
    waiting = [r for r in model_bundle(debiased, "you/fair").remarks() if "blank" in r]
    assert len(waiting) == len(ASKED)
    try:
        people.write_text(yaml.safe_dump({"license": "mit", "authors": "Ada, ada@example.org"}))
        filled = model_bundle(debiased, "you/fair")
        assert ModelCard(filled.card).data.license == "mit"
        assert "Ada, ada@example.org" in filled.card
        assert len([r for r in filled.remarks() if "blank" in r]) == len(ASKED) - 2
        for text, message in (
            ("autors: Ada", "card.yaml has autors; a card asks for license, authors"),
            ("- Ada", "no list of fields"),
            ("a: [", "is not YAML"),
        ):
            people.write_text(text)
            with pytest.raises(InputError, match=message):
                model_bundle(debiased, "you/fair")
    finally:
        people.unlink()


def test_results_on_data_of_the_hub_are_told_in_its_own_format(debiased, tmp_path):
    from huggingface_hub import parse_eval_result_entries

    copy = tmp_path / "out"
    shutil.copytree(debiased, copy)
    report = copy / "report" / "report.json"
    name = json.loads(report.read_text())["datasets"][0]["name"]
    report.write_text(report.read_text().replace(json.dumps(name), json.dumps("lab/faces:test")))
    made = model_bundle(copy, "you/fair")
    listed = yaml.safe_load(made.files[".eval_results/unskew.yaml"])
    (entry,) = parse_eval_result_entries(listed)
    assert (entry.dataset_id, entry.task_id) == ("lab/faces", "weat_gender")
    effects = json.loads(made.files["results.json"])["effects"]
    assert entry.value == round(effects[0]["mean_abs_after"], 4)


HOSTILE = "a|b\n# c <img src=x onerror=alert(1)> [d](javascript:e) **f** $g$ ```h"


def test_names_of_other_people_are_no_markup(bundle, debiased, tmp_path):
    copy = shutil.copytree(debiased, tmp_path / "out")
    for path in (copy / "unskew_encoder.json", *(copy / "report").glob("*.json")):
        text = path.read_text()
        for name in ("gender", "Female", "leace", "R@5", "faces"):
            text = text.replace(json.dumps(name), json.dumps(HOSTILE))
        path.write_text(text)
    hostile = model_bundle(copy, "you/fair")
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")

    def structure(card):
        """Everything but the text: what kinds of block and markup come after one another."""
        tokens = markdown.parse(card.split("\n---\n", 1)[1])
        inner = [child for t in tokens for child in t.children or []]
        kinds = {"text", "softbreak", "code_inline", "image"}  # a name may stand in a figure's alt
        return [t.type for t in tokens], [t.type for t in inner if t.type not in kinds]

    assert structure(hostile.card) == structure(bundle.card)
    shown = markdown.parse(hostile.card)
    said = [t.content for token in shown for t in token.children or [] if t.type == "text"]
    assert " ".join(HOSTILE.split()) in "".join(said).replace("\u2060", "")
