"""The pages: every link leads somewhere, and every method and verb has its page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not re.match(r"https?:|mailto:|#", target):
            path = page.parent / target.split("#")[0]
            assert path.exists(), f"{target} of {page.relative_to(ROOT)}"


def test_every_debiasing_method_has_a_page():
    from unskew.debias import METHODS

    for name in METHODS:
        text = (ROOT / "docs" / "methods" / f"{name}.md").read_text(encoding="utf-8")
        for part in ("Formula", "Source", "When not to use it", "Measured"):
            assert f"**{part}.**" in text


def test_every_verb_is_in_the_guide():
    from unskew.cli import app

    guide = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    groups = [group.name for group in app.registered_groups]
    commands = [c.name or c.callback.__name__ for c in app.registered_commands]
    for verb in (*groups, *commands):
        assert f"`{verb}" in guide, verb
