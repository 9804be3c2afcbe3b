"""What wants a server of its own: other models, a short queue, a short memory."""

import importlib.util
import os
import re
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from browser import CHROMIUM, Watched, judge
from hostile import picture
from http_visitor import Visitor, wait_until

from unskew.demo.limits import LIMITS
from unskew.demo.models import LOCAL
from unskew.demo.serve import serving
from unskew.encoders import Debiaser, DualEncoder
from unskew.encoders.heads import Affine, Heads

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
NAMES = ("a", "b", "", "")
QUEUE = 2


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Folders of a tiny CLIP, a tiny SigLIP, and the first with a head that drops dimensions."""
    path = Path(__file__).parents[1] / "encoders" / "tiny_models.py"
    spec = importlib.util.spec_from_file_location("tiny_models", path)
    tiny_models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny_models)
    folder = tmp_path_factory.mktemp("models")
    clip, other = (
        str(tiny_models.save_tiny(family, folder / family)) for family in ("clip", "siglip")
    )
    encoder = DualEncoder.from_pretrained(clip)
    head = Affine(np.diag(np.arange(encoder.dim) >= 4).astype(np.float32))
    heads = Heads(image=head, text=head)
    Debiaser.of(encoder, method="dropped", heads=heads).save_pretrained(folder / "fair")
    return clip, other, str(folder / "fair")


@pytest.fixture(scope="module")
def small(others, temporary):
    """(app, address) of a server with a short queue, which sweeps all the time."""
    limits = replace(LIMITS, queue=QUEUE, sweep=0.2)
    with serving((*LOCAL, *others), limits, server_name="127.0.0.1") as (app, address):
        yield app, address.rstrip("/")


@pytest.fixture
def visitors(small):
    """Makes visitors of that server."""
    clients = []

    def visitor():
        clients.append(httpx.Client(base_url=small[1], timeout=120))
        return Visitor(clients[-1])

    yield visitor
    for client in clients:
        client.close()


def compare(visitor, model, source="emoji"):
    return visitor.call("similarities", source, model, "a", None, *NAMES)


@pytest.fixture
def full(small, others, visitors):
    """A question that is being answered until the context ends, and as many as may wait."""
    app, answers = small[0], []

    def ask():
        answers.append(compare(visitors(), others[0])[0])

    threads = [threading.Thread(target=ask) for _ in range(1 + QUEUE)]
    with app.bench._lock:
        for number, thread in enumerate(threads):
            thread.start()
            wait_until(
                lambda n=number: len(app.page._queue) == n and any(app.page._queue.active_jobs)
            )
        yield
    for thread in threads:
        thread.join()
    assert answers == ["done"] * len(threads)  # nobody who waited was turned away


def test_a_full_queue_is_told(full, others, visitors):
    state, message = compare(visitors(), others[0])
    assert state == "refused"
    assert "Queue is full" in message


@in_chromium
def test_a_full_queue_is_told_on_the_page(browser, small, full):
    seen = Watched(browser, small[1])
    seen.press("Run the audit")
    told = seen.page.get_by_test_id("toast-body")
    told.wait_for()
    assert "busy" in told.inner_text()
    assert told.count() == 1


def hand_in_and_report(visitor, model):
    """Own pictures, an audit of them, and its report as files."""
    for group in (1, 2):
        files = [(f"{i}.png", picture(size=(40 + i, 30 + group))) for i in range(4)]
        assert "4 pictures" in visitor.hand_in(*files, group=group)
    stimuli = ["contrast_prompts"]
    told = visitor.call("audit", "own", model, stimuli, None, *NAMES)
    assert 'role="alert"' not in told[1][0], told
    assert "The report is ready" in visitor.call("download", None, None)[1][0]


def assert_forgotten(visitor, model):
    assert "they were forgotten" in compare(visitor, model, "own")[1][0]
    assert "there is no report" in visitor.call("download", None, None)[1][0]


def written():
    """Reports in the folder of the server that was started last."""
    return list(Path(os.environ["GRADIO_TEMP_DIR"]).rglob("report.*"))


def test_what_nobody_asks_for_any_more_is_forgotten(small, others, visitors):
    app, visitor = small[0], visitors()
    hand_in_and_report(visitor, others[0])
    assert len(written()) == 2
    sessions = app.page.app.state_holder.session_data
    assert visitor.session in sessions
    before, app.visits._limits = app.visits._limits, replace(app.limits, keep=0.5)
    try:
        wait_until(lambda: visitor.session not in sessions)
    finally:
        app.visits._limits = before
    assert written() == []
    assert_forgotten(visitor, others[0])


def test_what_is_forgotten_or_left_is_gone_at_once(small, others, visitors):
    app, visitor = small[0], visitors()
    sessions = app.page.app.state_holder.session_data
    with visitor.at_the_page():
        hand_in_and_report(visitor, others[0])
        assert visitor.call("forget")[0] == "done"
        assert written() == []
        assert_forgotten(visitor, others[0])
        hand_in_and_report(visitor, others[0])
        assert len(written()) == 2
        assert visitor.session in sessions
    wait_until(lambda: visitor.session not in sessions)
    assert written() == []


@in_chromium
def test_two_models_and_a_debiased_checkpoint_that_the_server_was_given(browser, small, others):
    clip, other, fair = others
    seen = Watched(browser, small[1])
    page = seen.page

    def choose(label, name):
        page.get_by_label(label, exact=True).locator("visible=true").click()
        # The list of the one before may still be fading out.
        page.get_by_role("option", name=name, exact=True).last.click()

    page.get_by_label("Emoji (324 drawings, Noto)").check()
    seen.see("Noto Color Emoji")
    seen.tab("Layers")
    choose("First model", clip)
    choose("Second model", other)
    seen.press("Compare the layers")
    heatmap = page.get_by_alt_text(f"CKA between the layers of {clip} and of {other}")
    heatmap.wait_for()
    seen.tab("Before and after")
    choose("Model before", clip)
    choose("Model after", fair)
    seen.press("Compare the two models")
    seen.see(f"Before: {clip}")
    page.get_by_alt_text(re.compile(", before$")).first.wait_for()
    slider = page.get_by_label("How much of the figure shows the model before").first
    cut = page.locator(".unskew-before").first
    at_half = cut.evaluate("e => getComputedStyle(e).clipPath")
    slider.press("End")
    assert cut.evaluate("e => getComputedStyle(e).clipPath") != at_half
    judge(seen, small[1])
