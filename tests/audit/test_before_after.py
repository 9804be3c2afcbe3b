"""What changed between two models, told beside the later one's audit."""

import dataclasses
import json
import math

import pytest
from PIL import Image
from planted_images import image_set

from unskew import AuditReport, audit_model
from unskew.audit.before_after import change_table, cut, ranking_change_table
from unskew.audit.blocks import Paragraph
from unskew.audit.document import document
from unskew.audit.pairs import TEXT_ONLY
from unskew.audit.pictures import draw, pictures
from unskew.errors import InputError


@pytest.fixture
def before(encoder, stimuli):
    return audit_model(encoder, image_set(shift=1.0), stimuli, permutations=300)


@pytest.fixture
def after(encoder, stimuli):
    """The same images by another model, which keeps the teams closer together; texts stay."""
    return audit_model(encoder, image_set(shift=0.2, seed=2), stimuli, permutations=300)


def found(table, **wanted):
    """The one row of a table, as a dictionary, whose cells are as wanted."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    (row,) = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
    return row


def tables(report, caption):
    return [b for b in document(report, pictures(report)) if getattr(b, "caption", "") == caption]


def pair_of(report, **wanted):
    (row,) = [r for r in report.pairs if all(getattr(r, k) == v for k, v in wanted.items())]
    return row


BLUE_RED = {"subgroup_a": "Blue", "subgroup_b": "Red", "section": "attributes"}


def test_a_row_of_the_table(before, after):
    """Appendix B: pair, d before, d after, change, favoured before and after."""
    report = after.beside(before)
    (table,) = tables(report, "Pairs of subgroups before and after")
    row = found(table, **{"subgroup A": "Blue", "subgroup B": "Red"})
    one, two = pair_of(before, **BLUE_RED), pair_of(after, **BLUE_RED)
    assert one.effect_size < two.effect_size < 0
    assert row["category"] == "team"
    assert row["asked"] == "image-text: warm / cold"
    assert row["d before"] == f"{one.effect_size:+.2f}"
    assert row["d after"] == f"{two.effect_size:+.2f}"
    assert row["change"] == f"{two.effect_size - one.effect_size:+.2f}"
    assert row["favoured before"] == "Red"
    assert row["favoured after"] == ("Red" if two.clear else "(Red)")
    (cells,) = [r for r in table.rows if r[2:4] == ("Blue", "Red")]
    for column, m in ((5, one), (7, two)):
        assert table.columns[column] == "interval"
        assert cells[column] == f"[{m.ci_low:+.2f}, {m.ci_high:+.2f}]"


def test_where_nothing_moved_one_sentence_says_so(before, after):
    """Phrases, where the text tower is as it was."""
    assert Paragraph("Pairs of subgroups that moved: none of 1.") in document(after.beside(before))
    pairs = [
        dataclasses.replace(r, effect_size=r.effect_size / 2) if r.dataset == TEXT_ONLY else r
        for r in after.pairs
    ]
    report = dataclasses.replace(after, pairs=tuple(pairs)).beside(before)
    assert ("before and after", TEXT_ONLY, "team") in {p.place for p in pictures(report)}
    _, texts = tables(report, "Pairs of subgroups before and after")
    assert [r[1] for r in texts.rows] == ["text only: warm / cold"]


def test_summaries_before_and_after(before, after):
    report = after.beside(before)
    row = found(change_table(report), category="team", asked="image-text (warmth)")
    mean = [
        sum(abs(r.effect_size) for r in rows) / 3
        for rows in (
            [r for r in made.pairs if (r.category, r.section) == ("team", "attributes")]
            for made in (before, after)
        )
    ]
    assert row["mean |d|"] == f"{mean[0]:.2f} → {mean[1]:.2f}"
    largest = [
        max(
            abs(r.effect_size) for r in m.pairs if (r.category, r.section) == ("team", "attributes")
        )
        for m in (before, after)
    ]
    assert row["largest |d|"] == f"{largest[0]:.2f} → {largest[1]:.2f}"
    ranking = found(ranking_change_table(report), category="team")
    one, two = (next(r for r in m.rankings if r.category == "team") for m in (before, after))
    assert one.chance_max_skew == two.chance_max_skew
    share = (one.max_skew - two.max_skew) / (one.max_skew - one.chance_max_skew)
    assert ranking["cut"] == f"{share:.0%}"
    assert ranking["MaxSkew before"].startswith(f"{one.max_skew:.3f} [")
    assert ranking["after"].startswith(f"{two.max_skew:.3f} [")


def test_the_largest_difference_may_be_unclear(before, after):
    """The same pairs count on both sides, whichever of them are clear."""
    smallest = min((r for r in before.pairs), key=lambda r: abs(r.effect_size))
    only = [dataclasses.replace(r, clear=r is smallest) for r in before.pairs]
    plain = change_table(after.beside(before)).rows
    mixed = change_table(after.beside(dataclasses.replace(before, pairs=tuple(only)))).rows
    assert [r[6] for r in mixed] == [r[6] for r in plain]


def test_two_intervals_of_maxskew_are_no_interval_of_the_cut(before, after):
    (said,) = [
        b.text
        for b in document(after.beside(before), ())
        if isinstance(b, Paragraph) and "side by side" in b.text
    ]
    assert "neither is an interval of the change or of the cut" in said
    assert "`unskew compare`" in said


def test_cut_is_of_what_lay_above_chance():
    assert cut(0.35, 0.05, 0.05) == pytest.approx(1)
    assert cut(0.35, 0.20, 0.05) == pytest.approx(0.5)
    assert cut(0.35, 0.65, 0.05) == pytest.approx(-1)
    assert math.isnan(cut(0.05, 0.01, 0.05))


def test_a_pair_named_the_other_way_round(before, after):
    turned = [
        dataclasses.replace(
            r,
            subgroup_a=r.subgroup_b,
            subgroup_b=r.subgroup_a,
            effect_size=-r.effect_size,
            ci_low=-r.ci_high,
            ci_high=-r.ci_low,
        )
        for r in after.pairs
    ]
    straight, other = after, dataclasses.replace(after, pairs=tuple(turned))
    assert other.beside(before).changes() == straight.beside(before).changes()


def test_saved_and_read_back(before, after, tmp_path):
    report = after.beside(before)
    folder = report.save(tmp_path / "out")
    again = AuditReport.load(folder)
    assert again == report
    assert again.before == before
    data = json.loads((folder / "report.json").read_text("utf-8"))
    (change,) = [c for c in data["changes"] if all(c[k] == v for k, v in BLUE_RED.items())]
    assert change["change"] == pytest.approx(change["after"] - change["before"])
    assert change["favoured_before"] == "Red"
    for name in ("report.md", "report.html"):
        text = (folder / name).read_text("utf-8")
        assert text.count("Before and after: squares") == 1
        assert "Pairs of subgroups before and after" in text


def test_a_report_alone_has_no_such_section(before, tmp_path):
    folder = before.save(tmp_path / "out")
    assert "Before" not in (folder / "report.md").read_text("utf-8").replace("Before they", "")
    data = json.loads((folder / "report.json").read_text("utf-8"))
    assert "changes" not in data
    del data["before"]
    (folder / "report.json").write_text(json.dumps(data))
    assert AuditReport.load(folder) == before


def test_only_the_last_step_is_told(before, after):
    """A report that has one from before is taken without it."""
    assert after.beside(before.beside(after)).before == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": image_set(n=30)}, "images"),
        ({"images": image_set(name="circles")}, "images"),
        ({"confidence": 0.9}, "settings"),
        ({"k": 5}, "ranking lengths"),
    ],
)
def test_other_questions_are_refused(encoder, stimuli, before, change, message):
    options = {"images": image_set(), "permutations": 300} | change
    other = audit_model(encoder, stimuli=stimuli, **options)
    with pytest.raises(InputError, match=f"differ in their {message}: before and after"):
        other.beside(before)


def test_undefined_on_one_side(before, after, tmp_path):
    gone = {"effect_size": math.nan, "ci_low": math.nan, "ci_high": math.nan, "favoured": None}
    pairs = [dataclasses.replace(r, **gone, clear=False, reason="alike") for r in after.pairs]
    report = dataclasses.replace(after, pairs=tuple(pairs)).beside(before)
    (table, *_) = tables(report, "Pairs of subgroups before and after")
    row = found(table, **{"subgroup A": "Blue", "subgroup B": "Red"})
    assert (row["d after"], row["change"], row["favoured after"]) == ("undefined", "undefined", "")
    assert not [p for p in pictures(report) if p.place[0] == "before and after"]
    (here, *_) = [r for r in change_table(report).rows if r[2] == "image-text (warmth)"]
    old = [abs(r.effect_size) for r in before.pairs if r.section == "attributes"]
    assert here[4].endswith(" → undefined")
    assert here[6] == f"{max(old):.2f} → undefined"
    report.save(tmp_path / "out")


def test_sets_that_are_neither_pleasant_nor_unpleasant(before, after):
    """Who is favoured has no meaning there: the table says who is closer to which set."""
    made = [
        dataclasses.replace(
            m, pairs=tuple(dataclasses.replace(r, favoured=None, clear=True) for r in m.pairs)
        )
        for m in (before, after)
    ]
    (table, *_) = tables(made[1].beside(made[0]), "Pairs of subgroups before and after")
    row = found(table, **{"subgroup A": "Blue", "subgroup B": "Red"})
    assert row["favoured before"] == "Red: warm"


def test_demonstration_of_either_model_is_said(before, after):
    demonstration = dataclasses.replace(
        before, model=dataclasses.replace(before.model, demonstration=True)
    )
    assert not after.demonstration
    assert after.beside(demonstration).demonstration


def test_pictures(before, after, tmp_path):
    report = after.beside(before)
    planned = [p for p in pictures(report) if p.place[0] == "before and after"]
    assert [p.place[1:] for p in planned] == [
        ("squares", "team"),
        ("squares", "size"),
    ]
    (tmp_path / "figures").mkdir()
    for p in planned:
        draw(p, tmp_path)
        with Image.open(tmp_path / p.picture.file) as image:
            assert image.width > 400
