"""The comparison: its rows, their uncertainty, what it keeps on disk, and what it refuses."""

import csv
import io
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import planted
import pytest

from unskew.debias import compare as module
from unskew.debias.cells import Cells
from unskew.debias.compare import compare_methods, drawn
from unskew.debias.fitting import fitting_data
from unskew.debias.pareto import spread
from unskew.debias.protocol import evaluate
from unskew.debias.rows import cut, utility_change
from unskew.debias.seen import HeldOut, see
from unskew.debias.table import save, tables, to_csv
from unskew.encoders.heads import Affine, Heads
from unskew.errors import InputError

NAMES = ("leace", "clip-clip", "sfid")


def head(kind, seed=0):
    """Erases gender, or blurs everything, or does nothing."""
    weight = np.eye(planted.DIM)
    if kind == "leace":
        weight[planted.GENDER, planted.GENDER] = 0
    if kind == "clip-clip":
        weight += 0.5 * np.random.default_rng(seed).normal(size=weight.shape)
    return Heads(image=Affine(weight))


@pytest.fixture
def fits(monkeypatch):
    """Every fit asked for, as (name, seed, fitting images); what to do instead of the method."""
    asked = SimpleNamespace(calls=[], instead={})

    def fit(name, encoder, data, seed, out):
        asked.calls.append((name, seed, len(data.fit)))
        if name in asked.instead:
            return asked.instead[name](seed, out)
        return SimpleNamespace(adapter=None, heads=head(name, seed))

    monkeypatch.setattr(module, "fit_method", fit)
    return asked


@pytest.fixture(scope="module")
def bench():
    near, kept = planted.album(40, "near album"), planted.album(30, "kept album", seed=7)
    encoder = planted.encoder_for(near, kept)
    data = fitting_data(
        encoder,
        planted.people(200, "fit"),
        planted.people(60, "held", seed=4),
        ["gender"],
        [kept[0], planted.things(30, "kept things", seed=8)],
    )
    held = HeldOut(
        planted.people(80, "near", seed=5),
        planted.people(60, "far", seed=6, shift=0.3),
        near[0],
        planted.things(),
    )
    return encoder, data, held


def run(bench, **options):
    encoder, data, held = bench
    options = {"methods": NAMES, "seeds": (0, 1)} | options
    return compare_methods(encoder, data, held, ["gender"], **options)


def unprobed(figures):
    """Without the probe's, which learns from other images with every seed."""
    return {name: value for name, value in figures.items() if not name.startswith("probe")}


def test_the_rows_say_what_each_method_does(bench, fits):
    table = run(bench)
    assert [row.name for row in table.rows] == ["original", "chance", *NAMES]
    erased, blurred, idle = (table.row(name) for name in NAMES)
    before = table.row("original")
    assert erased.mean["max_skew_in"] < before.mean["max_skew_in"] - 0.2
    assert erased.cut_in.low < erased.cut_in.value < erased.cut_in.high
    assert erased.cut_in.low > 0.6
    assert erased.cut_out.low > 0.3
    assert unprobed(idle.mean) == pytest.approx(unprobed(before.mean), abs=1e-6)
    assert (idle.cut_in.value, idle.cut_in.low, idle.cut_in.high) == pytest.approx((0, 0, 0))
    assert (idle.utility_change.low, idle.utility_change.high) == (0, 0)
    assert blurred.utility_change.high < 0
    assert blurred.sd["utility"] > 0 == idle.sd["utility"]
    change = blurred.mean["utility"] - before.mean["utility"]
    assert blurred.utility_change.value == pytest.approx(change)
    assert all(row.fit_seconds >= 0 for row in (erased, blurred, idle))
    assert before.fit_seconds is None
    assert erased.mean["probe_in"] < before.mean["probe_in"]
    assert table.sets["preserve 2"] == ("kept things", 30)


def test_every_figure_is_the_mean_over_seeds(bench, fits):
    encoder, data, held = bench
    table = run(bench, methods=["clip-clip"], seeds=(0, 1, 2))
    by_seed = []
    for seed in (0, 1, 2):
        seen = see(encoder, held, ["gender"], drawn(data, seed)[1])
        by_seed.append(evaluate(seen.through(head("clip-clip", seed), "x")).figures())
    row = table.row("clip-clip")
    for figure, mean in row.mean.items():
        values = [found[figure] for found in by_seed]
        assert mean == pytest.approx(np.mean(values))
        assert row.sd[figure] == pytest.approx(np.std(values, ddof=1))
    assert math.isnan(run(bench, methods=["sfid"], seeds=(0,)).row("sfid").sd["utility"])


def test_a_seed_draws_half_of_every_subgroup_and_the_probe_sees_the_rest(bench, fits):
    _, data, _ = bench
    run(bench, methods=["leace"])
    assert fits.calls == [("leace", 0, 100), ("leace", 1, 100)]
    parts, probes = zip(*(drawn(data, seed) for seed in (0, 0, 1)), strict=True)
    assert [np.bincount(part.fit.labels).tolist() for part in parts] == [[50, 50]] * 3
    for part, probe in zip(parts, probes, strict=True):
        assert sorted([*part.fit.rows, *probe.rows]) == sorted(data.fit.rows)
    assert np.array_equal(parts[0].fit.rows, parts[1].fit.rows)
    assert not np.array_equal(parts[0].fit.rows, parts[2].fit.rows)
    place = {row: i for i, row in enumerate(data.fit.rows)}
    kept = [place[row] for row in parts[0].fit.rows]
    assert np.array_equal(parts[0].fit.embeddings, data.fit.embeddings[kept])
    assert np.array_equal(parts[0].named.caption_of, data.named.caption_of[kept])


def test_a_failure_is_a_row_and_costs_the_others_nothing(bench, fits, caplog):
    def refuse(seed, out):
        raise InputError("needs what this data lacks")

    def second_only(seed, out):
        if seed == 0:
            raise ZeroDivisionError("a defect")
        return SimpleNamespace(adapter=None, heads=head("clip-clip", seed))

    fits.instead = {"leace": refuse, "clip-clip": second_only}
    table = run(bench)
    assert table.row("leace").failure == "needs what this data lacks"
    assert not table.row("leace").mean
    assert table.row("leace").cut_in is None
    assert table.row("clip-clip").failure == "seed 0: ZeroDivisionError: a defect"
    assert table.row("clip-clip").seeds == (1,)
    assert "ZeroDivisionError" in caplog.text  # the defect keeps its traceback
    assert table.row("sfid").mean
    assert "leace" in tables(table)[0].rows[2]


def test_what_was_stopped_goes_on_where_it_was(bench, fits, tmp_path):
    def stop(seed, out):
        if seed == 1:
            raise KeyboardInterrupt
        return SimpleNamespace(adapter=None, heads=head("clip-clip", seed))

    fits.instead = {"clip-clip": stop}
    with pytest.raises(KeyboardInterrupt):
        run(bench, folder=tmp_path)
    assert len(fits.calls) == 4
    fits.instead = {}
    table = run(bench, folder=tmp_path)
    assert fits.calls[4:] == [("clip-clip", 1, 100), ("sfid", 0, 100), ("sfid", 1, 100)]
    fresh = run(bench)
    for name in NAMES:
        kept, new = (replace(t.row(name), fit_seconds=None) for t in (table, fresh))
        assert kept == new


def test_only_results_of_equal_settings_are_used_again(bench, fits, tmp_path):
    run(bench, methods=["leace"], folder=tmp_path)
    assert len(fits.calls) == 2
    run(bench, methods=["leace"], folder=tmp_path, seeds=(0, 1, 2))
    assert fits.calls[2:] == [("leace", 2, 100)]
    run(bench, methods=["leace"], folder=tmp_path, k=10)
    assert len(fits.calls) == 5
    for damage in (b'{"settings": {"mod', b"\xff\xfe", b"[]"):
        (tmp_path / "leace-0.json").write_bytes(damage)
        run(bench, methods=["leace"], folder=tmp_path, k=10)
    assert fits.calls[5:] == [("leace", 0, 100)] * 3


def test_other_labels_of_the_same_pictures_are_judged_anew(bench, fits, tmp_path):
    encoder, data, held = bench
    first = run(bench, methods=["leace"], folder=tmp_path)
    table = held.in_domain.data
    labels = table["gender"][::2] + table["gender"][1::2]
    turned = table.remove_columns("gender").add_column("gender", labels)
    turned = turned.cast_column("gender", table.features["gender"])
    other = replace(held, in_domain=replace(held.in_domain, data=turned))
    again = run((encoder, data, other), methods=["leace"], folder=tmp_path)
    assert len(fits.calls) == 4
    assert again.row("original").mean["max_skew_in"] != first.row("original").mean["max_skew_in"]


def test_a_result_that_cannot_be_kept_stops_the_run(bench, fits, tmp_path, monkeypatch):
    def full(*_):
        raise InputError("cannot write: no space")

    monkeypatch.setattr(Cells, "save", full)
    with pytest.raises(InputError, match="no space"):
        run(bench, folder=tmp_path)


def test_the_faces_are_part_of_a_cuts_uncertainty(bench):
    encoder, data, held = bench
    seen = see(encoder, held, ["gender"], data.fit)
    before, after = evaluate(seen).in_domain, evaluate(seen.through(head("leace"), "x")).in_domain
    full = cut(before, [after])
    means = [np.full(len(b.by_faces), np.mean(b.by_faces)) for b in (before, after)]
    given = cut(*(replace(before, by_faces=means[0]), [replace(after, by_faces=means[1])]))
    assert full.value == given.value
    assert full.high - full.low > given.high - given.low > 0


def test_a_failure_is_not_kept(bench, fits, tmp_path):
    def refuse(seed, out):
        raise InputError("not today")

    fits.instead = {"leace": refuse}
    run(bench, methods=["leace"], folder=tmp_path)
    fits.instead = {}
    assert not run(bench, methods=["leace"], folder=tmp_path).row("leace").failure


def test_an_adapter_is_judged_through_its_own_towers(bench, fits, tmp_path):
    encoder, _, _ = bench

    def train(seed, out):
        (out / "step-1").mkdir(parents=True)
        trained = planted.PixelEncoder(encoder.texts, head("leace").image.weight.numpy())
        trained.name = "trained"
        return SimpleNamespace(adapter="lora", heads=Heads(), apply=lambda base: trained)

    fits.instead = {"clip-clip": train}
    table = run(bench, methods=["leace", "clip-clip"], folder=tmp_path)
    by_head, by_towers = table.row("leace"), table.row("clip-clip")
    assert by_towers.mean == pytest.approx(dict(by_head.mean), abs=1e-6)
    assert not [p for p in tmp_path.iterdir() if p.is_dir()]  # checkpoints have done their work


def test_other_encoders_are_judged_in_the_same_table(bench, fits, tmp_path):
    encoder, _, _ = bench
    other = planted.PixelEncoder(encoder.texts, head("leace").image.weight.numpy())
    other.name, other.fingerprint = "./mine/debiased", "abc"
    table = run(bench, methods=["leace"], others=[other], folder=tmp_path)
    assert [row.name for row in table.rows][-1] == "./mine/debiased"
    erased = unprobed(table.row("leace").mean)
    assert unprobed(table.rows[-1].mean) == pytest.approx(erased, abs=1e-6)
    assert table.rows[-1].fit_seconds is None
    other.forwards = 0
    run(bench, methods=["leace"], others=[other], folder=tmp_path)
    assert other.forwards == 0


def test_a_cut_is_what_its_definition_says(bench):
    encoder, data, held = bench
    b = evaluate(see(encoder, held, ["gender"], data.fit)).in_domain
    chance = b.chance_max_skew
    half = replace(
        b,
        by_concept=tuple((x + chance) / 2 for x in b.by_concept),
        by_faces=tuple(x / 2 for x in b.by_faces),
    )
    found = cut(b, [half])
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    worse = replace(b, by_concept=tuple(2 * x - chance for x in b.by_concept))
    assert cut(b, [worse]).value == pytest.approx(-1)
    assert cut(b, [half, worse]).value == pytest.approx(-0.25)
    fair = replace(b, by_concept=tuple(chance - 0.01 for _ in b.by_concept))
    assert math.isnan(cut(fair, [b]).value)


def test_an_interval_of_utility_is_paired(bench):
    """Two models that err on the same items differ by less than two that err apart."""
    encoder, data, held = bench
    scores = evaluate(see(encoder, held, ["gender"], data.fit))
    hits = np.array(scores.zero_shot.hits)
    flipped = hits.copy()
    flipped[np.flatnonzero(hits)[:3]] = 0
    after = replace(scores, zero_shot=replace(scores.zero_shot, hits=tuple(flipped)))
    found = utility_change(scores, [after])
    assert found.value == pytest.approx(-3 / len(hits) / 3)
    width = 2 * 1.96 * (flipped - hits).std() / math.sqrt(len(hits)) / 3
    assert found.high - found.low == pytest.approx(width, rel=0.15)
    bare = replace(scores, retrieval=None, zero_shot=None)
    assert utility_change(bare, [bare]) is None


@pytest.mark.parametrize("role", ["in_domain", "out_of_domain"])
def test_an_image_fitted_on_is_not_judged_on(bench, fits, role):
    encoder, data, held = bench
    both = replace(held, **{role: planted.people(80, "leak", seed=0)})
    with pytest.raises(InputError, match=r"both in fit, row 0 and in leak, row 0"):
        run((encoder, data, both))
    assert not fits.calls


def test_what_cannot_be_compared_is_said(bench, fits, tmp_path):
    with pytest.raises(InputError, match="no method 'magic'"):
        run(bench, methods=["magic"])
    with pytest.raises(InputError, match="at least one seed"):
        run(bench, seeds=())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        run(bench, folder=tmp_path / "file" / "cells")
    assert not fits.calls


def test_it_is_saved_as_json_markdown_csv_and_a_picture(bench, fits, tmp_path):
    fits.instead = {"sfid": lambda seed, out: 1 / 0}
    table = run(bench)
    save(table, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "table.json").read_text())
    assert [row["name"] for row in found["rows"]] == ["original", "chance", *NAMES]
    assert found["rows"][2]["mean"]["max_skew_in"] == table.row("leace").mean["max_skew_in"]
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert float(rows[2]["utility"]) == table.row("leace").mean["utility"]
    assert rows[1]["weat_max_in"] == rows[4]["utility"] == ""
    text = (tmp_path / "out" / "table.md").read_text()
    assert "sfid was not fitted: ZeroDivisionError" in text
    assert "(pareto.png)" in text
    assert (tmp_path / "out" / "pareto.png").read_bytes().startswith(b"\x89PNG")
    widths = {len(row) for block in tables(table) for row in block.rows}
    assert widths == {len(block.columns) for block in tables(table)} == {11, 12}


def test_without_utility_there_is_no_column_and_no_picture_of_it(bench, fits, tmp_path):
    encoder, data, held = bench
    table = run((encoder, data, HeldOut(held.in_domain)))
    save(table, tmp_path)
    assert tables(table)[1].columns == ("", "change, points", "fit s")
    assert not (tmp_path / "pareto.png").exists()
    assert "pareto" not in (tmp_path / "table.md").read_text()


def test_names_in_the_picture_do_not_overlap():
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted = sorted(rng.random(rng.integers(1, 14)) ** 2)
        places = spread(wanted, 0.05)
        assert np.all(np.diff(places) >= 0.05 - 1e-9)
        assert min(places) >= 0
    assert spread([0.2, 0.5, 0.9], 0.05) == [0.2, 0.5, 0.9]
    assert spread([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])


def test_a_cell_that_cannot_be_written_is_said(tmp_path, monkeypatch, bench):
    encoder, data, held = bench
    cells = Cells(tmp_path, {})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unskew.kept.os.replace", full)
    scores = evaluate(see(encoder, held, ["gender"], data.fit))
    with pytest.raises(InputError, match="No space left on device"):
        cells.save("leace-0", module.Cell(scores, 1.0))
    assert not list(tmp_path.iterdir())
