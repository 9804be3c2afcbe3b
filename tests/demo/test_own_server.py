"""What wants a server of its own: other models, a short queue, a short memory."""

import importlib.util
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from browser import Watched, judge
from hostile import picture
from http_visitor import Visitor, wait_until

from unskew.audit import AuditReport
from unskew.demo import visits
from unskew.demo.limits import LIMITS
from unskew.demo.models import LOCAL
from unskew.demo.serve import serving
from unskew.encoders import Debiaser, DualEncoder
from unskew.encoders.heads import Affine, Heads

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
    limits = replace(LIMITS, queue=QUEUE, sweep=0.2, away=1)
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


def test_a_full_queue_is_told_on_the_page(browser, small, full):
    seen = Watched(browser, small[1])
    seen.press("Run the audit")
    told = seen.page.get_by_test_id("toast-body")
    told.wait_for()
    assert "busy" in told.inner_text()
    assert told.count() == 1


def hand_in(visitor):
    """Two groups of own pictures."""
    for group in (1, 2):
        files = [(f"{i}.png", picture(size=(40 + i, 30 + group))) for i in range(4)]
        assert "4 pictures" in visitor.hand_in(*files, group=group)


def hand_in_and_report(visitor, model):
    """Own pictures, an audit of them, and its report as files."""
    hand_in(visitor)
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


def kept(small):
    """What gradio keeps, by session."""
    return small[0].page.app.state_holder.session_data


@contextmanager
def impatient(small):
    """Who asks for nothing for half a second is forgotten."""
    app = small[0]
    before, app.visits._limits = app.visits._limits, replace(app.limits, keep=0.5)
    try:
        yield
    finally:
        app.visits._limits = before


def test_what_nobody_asks_for_any_more_is_forgotten(small, others, visitors):
    visitor, sessions = visitors(), kept(small)
    hand_in_and_report(visitor, others[0])
    assert len(written()) == 2
    assert visitor.session in sessions
    with impatient(small):
        wait_until(lambda: visitor.session not in sessions)
    assert written() == []
    assert_forgotten(visitor, others[0])


def test_who_waits_in_the_queue_is_not_forgotten(small, others, visitors):
    app, first, second, bystander = small[0], visitors(), visitors(), visitors()
    for visitor in (first, second):
        hand_in(visitor)
    answers = []
    threads = [
        threading.Thread(target=lambda v=visitor: answers.append(compare(v, others[0], "own")))
        for visitor in (first, second)
    ]
    with app.bench._lock:
        for number, thread in enumerate(threads):
            thread.start()
            wait_until(
                lambda n=number: len(app.page._queue) == n and any(app.page._queue.active_jobs)
            )
        hand_in(bystander)  # after the others asked: whose time is over when this one's is
        with impatient(small):
            wait_until(lambda: bystander.session not in kept(small))
    for thread in threads:
        thread.join()
    for state, output in answers:
        assert state == "done"
        assert "Cosine similarity" in output[0], output
    assert len(answers) == 2


def test_one_visitor_whose_files_cannot_be_removed_does_not_end_the_forgetting(
    small, others, visitors, monkeypatch, caplog
):
    first, second = visitors(), visitors()
    hand_in_and_report(first, others[0])
    real, failed = visits.shutil.rmtree, []

    def busy_once(folder, *args, **options):
        if not failed:
            failed.append(folder)
            raise OSError(16, "the folder is busy")
        real(folder, *args, **options)

    monkeypatch.setattr(visits.shutil, "rmtree", busy_once)
    with impatient(small):
        wait_until(lambda: first.session not in kept(small))
        hand_in(second)
        wait_until(lambda: second.session not in kept(small))
    assert "the folder is busy" in caplog.text
    real(failed[0])


def test_two_may_remove_a_folder_at_once(tmp_path):
    folder = tmp_path / "folder"
    failures, start = [], threading.Barrier(2)

    def remove():
        start.wait()
        try:
            visits.remove(str(folder))
        except OSError as error:
            failures.append(error)

    for _ in range(5):
        folder.mkdir()
        for number in range(300):
            (folder / str(number)).touch()
        threads = [threading.Thread(target=remove) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not folder.exists()
    assert failures == []


def test_who_comes_back_or_has_another_connection_loses_nothing(small, others, visitors):
    back, twice, asking = visitors(), visitors(), visitors()
    for visitor in (back, twice, asking):
        hand_in(visitor)
    with twice.at_the_page():
        for visitor in (back, twice, asking):
            with visitor.at_the_page():
                pass
        wait_until(lambda: back.session in small[0].visits._left)
        wait_until(lambda: asking.session in small[0].visits._left)
        with back.at_the_page():
            compare(asking, others[0], "own")
            bystander = visitors()
            hand_in(bystander)
            with bystander.at_the_page():
                pass
            wait_until(lambda: bystander.session not in kept(small))
            for visitor in (back, twice, asking):
                assert "Cosine similarity" in compare(visitor, others[0], "own")[1][0]
    wait_until(lambda: back.session not in kept(small) and twice.session not in kept(small))
    assert asking.session in kept(small)
    assert asking.call("forget")[0] == "done"


@pytest.mark.parametrize("how", ["forgets", "leaves"])
def test_a_report_drawn_for_who_has_gone_is_not_left_behind(
    small, others, visitors, monkeypatch, how
):
    visitor = visitors()
    hand_in(visitor)
    visitor.call("audit", "own", others[0], ["contrast_prompts"], None, *NAMES)
    drawing, go_on, save = threading.Event(), threading.Event(), AuditReport.save

    def slow(report, folder):
        drawing.set()
        go_on.wait(60)
        return save(report, folder)

    monkeypatch.setattr(AuditReport, "save", slow)
    with visitor.at_the_page():
        assert visitor.join("download", None, None).status_code == 200
        assert drawing.wait(60)
        if how == "forgets":
            assert visitor.call("forget")[0] == "done"
            assert visitor.session not in kept(small)
    go_on.set()
    wait_until(lambda: not small[0].page._queue.event_ids_to_events)
    wait_until(lambda: visitor.session not in kept(small))
    assert written() == []


def test_what_is_forgotten_is_gone_at_once_and_what_is_left_soon(small, others, visitors):
    visitor, sessions = visitors(), kept(small)
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
