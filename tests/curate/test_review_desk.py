"""What reviewers do, without the page: order, progress, undo, and what the page writes as HTML."""

import hashlib
import json

import pytest
from PIL import Image
from reviewable import small_curation

from unskew.curate.curation import open_curation
from unskew.curate.decisions import DecisionLog, read_decisions
from unskew.curate.pixels import UnreadableError
from unskew.curate.review import parts
from unskew.curate.review.desk import Desk, StaleError, agreement_in
from unskew.curate.review.page import Page
from unskew.curate.review.picture import data_address
from unskew.errors import InputError

HOSTILE = '<script>alert(1)</script> ${alert(2)} {{value}} [me](javascript:alert(3)) & "quotes"'


@pytest.fixture
def folder(tmp_path):
    return small_curation(tmp_path, HOSTILE)


@pytest.fixture
def desk(folder):
    with DecisionLog(folder / "decisions.jsonl") as log:
        yield Desk(open_curation(folder), log)


def decide(desk, number, action, reviewer="ana", label=None):
    seen = desk.view(reviewer, number)
    return desk.decide(reviewer, seen.record.id, seen.made, action, label)


def test_an_emptied_field_of_labels_decides_nothing(desk, folder):
    page = Page(desk, "ana")
    seen = desk.view("ana", 0)
    at = ["ana", seen.record.id, seen.made]
    for label in (None, ""):
        screen = page._relabel(*at, label)
        assert len(screen) == len(page.screen)
        assert screen[:3] == at
    assert list(read_decisions(folder / "decisions.jsonl")) == []
    page._relabel(*at, "religion\nJewish")
    (decision,) = read_decisions(folder / "decisions.jsonl")
    assert (decision.action, decision.subgroup) == ("relabel", "Jewish")


def test_each_reviewer_goes_their_own_way(desk, folder):
    assert desk.first("ana") == 0
    assert decide(desk, 0, "keep") == 1
    assert decide(desk, 2, "drop") == 3  # the next that is open
    assert decide(desk, 3, "unsure") == 1  # from the end to the beginning
    assert desk.first("ben") == 0
    assert desk.view("ben", 0).own is None
    assert desk.view("ben", 0).done == {}
    assert desk.view("ana", 0).own.action == "keep"
    assert desk.view("ana", 1).done == {"keep": 1, "drop": 1, "unsure": 1}
    assert decide(desk, 1, "keep") == 1  # all are decided on: stay
    assert desk.first("ana") == 3
    assert "All records are decided on" in parts.place(desk.view("ana", 3))


def test_a_record_without_an_image_is_left_out(desk):
    assert desk.view("ana", 0).total == 4
    assert desk.view("ana", 99).number == 3
    assert desk.view("ana", -1).number == 0


def test_undo_goes_back_through_the_decisions_also_of_an_earlier_run(folder):
    with DecisionLog(folder / "decisions.jsonl") as log:
        desk = Desk(open_curation(folder), log)
        decide(desk, 1, "keep")
        decide(desk, 0, "drop")
        decide(desk, 1, "unsure")
        decide(desk, 0, "keep", reviewer="ben")
    with DecisionLog(folder / "decisions.jsonl") as log:
        desk = Desk(open_curation(folder), log)
        assert desk.undo("ana") == 1
        assert desk.view("ana", 1).own.action == "keep"
        assert [desk.undo("ana"), desk.undo("ana")] == [0, 1]
        assert desk.view("ana", 0).done == {}
        with pytest.raises(InputError, match="no decision to take back"):
            desk.undo("ana")
        assert desk.view("ben", 0).own.action == "keep"


def test_a_second_key_before_the_page_has_moved_on_decides_nothing(desk):
    seen = desk.view("ana", 0)
    desk.decide("ana", seen.record.id, seen.made, "keep")
    with pytest.raises(StaleError, match="decided on already"):
        desk.decide("ana", seen.record.id, seen.made, "drop")
    assert desk.view("ana", 0).own.action == "keep"
    decide(desk, 0, "drop")  # having looked again
    assert desk.view("ana", 0).own.action == "drop"


def test_an_open_page_decides_on_the_record_that_it_shows(desk, folder):
    """Also when the server was started again with the records in another order, or with others."""
    shown = Page(desk, "ana")._move(1, "ana", desk.view("ana", 0).record.id, 0)[:3]
    assert shown[1] == desk.view("ana", 1).record.id
    flags = folder / "flags.jsonl"
    lines = [json.loads(line) for line in flags.read_text().splitlines()]
    for line in lines:
        line["flags"] = []
    lines[3]["flags"] = [{"check": "blurred", "score": 0, "threshold": 1, "reason": "soft"}]
    flags.write_text("".join(json.dumps(line) + "\n" for line in lines))
    again = Page(Desk(open_curation(folder), desk._log, flagged_first=True), "ana")
    assert again.desk.view("ana", 2).record.id == shown[1]
    again._decide("drop", *shown)
    (decision,) = read_decisions(folder / "decisions.jsonl")
    assert (decision.record, decision.action) == (shown[1], "drop")
    screen = again._decide("keep", "ana", "a record of another pile", 0)
    assert "look again" in screen[-1]
    assert screen[1] == again.desk.view("ana", 0).record.id
    assert len(read_decisions(folder / "decisions.jsonl")) == 1


def test_relabel(desk, folder):
    with pytest.raises(InputError, match="no subgroup is proposed"):
        decide(desk, 3, "keep")
    decide(desk, 3, "relabel", label=("religion", "Jewish"))
    decide(desk, 0, "relabel", label=("religion", "Muslim"))  # what is proposed
    written = read_decisions(folder / "decisions.jsonl")
    assert [(d.action, d.subgroup) for d in written] == [("relabel", "Jewish"), ("keep", None)]


def test_flagged_first(folder):
    curation = open_curation(folder)
    flags = folder / "flags.jsonl"
    lines = [json.loads(line) for line in flags.read_text().splitlines()]
    for line in lines[:4]:
        line["flags"] = []
    lines[2]["flags"] = [{"check": "blurred", "score": 0, "threshold": 1, "reason": HOSTILE}]
    flags.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with DecisionLog(folder / "decisions.jsonl") as log:
        desk = Desk(open_curation(folder), log, flagged_first=True)
        order = [desk.view("ana", n).record.id for n in range(4)]
    ids = [record.id for record in curation.records]
    assert order == [ids[2], ids[0], ids[1], ids[3]]


def test_what_a_record_says_stays_text(desk, folder):
    view = desk.view("ana", 0)
    written = parts.facts(view) + parts.place(view) + parts.progress(view, HOSTILE)
    written += parts.picture(view, folder)
    assert "&lt;script>" in written.replace("&gt;", ">")
    for markup in ("<script", "${", "{{", "javascript:alert(3))<"):
        assert markup not in written


def test_pictures_come_from_the_collection_alone(desk, folder, tmp_path):
    image = desk.view("ana", 0).record.image
    assert data_address(folder, image).startswith("data:image/jpeg;base64,")
    secret = tmp_path / "secret.png"
    Image.new("RGB", (50, 50)).save(secret)
    (folder / "images" / "link.png").symlink_to(secret)
    for path in ("../secret.png", str(secret), "salt", "images/../salt", "images/link.png"):
        with pytest.raises(UnreadableError, match="not one of this collection"):
            data_address(folder, path)
    with pytest.raises(UnreadableError, match="cannot be read"):
        data_address(folder, "images/none.png")


def test_a_picture_that_cannot_be_read_says_why(desk, folder):
    view = desk.view("ana", 0)
    content = b"\x89PNG\r\n\x1a\n" + hashlib.sha256(b"noise").digest()
    (folder / view.record.image).write_bytes(content)
    assert "This picture cannot be shown: " in parts.picture(view, folder)
    assert "<img" not in parts.picture(view, folder)


def test_agreement_is_that_of_the_records_that_are_there(desk, folder):
    assert desk.agreement() == ()
    for number, both in enumerate([("keep", "keep"), ("drop", "keep"), ("drop", "drop")]):
        for reviewer, action in zip(("ana", "ben"), both, strict=True):
            decide(desk, number, action, reviewer)
    found = desk.agreement()
    assert [(a.measure, a.items, round(a.value, 2)) for a in found] == [
        ("cohen", 3, 0.4),
        ("fleiss", 3, 0.33),
        ("krippendorff", 3, 0.44),
    ]
    with (folder / "decisions.jsonl").open("a") as file:  # of a record that was taken out
        line = {"record": "gone", "reviewer": "cem", "action": "keep", "at": ""}
        file.write(json.dumps(line) + "\n")
    assert [a.row() for a in agreement_in(folder)] == [a.row() for a in found]


def test_a_curation_without_images_is_one_line(folder):
    curation = open_curation(folder)
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    for record in records:
        record["image"] = None
    (folder / "records.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    with (
        DecisionLog(folder / "decisions.jsonl") as log,
        pytest.raises(InputError, match=r"no record of .* has an image"),
    ):
        Desk(open_curation(folder), log)
    assert len(curation.records) == 5
