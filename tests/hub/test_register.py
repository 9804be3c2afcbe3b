"""The bare names in evaluate: fresh processes, other folders, caches that cannot be written."""

import json
import os
import subprocess
import sys
import warnings

import pytest
from evaluate.loading import get_imports

from unskew.errors import InputError
from unskew.hub import register

LOAD = """
import evaluate
a = evaluate.load("weat_bias")
print(a.compute(X=[[2, 1], [3, 1]], Y=[[1, 2], [1, 3]], A=[[1, 0]], B=[[0, 1]])["p_value"])
b = evaluate.load("representation_skew")
print(b.compute(scores=[4, 3, 2, 1], groups=["a", "a", "b", "b"], k=2)["max_skew"])
"""
LOADED = [pytest.approx(1 / 6), pytest.approx(0.6931, abs=1e-4)]


@pytest.fixture
def run(tmp_path):
    """Run code in a new process, in an empty folder, with an HF_HOME of its own."""
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_EVALUATE_OFFLINE": "1"}

    def run(code, **extra):
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**environment, **extra},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A module cache of its own for this process."""
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.delitem(sys.modules, "evaluate.config", raising=False)
    return tmp_path / "modules"


def values(done):
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


def test_bare_names_are_unknown_before_unskew_and_known_from_then_on(run):
    """Even where evaluate came first, and in later processes that never import unskew."""
    code = (
        "import evaluate\n"
        "try:\n"
        "    evaluate.load('weat_bias')\n"
        "except FileNotFoundError:\n"
        "    import unskew" + LOAD.replace("\n", "\n    ")
    )
    assert values(run(code)) == LOADED
    assert values(run(LOAD)) == LOADED


class TestUnwritableCache:
    def test_import_warns_in_one_line_and_the_classes_still_work(self, run, tmp_path):
        (tmp_path / "file").write_text("")
        blocked = str(tmp_path / "file" / "modules")
        code = (
            "import warnings, json\n"
            "with warnings.catch_warnings(record=True) as caught:\n"
            "    warnings.simplefilter('always', UserWarning)\n"
            "    import unskew\n"
            "from unskew.hub.representation_skew import RepresentationSkew\n"
            "result = RepresentationSkew().compute(scores=[2, 1], groups=['a', 'b'], k=1)\n"
            "messages = [str(w.message) for w in caught]\n"
            "print(json.dumps([*messages, caught[0].filename, result['k']]))"
        )
        done = run(code, HF_MODULES_CACHE=blocked)
        assert done.returncode == 0, done.stderr
        message, place, k = json.loads(done.stdout)
        assert message == (
            f"evaluate.load cannot find unskew's metrics by name: its module cache {blocked} "
            "cannot be written (Not a directory); point HF_MODULES_CACHE at a folder that can"
        )
        assert place == "<string>"  # the line that imports unskew
        assert k == 1

    def test_installing_says_so(self, cache):
        cache.write_text("")
        with pytest.raises(InputError, match="cannot be written") as caught:
            register.install_metrics()
        assert "\n" not in str(caught.value)

    def test_a_cache_that_is_seeded_already_need_not_be_written(self, cache, monkeypatch):
        first = register.install_metrics()

        def refuse(*_):
            raise AssertionError("wrote")

        monkeypatch.setattr(register, "_write", refuse)
        monkeypatch.setattr(os, "utime", refuse)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            register.register_metrics()
        assert register.install_metrics() == first


class TestFiles:
    def test_every_metric_is_placed_as_evaluate_places_it(self, cache):
        for name, path in zip(
            ("cka", "group_fairness", "representation_skew", "weat_bias"),
            register.install_metrics(),
            strict=True,
        ):
            assert path.name == f"{name}.py"
            assert len(path.parent.name) == 64
            assert path.parents[1] == (
                cache / "evaluate_modules" / "metrics" / f"evaluate-metric--{name}"
            )
            shim = register.metrics_root() / name / f"{name}.py"
            assert path.read_bytes() == shim.read_bytes()
            # nothing else beside it, which evaluate would take for another version
            assert [p.name for p in path.parents[1].iterdir()] == [path.parent.name]

    def test_a_spoilt_module_is_written_again(self, cache):
        path = register.install_metrics()[0]
        path.write_text("spoilt")
        assert register.install_metrics()[0].read_text() != "spoilt"

    def test_ours_is_the_newest_whatever_another_release_left(self, cache):
        """evaluate loads the newest of the modules it finds under a name."""
        path = register.install_metrics()[0]
        other = path.parents[1] / ("0" * 64) / path.name
        other.parent.mkdir()
        other.write_text("raise SystemExit")
        later = path.stat().st_mtime - 10
        os.utime(path, (later - 10, later - 10))
        os.utime(other, (later, later))
        register.install_metrics()
        assert path.stat().st_mtime > other.stat().st_mtime

    def test_follows_the_settings_of_evaluate(self, monkeypatch, tmp_path):
        monkeypatch.delitem(sys.modules, "evaluate.config", raising=False)
        monkeypatch.delenv("HF_MODULES_CACHE", raising=False)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        assert register.modules_cache() == tmp_path / "home" / "modules"
        monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
        assert register.modules_cache() == tmp_path / "modules"
        monkeypatch.delenv("HF_MODULES_CACHE")
        monkeypatch.delenv("HF_HOME")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert register.modules_cache() == tmp_path / "xdg" / "huggingface" / "modules"

    def test_metrics_are_found_in_the_package_or_the_checkout(self):
        assert {"representation_skew", "weat_bias"} <= set(register.metric_names())


def test_the_shims_name_what_to_install():
    """evaluate reads the imports of a module's text to say what is missing."""
    for name in register.metric_names():
        path = register.metrics_root() / name / f"{name}.py"
        assert get_imports(str(path)) == [("library", "unskew", "unskew", None)]
