"""The whole app in a real browser: no error, no other host, readable by everybody."""

import json
import os
import re
import time
from pathlib import Path

import pytest

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")
from browser import DESKTOP, PHONE, Watched, judge
from hostile import HTML, SVG, picture
from http_visitor import wait_until

PICTURES = os.environ.get("UNSKEW_SCREENSHOTS")
"""A folder for pictures of the pages, as the documentation has them; none are kept without it."""


def shot(watched, name):
    watched.settled()
    if PICTURES:
        watched.page.screenshot(path=Path(PICTURES) / f"demo-{name}.png", full_page=True)


def test_the_whole_flow_on_the_built_in_model(browser, served, tmp_path):
    _, address = served
    clock, start = time.perf_counter(), time.process_time()
    seen = Watched(browser, address)
    assert seen.violations() == []
    seen.press("Run the audit")
    seen.see("Effect sizes between subgroups")
    seen.see("Nearest attributes")
    seen.page.get_by_label("Look closely at").locator("visible=true").click()
    seen.page.get_by_role("option", name="age_group in faces, image-text").click()
    matrix = seen.page.get_by_alt_text("Matrix of effect sizes between the subgroups of age_group")
    matrix.wait_for()
    seen.page.get_by_alt_text(re.compile("Bars with intervals.*age_group")).wait_for()
    shot(seen, "audit")
    seen.press("Prepare the report for download")
    seen.see("The report is ready")
    files = {}
    for name in ("report.html", "report.json"):
        with seen.page.expect_download() as waiting:
            seen.page.locator(f"a[download='{name}']").locator("visible=true").first.click()
        waiting.value.save_as(tmp_path / name)
        files[name] = (tmp_path / name).read_text(encoding="utf-8")
    taken = time.process_time() - start
    print(f"whole flow: {time.perf_counter() - clock:.1f} s, {taken:.1f} s of the server's CPU")
    assert taken < 30
    report = json.loads(files["report.json"])
    assert report["model"]["name"] == "unskew/mini"
    assert {d["name"] for d in report["datasets"]} == {"faces"}
    assert files["report.html"].startswith("<!doctype html>")
    assert seen.violations() == []
    judge(seen, address)


def test_before_and_after_with_a_slider(browser, served):
    _, address = served
    seen = Watched(browser, address)
    seen.tab("Before and after")
    seen.press("Compare the two models")
    seen.see("Before: unskew/mini")
    seen.page.get_by_label("Look closely at").locator("visible=true").click()
    seen.page.get_by_role("option", name="age_group in faces").click()
    seen.page.get_by_alt_text(re.compile("age_group in faces.*, before$")).wait_for()
    slider = seen.page.get_by_label("How much of the figure shows the model before")
    slider.focus()
    before = seen.page.locator(".unskew-before")
    at_half = before.evaluate("e => getComputedStyle(e).clipPath")
    shot(seen, "before-after")
    slider.press("End")
    assert before.evaluate("e => getComputedStyle(e).clipPath") != at_half
    assert seen.violations() == []
    judge(seen, address)


def test_own_pictures_are_compared_and_forgotten(browser, served, tmp_path, on_disk):
    _, address = served
    before = on_disk()
    seen = Watched(browser, address)
    seen.page.get_by_label("My own pictures").check()
    files = {f"{i}.png": picture(size=(40 + i, 40)) for i in range(4)}
    files |= {"<img src=x onerror=alert(1)>.svg": SVG, "page.png": HTML}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    seen.page.get_by_label("Name of group 1").fill("<script>alert(1)</script>")
    with seen.page.expect_file_chooser() as chooser:
        seen.page.locator("button", has_text="Click to Upload").first.click()
    chooser.value.set_files(sorted(tmp_path.iterdir()))
    seen.see("Group 1 has 4 pictures, kept in memory alone.")
    seen.see("Refused 2 of the files.")
    assert seen.violations() == []
    shot(seen, "own-pictures")
    seen.tab("Similarities")
    seen.press("Compare pictures and texts")
    cells = seen.page.get_by_role("region", name="Cosine similarity of pictures and texts")
    cells.wait_for()
    assert cells.locator("tbody tr").count() == 4
    thumb = cells.locator("img").first
    assert thumb.get_attribute("alt") == "picture 1: <script>alert(1)</script>"
    assert seen.violations() == []
    seen.press("Forget my pictures and results")
    seen.page.get_by_text("Your pictures and results are forgotten.").first.wait_for()
    seen.press("Compare pictures and texts")
    seen.page.get_by_role("alert").get_by_text("you have handed in no pictures yet").wait_for()
    assert cells.count() == 0
    assert on_disk() == before
    judge(seen, address)
    sessions = served[0].page.app.state_holder.session_data
    mine = list(sessions)[-1]  # gradio puts the latest used last
    seen.page.close()
    wait_until(lambda: mine not in sessions)


def test_layers_of_a_model(browser, served):
    _, address = served
    seen = Watched(browser, address)
    seen.tab("Layers")
    seen.press("Compare the layers")
    seen.page.get_by_alt_text("CKA between the layers of unskew/mini").wait_for()
    shot(seen, "layers")
    assert seen.violations() == []
    judge(seen, address)


def test_on_a_phone(browser, served):
    _, address = served
    seen = Watched(browser, address, PHONE)
    assert seen.overflow() <= 0
    seen.page.get_by_label("Emoji (324 drawings, Noto)").check()
    seen.see("Noto Color Emoji")
    seen.page.get_by_label("Faces (540 photographs, FairFace)").check()
    seen.press("Run the audit")
    seen.see("Nearest attributes")
    shot(seen, "phone")
    assert seen.violations() == []
    seen.tab("Similarities")
    seen.press("Compare pictures and texts")
    seen.page.get_by_role("region", name="Cosine similarity of pictures and texts").wait_for()
    judge(seen, address)


def test_with_the_keyboard_alone(browser, served):
    _, address = served
    seen = Watched(browser, address, DESKTOP)
    page = seen.page
    page.get_by_label("Faces (540 photographs, FairFace)").focus()
    page.keyboard.press("ArrowDown")
    seen.see("Noto Color Emoji")
    page.keyboard.press("ArrowDown")
    seen.see("Add pictures to group 1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    seen.see("FairFace, by")
    assert page.evaluate("document.activeElement.checked")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Run the audit":
            break
    else:
        raise AssertionError("Tab never comes to the button that runs the audit")
    outline = page.evaluate(
        "(s => s.outlineStyle + s.boxShadow)(getComputedStyle(document.activeElement))"
    )
    assert outline != "nonenone"  # where the focus is can be seen
    page.keyboard.press("Enter")
    seen.see("Effect sizes between subgroups")
    judge(seen, address)
