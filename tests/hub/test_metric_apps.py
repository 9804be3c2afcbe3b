"""The pages of the metric Spaces: their functions, and one start in earnest."""

import importlib.util
import io
import json
import zipfile

import httpx
import numpy as np
import pytest

from unskew.hub.pages import given
from unskew.hub.pages.given import FILE_BYTES
from unskew.hub.publish import metric_bundle
from unskew.hub.publish.bundle import content
from unskew.hub.register import metric_names, metrics_root

gr = pytest.importorskip("gradio")


def load(name, folder=None):
    path = (folder or metrics_root() / name) / "app.py"
    spec = importlib.util.spec_from_file_location(f"{name}_app", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def weat_app():
    return load("weat_bias").PAGE


@pytest.fixture(scope="module")
def skew_app():
    return load("representation_skew").PAGE


def weat_sets():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(4, 3)) for name in "XYAB"}


def ranking():
    rng = np.random.default_rng(0)
    return {"groups": list("aabbcc"), "scores": rng.random((3, 6))}


def rows_of(sets):
    return "\n".join(
        ",".join([name, *map(repr, map(float, row))]) for name, rows in sets.items() for row in rows
    )


class TestWeat:
    OPTIONS = (1, "two-sided", 100)

    def test_csv_json_and_npz_agree(self, weat_app, tmp_path):
        sets = weat_sets()
        np.savez(tmp_path / "sets.npz", **sets)
        as_json = json.dumps({name: rows.tolist() for name, rows in sets.items()})
        results = [
            weat_app.compute(rows_of(sets), None, *self.OPTIONS),
            weat_app.compute(as_json, None, *self.OPTIONS),
            weat_app.compute("", str(tmp_path / "sets.npz"), *self.OPTIONS),
        ]
        assert results[0] == results[1] == results[2]
        (row,), whole = results[0]
        assert len(row) == len(weat_app.columns)
        assert row[2] == f"{whole['effect_size']:.4g}"

    def test_other_names_are_compared_in_pairs(self, weat_app):
        sets = weat_sets()
        named = {"Hindu": sets["X"], "Muslim": sets["Y"], "Jewish": -sets["X"]}
        text = rows_of(named | {"A": sets["A"], "B": sets["B"]})
        rows, whole = weat_app.compute(text, None, *self.OPTIONS)
        assert [row[:2] for row in rows] == [
            ["Hindu", "Muslim"],
            ["Hindu", "Jewish"],
            ["Muslim", "Jewish"],
        ]
        assert len(whole["pairs"]) == 3

    def test_the_options_matter(self, weat_app):
        text = rows_of(weat_sets())
        _, whole = weat_app.compute(text, None, 0, "less", 100)
        assert (whole["ddof"], whole["alternative"]) == (0, "less")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("X,0.1,two", "line 1 must be a set name and numbers"),
            ('{"X": [[1, 2]', "Expecting"),
            ("X,1,2\nX,2,1\nY,1,2\nY,1,1\nA,1,0", "it was given X, Y, A"),
            ("", "it was given"),
        ],
    )
    def test_bad_input_is_shown(self, weat_app, text, message):
        with pytest.raises(gr.Error, match=message):
            weat_app.compute(text, None, *self.OPTIONS)

    def test_only_npz_without_pickles_is_read(self, weat_app, tmp_path):
        np.savez(tmp_path / "objects.npz", X=np.array([{}], dtype=object))
        with pytest.raises(gr.Error, match="pickle"):
            weat_app.compute("", str(tmp_path / "objects.npz"), *self.OPTIONS)
        (tmp_path / "sets.txt").write_text("X")
        with pytest.raises(gr.Error, match=r"sets\.txt is not an \.npz file"):
            weat_app.compute("", str(tmp_path / "sets.txt"), *self.OPTIONS)
        (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04broken")
        with pytest.raises(gr.Error):
            weat_app.compute("", str(tmp_path / "broken.npz"), *self.OPTIONS)


class TestSkew:
    def test_csv_json_and_npz_agree(self, skew_app, tmp_path):
        ranked = ranking()
        np.savez(tmp_path / "ranking.npz", **ranked)
        lines = zip(ranked["groups"], ranked["scores"].T.tolist(), strict=True)
        as_csv = "\n".join(",".join([group, *map(repr, scores)]) for group, scores in lines)
        as_json = json.dumps({**ranked, "scores": ranked["scores"].tolist()})
        results = [
            skew_app.compute(as_csv, None, 3, "uniform"),
            skew_app.compute(as_json, None, 3, "uniform"),
            skew_app.compute("", str(tmp_path / "ranking.npz"), 3, "uniform"),
        ]
        assert results[0] == results[1] == results[2]
        rows, whole = results[0]
        assert rows[0][:2] == ["MaxSkew@3", f"{whole['max_skew']:.4f}"]
        assert rows[3] == ["Bias@3", "", "", "", ""]  # three groups
        assert [row[0] for row in rows[4:]] == [f"Skew@3 of {group}" for group in "abc"]
        assert {len(row) for row in rows} == {len(skew_app.columns)}

    @pytest.mark.parametrize(
        ("text", "k", "message"),
        [
            ("a,1,2\nb,1,x", 1, "line 2 must be a group and numbers"),
            ("a,1,2\nb,1", 1, "line 2 has 1 scores but line 1 has 2"),
            ("a,1\nb,2", 5, "k must be a whole number"),
            ("a,1\nb,2", None, "missing: k"),
            ('{"scores": [1, 2], "group": ["a", "b"]}', 1, "found group"),
            ("", 1, "shape"),
        ],
    )
    def test_bad_input_is_shown(self, skew_app, text, k, message):
        with pytest.raises(gr.Error, match=message):
            skew_app.compute(text, None, k, "uniform")


OPTIONS = {
    "cka": ("linear", "unbiased"),
    "group_fairness": (),
    "representation_skew": (4, "uniform"),
    "weat_bias": (1, "two-sided", 100),
}


def test_every_metric_is_tried():
    assert sorted(OPTIONS) == metric_names()


@pytest.mark.parametrize("name", OPTIONS)
def test_damaged_input_is_told_on_every_page(name, tmp_path):
    app, path = load(name).PAGE, tmp_path / "a.npz"
    np.save(tmp_path / "array.npy", np.zeros((2, 2)))
    for damaged in (b"", b"PK\x03\x04", (tmp_path / "array.npy").read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(gr.Error, match=r"a\.npz is damaged or no \.npz file"):
            app.compute("", str(path), *OPTIONS[name])
    for text in ('{"X":' * 100_000, "x" * 200_000):
        with pytest.raises(gr.Error):
            app.compute(text, None, *OPTIONS[name])


def packed(path, members, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return str(path)


def npy(shape, content=b"", kind="<f8"):
    """An .npy file whose header may say more than there is."""
    out = io.BytesIO()
    header = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue() + content


def test_what_unpacks_to_too_much_is_refused_before_it_is_read(weat_app, tmp_path, monkeypatch):
    monkeypatch.setattr(np, "load", None)  # nothing comes as far as that
    path = tmp_path / "a.npz"

    def refused(message, members, how=zipfile.ZIP_DEFLATED):
        with pytest.raises(gr.Error, match=message):
            weat_app.compute("", packed(path, members, how), *TestWeat.OPTIONS)

    bomb = bytes(given.ARRAY_BYTES + 1)
    refused("unpacks to more than 128 MB", {"X.npy": bomb})
    assert path.stat().st_size < 2**20
    monkeypatch.setattr(given, "ARRAY_BYTES", 2**20)
    refused("unpacks to more than 1 MB", {f"{i}.npy": bytes(2**19) for i in range(3)})
    refused("is packed otherwise", {"X.npy": npy((1,), bytes(8))}, zipfile.ZIP_LZMA)
    for shape, kind in (((10**12,), "<f8"), ((10**6, 10**6), "<U0"), ((10**9,), "|V0")):
        refused("an array is shorter than its header says", {"X.npy": npy(shape, kind=kind)})
    refused("damaged or no .npz file", {"X.npy": b"no array"})
    refused("holds 201 arrays", {f"{i}.npy": b"" for i in range(201)})


def test_a_text_has_a_limit(weat_app, monkeypatch):
    monkeypatch.setattr(given, "FILE_BYTES", 10)
    with pytest.raises(gr.Error, match="the text is longer than"):
        weat_app.compute("X,1,2\nX,2,1", None, *TestWeat.OPTIONS)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_the_page_starts_and_answers_from_what_is_published(name, tmp_path):
    """Alone in a folder, as in a Space."""
    from gradio_client import Client

    for file, path in metric_bundle(name, f"you/{name}").files.items():
        (tmp_path / file).write_bytes(content(path))
    app = load(name, tmp_path)
    example = (app.PAGE.example, None, *OPTIONS[name])
    options = {"prevent_thread_lock": True, "server_name": "127.0.0.1", "quiet": True}
    _, url, _ = app.launch(app.demo, **options)
    try:
        table, whole = Client(url, verbose=False).predict(*example, api_name="/compute")
        large = httpx.post(f"{url}gradio_api/upload", files={"files": bytes(FILE_BYTES + 1)})
        assert large.status_code == 413
    finally:
        app.demo.close()
    rows, expected = app.PAGE.compute(*example)
    assert table["data"] == rows
    assert whole == expected
