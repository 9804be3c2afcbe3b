"""The page of `unskew review` in a real browser, on a curation of real images."""

import json
import resource
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from review_page import Server, Tab

from unskew.curate.curation import open_curation
from unskew.curate.pipeline import curate

# Keys of the scripted session, in turn; the first records of the pile have a proposed subgroup.
KEYS = "kkdkurkkdk"
ACTIONS = {"k": ("keep", None), "d": ("drop", None), "u": ("unsure", None)}
FOLDERS = ("african-american", "christianity", "disabled-people", "female")


@pytest.fixture(scope="module")
def pile(shared_data, tmp_path_factory):
    """A curation of 60 scraped photos of four folders."""
    raw = tmp_path_factory.mktemp("review") / "pile"
    photos = [p for f in FOLDERS for p in sorted((shared_data / "raw_pile" / f).iterdir())]
    for photo in photos[:60]:
        (raw / photo.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, raw / photo.parent.name)
    return curate(raw, raw.parent / "curation").folder


@pytest.fixture
def tab_on(browser):
    """Opens pages, and closes them after the test."""
    tabs = []

    def open_tab(address):
        tabs.append(Tab(browser, address))
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.page.context.close()


@pytest.fixture
def curation(pile, tmp_path):
    return Path(shutil.copytree(pile, tmp_path / "curation"))


HOSTILE = [
    "<script>window.caught = 1</script>",
    "<img src=x onerror='window.caught = 2'> <b>bold</b>",
    "[a link](javascript:window.caught=3) ![](https://example.org/seen.png)",
    "${window.caught = 4} {{window.caught}} {% x %} $$a_b$$",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnorw \N{WAVING HAND SIGN} a\nsecond line",
]


@pytest.fixture(scope="module")
def hostile(shared_data, tmp_path_factory):
    """A server of photos that come with hostile texts, and of one file that is no picture."""
    folder = tmp_path_factory.mktemp("hostile")
    photos = sorted((shared_data / "raw_pile" / "gay").iterdir())[:6]
    images = [Path(shutil.copy(photo, folder)).name for photo in photos]
    images.insert(5, "broken.jpg")
    (folder / "broken.jpg").write_bytes(photos[0].read_bytes()[:300])
    label = {"category": "sexual orientation", "subgroup": "Gay"}
    lines = [
        {"id": str(n), "image": image, "text": text, "query": text, **label}
        for n, (image, text) in enumerate(zip(images, [*HOSTILE, "", ""], strict=True))
    ]
    (folder / "pile.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Server(curate(folder / "pile.jsonl", folder / "curation").folder) as server:
        yield server
        assert server.interrupt() == 0
        assert "outside" not in server.said


def test_fifty_decisions_by_keyboard_killed_in_the_middle(tab_on, curation):
    """SIGKILL after 23, and again while the 37th is on its way: none that the page showed is
    lost, and the page that is open goes on."""
    ids = record_ids(curation)
    expected = {}
    with Server(curation, "--reviewer", "ana") as server:
        tab = tab_on(server.address)
        tab.at(1)
        decide(tab, ids, expected, range(1, 24))
        server.kill()
        assert server.standing("ana") == expected
    with Server(curation, "--reviewer", "ana", port=server.port) as server:
        # Nothing was wrong but that the server was gone, and the open page goes on by itself.
        assert all("ERR_" in said or "fetch" in said for said in tab.wrong), tab.wrong
        decide(tab, ids, expected, range(24, 37))
        tab.page.keyboard.press("d")
        server.kill()
        left = server.standing("ana")
        assert left in (expected, {**expected, ids[36]: ("drop", None)})
    with Server(curation, "--reviewer", "ana", port=server.port) as server:
        tab = tab_on(server.address)
        tab.at(len(left) + 1)
        expected = left
        decide(tab, ids, expected, range(len(left) + 1, 51))
        assert server.standing("ana") == expected
        assert len(expected) == 50
        assert "50 of 60 decided on" in tab.text("#progress")
        assert tab.wrong == []
        assert tab.asked == {f"127.0.0.1:{server.port}"}
        assert server.interrupt() == 0
        assert "outside" not in server.said


def test_what_a_record_says_is_shown_and_never_run(tab_on, hostile):
    tab = tab_on(hostile.address)
    tab.enter("<i>Zoë</i>")
    for number, text in enumerate(HOSTILE, start=1):
        tab.at(number)
        assert tab.page.input_value("#text textarea") == text
        assert text.split()[0] in tab.text("#facts")  # what was searched for
        tab.page.keyboard.press("ArrowRight")
    tab.at(6)
    assert "This picture cannot be shown" in tab.text("#picture")
    assert "<i>Zoë</i>: 0 of 7 decided on" in tab.text("#progress")
    assert tab.page.query_selector("#facts b, #facts img, #progress i") is None
    assert tab.page.evaluate("window.caught") is None
    assert tab.wrong == []
    assert tab.asked == {f"127.0.0.1:{hostile.port}"}
    assert hostile.standing("<i>Zoë</i>") == {}
    salt = tab.page.request.get(f"{hostile.address}/gradio_api/file={hostile.folder}/salt")
    assert salt.status == 403
    named = tab.page.request.get(hostile.address, headers={"Host": "reviews.example.org"})
    assert named.status == 400


def test_two_reviewers_at_once(tab_on, hostile):
    """Each sees their own decisions alone; both see how far they agree."""
    ana, ben = tab_on(hostile.address), tab_on(hostile.address)
    for tab, name in ((ana, "ana"), (ben, "ben")):
        tab.enter(name)
        tab.at(1)
    for number, (one, other) in enumerate(zip("kkddk", "kkdkk", strict=True), start=1):
        ana.page.keyboard.press(one)
        ben.page.keyboard.press(other)
        ana.at(number + 1)
        ben.at(number + 1)
    ben.press("z", then=5)
    ben.press("Backspace", then=4)
    ben.press("ArrowLeft", then=3)
    assert "You decided: drop" in ben.text("#place")
    assert "3 of 7 decided on (2 keep, 1 drop, 0 relabel, 0 unsure)" in ben.text("#progress")
    assert "5 of 7 decided on" in ana.text("#progress")
    assert len(hostile.standing("ana")) == 5
    assert len(hostile.standing("ben")) == 3
    ben.relabel("jewi", then=4)
    assert list(hostile.standing("ben").values())[-1] == ("relabel", "Jewish")
    ana.page.get_by_role("tab", name="Agreement").click()
    ana.page.wait_for_selector("#agreement td")
    table = ana.text("#agreement")
    for said in ("Cohen's kappa", "Fleiss' kappa", "Krippendorff's alpha", "ana, ben"):
        assert said in table
    assert ana.wrong == ben.wrong == []


def test_keys_and_labels_for_everybody(tab_on, hostile):
    """No barrier that axe finds; buttons by name; keys are letters where somebody writes."""
    tab = tab_on(hostile.address)
    tab.enter(" ")
    tab.page.wait_for_selector("#refused >> text=is no name of a reviewer")
    tab.page.focus("#name textarea, #name input")
    tab.page.keyboard.type("kudz")
    tab.page.keyboard.press("Enter")
    tab.at(1)
    for name in ("Keep (k)", "Drop (d)", "Relabel (r)", "Unsure (u)", "Undo (z)"):
        assert tab.page.get_by_role("button", name=name).count() == 1
    assert tab.page.get_by_role("img", name="Picture 1 of 7, proposed as Gay").count() == 1
    found = Axe().run(tab.page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response
    barriers = {v["id"]: [n["html"][:120] for n in v["nodes"]] for v in found["violations"]}
    assert barriers == {}
    tab.page.get_by_role("button", name="Undo (z)").click()
    tab.page.wait_for_selector("#refused >> text=there is no decision to take back")
    assert hostile.standing("kudz") == {}
    assert tab.wrong == []


def test_in_a_narrow_window_a_refusal_is_in_sight_and_nothing_done_looks_empty(tab_on, hostile):
    tab = tab_on(hostile.address)
    tab.page.set_viewport_size({"width": 390, "height": 700})
    tab.enter("dee")
    tab.at(1)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    tab.page.get_by_role("button", name="Undo (z)").click()
    tab.page.wait_for_selector("#refused >> text=there is no decision to take back")
    assert tab.page.evaluate("scrollY") > 300
    assert 0 <= tab.page.locator("#refused p").bounding_box()["y"] < 600
    white = "word => getComputedStyle(word).color === 'rgb(255, 255, 255)'"
    assert tab.page.locator("#refused strong").evaluate(white)
    bar = tab.page.locator("#progress progress")
    shown = "bar => getComputedStyle(bar).backgroundColor"
    assert bar.evaluate(shown) == "rgba(0, 0, 0, 0)"
    assert bar.evaluate("bar => getComputedStyle(bar).appearance") == "none"


def test_a_full_disk_keeps_the_page_where_it_is(tab_on, hostile):
    tab = tab_on(hostile.address)
    tab.enter("cem")
    tab.at(1)
    tab.press("k", then=2)
    before = (hostile.folder / "decisions.jsonl").read_bytes()
    pid, limits = hostile.process.pid, (len(before) + 20, resource.RLIM_INFINITY)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    tab.page.keyboard.press("d")
    tab.page.wait_for_selector("#refused >> text=this decision is not kept")
    assert (hostile.folder / "decisions.jsonl").read_bytes() == before
    tab.at(2)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    tab.press("d", then=3)
    assert tab.page.query_selector("#refused p") is None
    assert [action for action, _ in hostile.standing("cem").values()] == ["keep", "drop"]


def decide(tab, ids, expected, numbers):
    for number in numbers:
        key = KEYS[number % len(KEYS)]
        if key == "r":
            tab.relabel("musl", then=number + 1)
            expected[ids[number - 1]] = ("relabel", "Muslim")
        else:
            tab.press(key, then=number + 1)
            expected[ids[number - 1]] = ACTIONS[key]


def record_ids(folder):
    return [record.id for record in open_curation(folder).records]
