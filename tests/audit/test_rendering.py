"""How a report is drawn, escaped and saved, whatever its labels and wherever it goes."""

import dataclasses
import errno
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image
from safetensors import SafetensorError

from unskew import AuditReport
from unskew.audit.blocks import Heading, Paragraph, Table, to_markdown
from unskew.audit.embed import save_embedded
from unskew.audit.pictures import draw, pictures
from unskew.audit.rows import DatasetInfo, ModelInfo, PairRow, Settings
from unskew.audit.save import check_folder
from unskew.errors import InputError

MATHTEXT = "<$10^{k_$"


def pair(a, b, d, dataset="posed", stimuli="warmth", **other):
    row = PairRow(
        dataset=dataset,
        category="team",
        stimuli=stimuli,
        section="attributes",
        attribute_a="warm",
        attribute_b="cold",
        subgroup_a=a,
        subgroup_b=b,
        n_a=9,
        n_b=9,
        effect_size=d,
        ci_low=d - 0.5,
        ci_high=d + 0.5,
        p_value=0.01,
        p_holm=0.03,
        p_bh=0.02,
        exact=False,
        n_permutations=99,
        favoured=None,
        clear=True,
        sentence=f"{a} is closer to warm than {b}",
        reason="all images are alike" if math.isnan(d) else None,
    )
    return dataclasses.replace(row, **other)


def made_of(*pairs):
    names = dict.fromkeys(r.dataset for r in pairs)
    return AuditReport(
        model=ModelInfo("planted", "0" * 64, 8, False),
        settings=Settings(1, 99, "two-sided", 0.95, "noncentral-t", "Holm", 0, 8, "uniform"),
        stimuli=(),
        datasets=tuple(DatasetInfo(n, 18, {}, (), "", "", "", False) for n in names),
        pairs=pairs,
        subgroups=(),
        top_attributes=(),
        rankings=(),
        word_tests=(),
        notes=(),
        created="2024-01-01T00:00:00+00:00",
        unskew_version="0",
    )


@pytest.fixture
def report():
    return made_of(pair("Red", "Blue", 0.8), pair("Red", "Green", 0.4), pair("Blue", "Green", -1))


@pytest.fixture
def titles(monkeypatch):
    """Titles of the pictures drawn, in order."""
    seen = []
    finish = Figure.savefig

    def savefig(figure, *args, **options):
        seen.append(figure.axes[0].get_title())
        return finish(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return seen


def everything_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


class TestPictures:
    def test_a_dollar_sign_is_no_formula(self, tmp_path, titles):
        odd = {"category": MATHTEXT, "attribute_a": MATHTEXT, "attribute_b": "$\\frac{$"}
        rows = [
            pair(a, b, 0.5, dataset=dataset, **odd)
            for dataset in (MATHTEXT, "$_{$")
            for a, b in ((MATHTEXT, "Blue"), (MATHTEXT, "$^$"), ("Blue", "$^$"))
        ]
        folder = made_of(*rows).save(tmp_path / "out")
        assert len(list((folder / "figures").iterdir())) == 5
        assert all(MATHTEXT in title for title in titles)

    def test_the_backend_of_a_notebook_stays(self):
        code = (
            "import matplotlib; matplotlib.use('svg'); import unskew.audit.figures, sys;"
            "print(matplotlib.get_backend(), 'matplotlib.pyplot' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.split() == ["svg", "False"], done.stderr

    def test_long_names(self, tmp_path, titles):
        long = ["/data/" + letter * 5000 for letter in "ab"]
        rows = [pair(letter * 5000, "Blue", 0.5, dataset=name) for name in long for letter in "xy"]
        folder = made_of(*rows).save(tmp_path / "out")
        names = [p.name for p in (folder / "figures").iterdir()]
        assert len(names) == 5
        assert max(map(len, names)) < 90
        assert max(map(len, titles)) < 250

    def test_more_than_99_pictures_are_still_ours(self, tmp_path, report):
        folder = report.save(tmp_path / "out")
        (folder / "figures" / "100-bars-posed.png").write_text("an earlier one")
        check_folder(folder)

    def test_nothing_defined_nothing_drawn(self, tmp_path):
        rows = [
            pair("Red", "Blue", math.nan, dataset="posed"),
            pair("Red", "Green", math.nan, dataset="posed"),
            pair("Red", "Blue", 0.5, dataset="found"),
        ]
        report = made_of(*rows)
        assert [p.place[0] for p in pictures(report)] == ["found"]
        text = (report.save(tmp_path / "out") / "report.md").read_text("utf-8")
        assert text.count("all images are alike") == 2

    def test_stimuli_do_not_mix(self, tmp_path, titles):
        rows = [
            pair(
                "Red",
                "Blue",
                d,
                dataset=dataset,
                stimuli=stimuli,
                attribute_a=stimuli,
            )
            for dataset, d in (("posed", 0.5), ("found", -0.5))
            for stimuli in ("warmth", "talent")
        ]
        folder = made_of(*rows).save(tmp_path / "out")
        beside = [t for t in titles if "by data set" in t]
        assert beside == [f"team: {s} against cold, by data set" for s in ("warmth", "talent")]
        text = (folder / "report.md").read_text("utf-8")
        assert text.count("side-by-side") == 2

    def test_two_sets_show_the_largest_changes(self, tmp_path, titles):
        rows = [
            pair(f"T{i}", "Blue", d, dataset=dataset)
            for i in range(40)
            for dataset, d in (("posed", 0.0), ("found", i / 20))
        ]
        (planned,) = [p for p in pictures(made_of(*rows)) if p.place[0] == "data sets"]
        (tmp_path / "figures").mkdir()
        draw(planned, tmp_path)
        assert titles == ["team: warm against cold, by data set, the largest 30 of 40 changes"]


class TestMarkdown:
    @pytest.mark.parametrize(
        ("label", "may_not"),
        [
            ("&lt;b&gt;", "&lt;"),
            ("see https://example.org", "://"),
            ("see WWW.example.org", "WWW."),
            ("thanks @octocat", "@octocat"),
            ("me@example.org", "@example"),
            ("fixes #12", "#12"),
            ("~~struck~~", "~~"),
            ("$x^2$", "$x"),
        ],
    )
    def test_no_label_is_markup(self, label, may_not):
        table = Table(label, (label,), ((label,),))
        blocks = [
            Heading(2, label),
            Paragraph(label),
            table,
            dataclasses.replace(table, folded=True),
        ]
        text = to_markdown(blocks)
        summary = text[text.index("<summary>") : text.index("</summary>")]
        rest = text.replace(summary, "")
        for escaped in ("\\&", "\\~", "\\$"):
            rest = rest.replace(escaped, "")
        assert may_not not in rest
        if may_not[0] in "@#:W":
            assert may_not not in summary

    def test_ordinary_text_stays(self):
        said = "Red: 0.5 (a/b), arXiv:1608.07187; it's 50% - fine! www and {} too."
        assert to_markdown([Paragraph(said)]) == said + "\n"


class TestFolder:
    def test_checking_leaves_nothing_behind(self, tmp_path):
        check_folder(tmp_path / "a" / "b" / "out")
        assert everything_below(tmp_path) == []

    def test_parents_are_made_when_saving(self, report, tmp_path):
        folder = report.save(tmp_path / "a" / "b" / "out")
        assert (folder / "report.json").is_file()
        assert everything_below(tmp_path)[:3] == ["a", "a/b", "a/b/out"]

    def test_below_a_file(self, tmp_path):
        (tmp_path / "mine").write_text("mine")
        with pytest.raises(InputError, match="mine is a file"):
            check_folder(tmp_path / "mine" / "sub" / "out")

    def test_a_name_too_long(self, tmp_path):
        with pytest.raises(InputError, match="File name too long"):
            check_folder(tmp_path / ("x" * 300))

    @pytest.mark.parametrize("name", ["report.json", "report.md", "report.html"])
    def test_a_folder_in_the_way(self, name, tmp_path):
        (tmp_path / name).mkdir()
        with pytest.raises(InputError, match=f"{name} is a folder"):
            check_folder(tmp_path)

    def test_a_file_called_figures(self, tmp_path):
        (tmp_path / "figures").write_text("mine")
        with pytest.raises(InputError, match="figures is not a folder"):
            check_folder(tmp_path)

    def test_an_unwritable_folder_is_refused_before_the_audit(self, tmp_path, monkeypatch):
        only(monkeypatch, tmp_path)
        (tmp_path / "out").mkdir()
        with pytest.raises(InputError, match=r"cannot write to .*out: Permission denied"):
            check_folder(tmp_path / "out")

    def test_the_parent_need_not_be_writable(self, report, tmp_path, monkeypatch):
        (tmp_path / "out").mkdir()
        only(monkeypatch, tmp_path / "out")
        report.save(tmp_path / "out")
        assert (tmp_path / "out" / "report.json").is_file()

    def test_another_file_system(self, report, tmp_path, monkeypatch):
        out = tmp_path / "out"
        out.mkdir()
        replace = os.replace

        def across(source, target):
            if (out in Path(source).parents) != (out in Path(target).parents):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            replace(source, target)

        monkeypatch.setattr(os, "replace", across)
        report.save(out)
        assert (out / "report.json").is_file()


class TestFullDisk:
    def test_while_writing(self, report, tmp_path, monkeypatch):
        folder = report.save(tmp_path / "out")
        before = contents(folder)
        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(InputError, match=r"^cannot write to \S*out: No space left on device$"):
            made_of(pair("Red", "Blue", 1.5)).save(folder)
        assert contents(folder) == before

    @pytest.mark.parametrize("moves", range(8))
    def test_while_moving_in(self, report, tmp_path, monkeypatch, moves):
        folder = report.save(tmp_path / "out")
        before = contents(folder)
        replace, done = os.replace, []

        def sometimes(source, target):
            if len(done) == moves:
                done.append("full")
                full()
            done.append(source)
            replace(source, target)

        monkeypatch.setattr(os, "replace", sometimes)
        with pytest.raises(InputError, match="No space left on device"):
            made_of(pair("Red", "Blue", 1.5)).save(folder)
        assert contents(folder) == before

    def test_a_new_folder_is_not_left_empty(self, report, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(InputError, match="No space left on device"):
            report.save(tmp_path / "a" / "out")
        assert everything_below(tmp_path) == []


class TestEmbed:
    @pytest.mark.parametrize(
        "error",
        [
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            SafetensorError("I/O error: No space left on device (os error 28)"),
        ],
    )
    def test_full_disk(self, error, tmp_path, monkeypatch):
        (tmp_path / "in").mkdir()
        for i in range(3):
            Image.new("RGB", (32, 32), (80 * i, 0, 0)).save(tmp_path / "in" / f"{i}.png")

        def fail(*_, **__):
            raise error

        monkeypatch.setattr("safetensors.numpy.save_file", fail)
        with pytest.raises(InputError, match=r"^cannot write to \S*out: .*No space left.*$"):
            save_embedded("unskew/mini", str(tmp_path / "in"), tmp_path / "out", ["mmbias"])

    def test_unwritable(self, tmp_path, monkeypatch):
        only(monkeypatch, tmp_path)
        (tmp_path / "out").mkdir()
        with pytest.raises(InputError, match="Permission denied"):
            save_embedded("unskew/mini", "emoji", tmp_path / "out")


def only(monkeypatch, writable):
    """Let temporary folders be made in ``writable`` alone: no permission binds root."""
    mkdtemp = tempfile.mkdtemp

    def guarded(suffix=None, prefix=None, dir=None):
        if Path(dir) != writable:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(dir))
        return mkdtemp(suffix, prefix, dir)

    monkeypatch.setattr(tempfile, "mkdtemp", guarded)


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def contents(folder):
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
