import dataclasses
import json
import math

import numpy as np
import pytest
from planted_images import image_set

from unskew import AuditReport, audit_model, weat
from unskew.audit.pairs import TEXT_ONLY, sentence
from unskew.encoders import LabelledEmbeddings
from unskew.errors import InputError, NotFoundError


@pytest.fixture
def report(encoder, images, stimuli):
    return audit_model(encoder, images, stimuli, cross=[("team", "size")], permutations=2000)


def rows(report, **wanted):
    return [r for r in report.pairs if all(getattr(r, k) == v for k, v in wanted.items())]


def test_planted_bias_is_found_with_its_sign(report):
    (red_blue,) = rows(
        report, category="team", section="attributes", subgroup_a="Blue", subgroup_b="Red"
    )
    assert red_blue.effect_size < -0.8
    assert red_blue.ci_low < red_blue.effect_size < red_blue.ci_high < 0
    assert red_blue.clear
    assert red_blue.p_value <= red_blue.p_bh <= red_blue.p_holm
    assert red_blue.favoured == "Red"
    assert red_blue.sentence == "Red is closer to warm than Blue"


def test_a_label_without_bias_is_not_clear(report):
    for row in rows(report, category="size", section="attributes"):
        assert not row.clear
        assert row.ci_low < 0 < row.ci_high


def test_rows_equal_the_measure_on_the_same_arrays(report, encoder, images, stimuli):
    warm, cold = (
        encoder.embed_texts(list(side.words), template="a {} person")
        for side in (stimuli.attributes.a, stimuli.attributes.b)
    )
    team = np.array(images.labels["team"])
    expected = weat(
        images.embeddings[team == "Blue"],
        images.embeddings[team == "Green"],
        warm,
        cold,
        alternative="two-sided",
        permutations=2000,
    )
    (row,) = rows(
        report, category="team", section="attributes", subgroup_a="Blue", subgroup_b="Green"
    )
    assert row.effect_size == pytest.approx(expected.effect_size, abs=1e-12)
    assert (row.ci_low, row.ci_high) == pytest.approx((expected.ci_low, expected.ci_high))
    assert row.p_value == expected.p_value


def test_intersections_are_subgroups(report):
    crossed = rows(report, category="team × size", section="attributes")
    assert len(crossed) == 15  # 3 teams x 2 sizes, every unordered pair
    assert {"Red × big", "Blue × small"} <= {r.subgroup_a for r in crossed} | {
        r.subgroup_b for r in crossed
    }


def test_text_only(report):
    (row,) = rows(report, section="targets")
    assert row.dataset == TEXT_ONLY
    assert row.exact
    assert row.effect_size > 1.5
    assert row.sentence == "Red is closer to warm than Blue"


def test_image_only_leaves_attribute_images_out_of_the_targets(encoder, stimuli):
    base = image_set()
    n = len(base.embeddings)
    place = ["indoors", "outdoors", None, None] * (n // 4)
    images = dataclasses.replace(base, labels={"team": base.labels["team"], "place": place})
    report = audit_model(encoder, images, stimuli, permutations=500)
    found = rows(report, section="image_attributes")
    assert {(r.subgroup_a, r.subgroup_b) for r in found} == {
        ("Blue", "Green"),
        ("Blue", "Red"),
        ("Green", "Red"),
    }
    assert {r.n_a for r in found} | {r.n_b for r in found} == {20}
    assert all(r.favoured is None for r in found)


def test_what_cannot_be_asked_is_said(report):
    assert report.notes == (
        "warmth was not asked of squares: it has no 'place' labelled 'indoors'.",
    )


def test_contrasts_are_one_family(report):
    family = rows(report, section="contrasts", category="team")
    assert len(family) == 6  # 2 pairs of prompts x 3 pairs of subgroups
    smallest = min(family, key=lambda r: r.p_value)
    assert smallest.p_holm == pytest.approx(min(1.0, 6 * smallest.p_value))


def test_nearest_attributes_and_lift(report):
    red = [
        r
        for r in report.top_attributes
        if (r.category, r.subgroup, r.by) == ("team", "Red", "lift")
    ]
    assert [r.rank for r in red] == [1, 2, 3, 4, 5, 6]
    assert {r.attribute for r in red[:3]} == {"kind", "friendly", "gentle"}
    assert red[0].lift > 0 > red[-1].lift
    assert all(r.ci_low < r.similarity < r.ci_high for r in red)


def test_ranking_beside_chance(report):
    (team,) = [r for r in report.rankings if r.category == "team"]
    (size,) = [r for r in report.rankings if r.category == "size"]
    assert (team.n, team.k, team.n_prompts) == (120, 12, 4)
    assert team.max_skew > team.chance_max_skew
    assert team.p_value < 0.01 < size.p_value
    assert (team.most_shown, team.least_shown) == ("Red", "Blue")


def test_who_is_shown_most_is_said_beyond_the_pool(encoder, stimuli):
    """Nine in ten images are Red and all lie alike: Red is shown most, but no more than its due."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 0.3, (400, 32)).astype(np.float32)
    labels = {"team": ["Red"] * 360 + ["Blue"] * 40}
    images = LabelledEmbeddings(vectors, labels, None, "uneven")
    for target in ("pool", "uniform"):
        report = audit_model(encoder, images, stimuli, permutations=200, ranking_target=target)
        (row,) = report.rankings
        assert row.target == target
        assert not row.clear
        assert abs(row.max_skew - row.chance_max_skew) < 0.2
    from unskew.audit.document import ranking_table

    assert ranking_table(report).rows[0][-1].startswith("(")


def test_the_ranking_says_what_to_know_of_it(encoder, stimuli):
    rng = np.random.default_rng(0)
    labels = {"team": [f"team {i}" for i in range(30) for _ in range(4)]}
    images = LabelledEmbeddings(rng.normal(size=(120, 32)).astype(np.float32), labels, None, "many")
    report = audit_model(encoder, images, stimuli, permutations=50)
    assert report.rankings[0].k == 30  # one per subgroup, though a tenth of the images is 12
    report = audit_model(encoder, images, stimuli, permutations=50, k=5)
    assert any("below 1/" in note for note in report.notes)


def test_exceeds_counts_clear_differences_only(report):
    largest = report.largest()
    assert largest.clear
    assert report.exceeds(0.5) == largest
    assert report.exceeds(1.99) is None
    unclear = dataclasses.replace(
        report, pairs=tuple(dataclasses.replace(r, clear=False) for r in report.pairs)
    )
    assert unclear.exceeds(0.0) is None
    contrasts = tuple(r for r in report.pairs if r.section == "contrasts")
    with pytest.raises(InputError, match="no effect size"):
        dataclasses.replace(report, pairs=contrasts).exceeds(0.5)
    for wrong in (math.nan, -1.0):
        with pytest.raises(InputError, match="at least 0"):
            report.exceeds(wrong)


def test_a_category_of_one_subgroup_is_left_out_with_a_note(encoder, images, stimuli):
    labels = {**images.labels, "source": ["web"] * 120}
    more = dataclasses.replace(images, labels=labels)
    report = audit_model(encoder, more, stimuli, permutations=50)
    assert "squares: 'source' has fewer than two subgroups, left out." in report.notes
    assert {r.category for r in report.pairs if r.dataset == "squares"} == {"team", "size"}
    with pytest.raises(InputError, match="category 'source' has fewer than two subgroups"):
        audit_model(encoder, more, stimuli, categories=["source"])


def test_word_tests(report):
    (test,) = report.word_tests
    assert test.effect_size > 1.5
    assert test.exact
    assert test.p_value == pytest.approx(2 / 20)  # 3 + 3 words: one of 20 partitions, each side


def test_same_seed_same_report(encoder, images, stimuli):
    one, two = (audit_model(encoder, images, stimuli, permutations=300) for _ in range(2))
    assert one.pairs == two.pairs
    other = audit_model(encoder, images, stimuli, permutations=300, seed=1)
    assert [r.p_value for r in one.pairs] != [r.p_value for r in other.pairs]


def test_saved_report_is_read_back_whole(report, tmp_path):
    folder = report.save(tmp_path / "out")
    assert AuditReport.load(folder) == report
    assert AuditReport.load(folder / "report.json") == report
    names = {p.name for p in folder.iterdir()}
    assert names == {"report.json", "report.md", "report.html", "figures"}
    assert json.loads((folder / "report.json").read_text("utf-8"))["schema_version"] == 1


def test_undefined_is_none_in_json_and_has_its_reason(encoder, stimuli, tmp_path):
    base = image_set()
    same = dataclasses.replace(base, embeddings=np.tile(base.embeddings[:1], (120, 1)))
    report = audit_model(encoder, same, stimuli, permutations=300)
    row = rows(report, category="team", section="attributes")[0]
    assert math.isnan(row.effect_size)
    assert row.reason
    assert row.sentence == "undefined"
    folder = report.save(tmp_path / "out")
    assert "NaN" not in (folder / "report.json").read_text("utf-8")
    again = AuditReport.load(folder)
    assert math.isnan(again.pairs[0].effect_size)
    assert row.reason in (folder / "report.md").read_text("utf-8")


def test_compare_turns_the_sign_of_a_pair_named_the_other_way(report):
    turned = dataclasses.replace(
        report,
        pairs=tuple(
            dataclasses.replace(
                r,
                subgroup_a=r.subgroup_b,
                subgroup_b=r.subgroup_a,
                effect_size=-r.effect_size,
                ci_low=-r.ci_high,
                ci_high=-r.ci_low,
            )
            for r in report.pairs
        ),
    )
    compared = report.compare(turned)
    assert len(compared) == len(report.pairs)
    assert max(abs(c.change) for c in compared) == 0
    assert all(c.before_ci == c.after_ci for c in compared)


def test_two_sets_side_by_side(encoder, stimuli, tmp_path):
    report = audit_model(
        encoder,
        [image_set("posed"), image_set("found", shift=-1.0, seed=2)],
        stimuli,
        permutations=300,
    )
    opposite = [c for c in report.compare_datasets("posed", "found") if c.disagree]
    assert ("Blue", "Red", "attributes") in {
        (c.subgroup_a, c.subgroup_b, c.section) for c in opposite
    }
    folder = report.save(tmp_path / "out")
    assert any("side-by-side" in p.name for p in (folder / "figures").iterdir())
    assert "posed beside found" in (folder / "report.md").read_text("utf-8")


def test_model_index(report):
    (entry,) = report.to_model_index()
    assert entry["name"] == "planted"
    by_name = {r["dataset"]["name"]: r for r in entry["results"]}
    metrics = {m["name"]: m["value"] for m in by_name["squares, team"]["metrics"]}
    assert metrics["MaxSkew@12"] > 0
    (blue_red,) = rows(
        report, category="team", section="attributes", subgroup_a="Blue", subgroup_b="Red"
    )
    assert metrics["max |d| (Blue / Red)"] == round(abs(blue_red.effect_size), 4)
    assert metrics["pairs of 3 that are clear after Holm"] >= 1
    assert 0 < metrics["mean |d| if no pair differed"] < metrics["mean |d|"]
    json.dumps(entry)


@pytest.mark.parametrize(
    ("d", "pleasant", "said"),
    [
        (0.3, "a", "X is closer to warm than Y"),
        (-0.3, "a", "Y is closer to warm than X"),
        (0.3, "b", "Y is closer to cold than X"),
        (-0.3, None, "Y is closer to warm than X"),
        (0.0, "a", "X and Y are equally close to warm"),
    ],
)
def test_sentence(d, pleasant, said):
    assert sentence(d, "X", "Y", ("warm", "cold"), pleasant) == said


class TestBadInput:
    def test_small_subgroup(self, encoder, stimuli):
        images = image_set()
        labels = {"team": ["Pink"] * 3 + images.labels["team"][3:]}
        small = dataclasses.replace(images, labels=labels)
        with pytest.raises(InputError, match=r"'Pink' of 'team' has 3 images, at least 4"):
            audit_model(encoder, small, stimuli)
        audit_model(encoder, small, stimuli, exclude=[("team", "Pink")], permutations=200)

    def test_every_small_subgroup_is_named_at_once(self, encoder, stimuli):
        images = image_set()
        labels = {"team": ["Pink"] * 3 + ["Grey"] * 2 + images.labels["team"][5:]}
        small = dataclasses.replace(images, labels=labels)
        with pytest.raises(InputError, match=r"'Grey' of 'team' has 2 .*; team=Pink has 3"):
            audit_model(encoder, small, stimuli)

    def test_two_spellings_of_one_category(self, encoder, stimuli):
        images = image_set()
        labels = {"gender": images.labels["team"], "Gender": images.labels["size"]}
        with pytest.raises(InputError, match="two columns are spellings of 'gender'"):
            audit_model(encoder, dataclasses.replace(images, labels=labels), stimuli)

    @pytest.mark.parametrize(
        "option",
        [
            {"k": 0},
            {"k": 99_999},
            {"top": -1},
            {"seed": -1},
            {"permutations": 0},
            {"confidence": 95.0},
            {"ranking_target": "even"},
            {"split": "test"},
        ],
    )
    def test_options_that_cannot_be(self, encoder, images, stimuli, option):
        with pytest.raises(InputError, match=next(iter(option)).split("_")[0]):
            audit_model(encoder, images, stimuli, **option)

    def test_other_dimension(self, encoder, stimuli):
        images = image_set()
        images = dataclasses.replace(images, embeddings=images.embeddings[:, :5])
        with pytest.raises(InputError, match=r"squares: embeddings have 5 dimensions.*planted 32"):
            audit_model(encoder, images, stimuli)

    def test_unknown_category(self, encoder, images, stimuli):
        with pytest.raises(InputError, match=r"squares: no labels called 'faith'"):
            audit_model(encoder, images, stimuli, categories=["faith"])
        with pytest.raises(InputError, match="no category 'faith' to cross; there are size, team"):
            audit_model(encoder, images, stimuli, cross=[("team", "faith")])

    def test_unknown_subgroup_to_leave_out(self, encoder, images, stimuli):
        with pytest.raises(InputError, match="no subgroup 'Pink' of 'team' to leave out"):
            audit_model(encoder, images, stimuli, exclude=[("team", "Pink")])

    def test_one_name_twice(self, encoder, images, stimuli):
        with pytest.raises(InputError, match="two image sets are called 'squares'"):
            audit_model(encoder, [images, images], stimuli)
        with pytest.raises(InputError, match="two stimuli are called 'warmth'"):
            audit_model(encoder, images, [stimuli, stimuli])

    def test_a_prompt_without_embedding(self, encoder, images):
        with pytest.raises(InputError, match="planted"):
            audit_model(encoder, images, "mmbias")

    def test_broken_report(self, tmp_path):
        with pytest.raises(NotFoundError, match="no audit report"):
            AuditReport.load(tmp_path)
        (tmp_path / "report.json").write_text("{}")
        with pytest.raises(InputError, match="schema version None"):
            AuditReport.load(tmp_path)
        (tmp_path / "report.json").write_text("{")
        with pytest.raises(InputError, match="is not an audit report"):
            AuditReport.load(tmp_path)


class TestSaving:
    def test_a_file_in_the_way(self, report, tmp_path):
        (tmp_path / "out").write_text("mine")
        with pytest.raises(InputError, match="is a file"):
            report.save(tmp_path / "out")
        assert (tmp_path / "out").read_text() == "mine"

    def test_figures_of_another_origin_are_not_touched(self, report, tmp_path):
        mine = tmp_path / "out" / "figures" / "holiday.png"
        mine.parent.mkdir(parents=True)
        mine.write_text("mine")
        with pytest.raises(InputError, match="files of other origin"):
            report.save(tmp_path / "out")
        assert mine.read_text() == "mine"

    def test_a_second_report_replaces_the_first(self, report, tmp_path):
        folder = report.save(tmp_path / "out")
        (folder / "figures" / "99-stale.png").write_text("old")
        (folder / "mine.txt").write_text("kept")
        report.save(folder)
        assert not (folder / "figures" / "99-stale.png").exists()
        assert (folder / "mine.txt").read_text() == "kept"

    def test_a_failure_leaves_nothing_behind(self, report, tmp_path, monkeypatch):
        def fail(*_):
            raise RuntimeError("no paint left")

        monkeypatch.setattr("unskew.audit.save.draw", fail)
        with pytest.raises(RuntimeError, match="no paint left"):
            report.save(tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


def test_labels_cannot_act_as_markup(encoder, stimuli, tmp_path):
    base = image_set()
    evil = "<script>alert(1)</script>|*x*"
    teams = [evil if t == "Red" else t for t in base.labels["team"]]
    images = LabelledEmbeddings(base.embeddings, {"team": teams}, None, "set|<b>")
    folder = audit_model(encoder, images, stimuli, permutations=200).save(tmp_path / "out")
    page = (folder / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    text = (folder / "report.md").read_text("utf-8")
    assert "<script" not in text.replace("\\<", "")
    assert 'src="http' not in page
    assert 'href="http' not in page
