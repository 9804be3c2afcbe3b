"""The rules of docs/architecture.md, kept."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import unskew

PACKAGE = Path(unskew.__file__).parent
MAY_IMPORT = {
    "stimuli": set(),
    "measures": set(),
    "encoders": set(),
    "corpora": {"stimuli"},
    "audit": {"stimuli", "corpora", "encoders", "measures"},
    "debias": {"stimuli", "corpora", "encoders", "measures", "audit"},
    "inside": {"corpora", "encoders", "measures"},
    "classify": {"stimuli", "corpora", "encoders", "measures", "inside"},
    "curate": {"stimuli", "corpora", "encoders"},
    "hub": {"stimuli", "corpora", "encoders", "measures", "audit", "debias", "inside", "classify"},
    "demo": {"stimuli", "corpora", "encoders", "measures", "audit", "inside"},
    "cli": {
        "stimuli",
        "corpora",
        "encoders",
        "measures",
        "audit",
        "debias",
        "inside",
        "classify",
        "curate",
        "hub",
        "demo",
    },
}
HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "evaluate",
    "gradio",
    "sklearn",
    "matplotlib",
    "peft",
    "accelerate",
}
MATHEMATICS = {"numpy", "scipy", "torch", "sklearn", "fairlearn", "unskew"}


def imported(file):
    """Full names of the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module
            if node.module == "unskew":
                yield from (f"unskew.{alias.name}" for alias in node.names)


def rooms():
    return sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file())


def test_every_room_has_a_rule():
    assert set(rooms()) - {"_evaluate_metrics"} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_rooms_import_only_what_they_may(room):
    allowed = MAY_IMPORT[room] | {room, "errors", "kept", "markdown", "upload"}
    for file in (PACKAGE / room).rglob("*.py"):
        for module in imported(file):
            if module.startswith("unskew.") and module != "unskew.__version__":
                assert module.split(".")[1] in allowed, f"{file} imports {module}"


def test_measures_import_neither_hugging_face_nor_models():
    for file in (PACKAGE / "measures").rglob("*.py"):
        for module in imported(file):
            root = module.split(".")[0]
            assert root in MATHEMATICS or root in sys.stdlib_module_names, f"{file}: {module}"


def loaded_by(code, tmp_path):
    """Heavy modules in sys.modules after ``code`` ran in a fresh interpreter."""
    script = f"{code}\nimport sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HF_HOME": str(tmp_path)},
    )
    return out.stdout.split()


def test_import_is_light(tmp_path):
    assert loaded_by("import unskew", tmp_path) == []


def test_command_line_is_light(tmp_path):
    assert loaded_by("import unskew.cli", tmp_path) == []


def test_every_public_name_resolves():
    for name in unskew.__all__:
        assert getattr(unskew, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = unskew.nonsense
