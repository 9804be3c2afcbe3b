"""What the demo Space installs: this version, and what it was tested with."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def pins(path):
    """Lines of a file of exact versions, by the name of the package."""
    lines = [line for line in path.read_text("utf-8").splitlines() if "==" in line]
    return {normal(Requirement(line).name): line for line in lines}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_space_installs_what_the_tests_ran_with():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    names = [normal(Requirement(line).name) for line in needed]
    tested = pins(ROOT / "constraints.txt")
    expected = {name: tested[name] for name in names}
    expected["unskew"] = f"unskew[demo]=={project['version']}"
    assert pins(ROOT / "spaces" / "bias_explorer" / "requirements.txt") == expected


def test_the_space_runs_on_the_gradio_that_it_installs():
    card = (ROOT / "spaces" / "bias_explorer" / "README.md").read_text("utf-8")
    version = re.search(r"^sdk_version: (\S+)$", card, re.M)[1]
    assert pins(ROOT / "constraints.txt")["gradio"] == f"gradio=={version}"
