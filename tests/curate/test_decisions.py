"""The log of decisions: what stands, what it comes to, and that nothing is lost."""

import json
import resource
import signal
import subprocess
import sys
import threading

import pytest

from unskew.curate.decisions import Decision, DecisionLog, read_decisions, standing, verdict
from unskew.errors import InputError

AT = "2026-01-02T03:04:05Z"


def decided(action, record="r1", reviewer="ana", label=(None, None)):
    return Decision(record, reviewer, action, AT, *label)


def votes(*decisions):
    return verdict({f"reviewer {n}": decision for n, decision in enumerate(decisions)})


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "decisions.jsonl"
    first, second = decided("keep"), decided("relabel", "r2", "Zoë", ("religion", "Muslim"))
    with DecisionLog(path) as log:
        log.append(first)
        assert read_decisions(path) == [first]  # before the log is closed
    with DecisionLog(path) as log:
        log.append(second)
        assert log.decisions == (first, second)
    assert read_decisions(path) == [first, second]


def test_nobody_has_decided_where_there_is_no_log(tmp_path):
    assert read_decisions(tmp_path / "decisions.jsonl") == []


def test_undo_takes_back_the_latest_of_one_reviewer_on_one_record():
    log = [decided("keep"), decided("drop", reviewer="ben"), decided("unsure")]
    assert standing(log)["r1"]["ana"].action == "unsure"
    log.append(decided("undo"))
    assert {r: d.action for r, d in standing(log)["r1"].items()} == {"ana": "keep", "ben": "drop"}
    log += [decided("undo"), decided("keep", "r2")]
    assert {r: set(of) for r, of in standing(log).items()} == {"r1": {"ben"}, "r2": {"ana"}}
    log.append(decided("undo", "r2"))
    assert set(standing(log)) == {"r1"}


def test_an_undo_of_nothing_is_refused_and_not_written(tmp_path):
    with DecisionLog(tmp_path / "log") as log:
        log.append(decided("keep", reviewer="ben"))
        with pytest.raises(InputError, match=r"ana .*nothing to undo of 'r1'"):
            log.append(decided("undo"))
    assert len(read_decisions(tmp_path / "log")) == 1


def test_verdict_is_what_more_than_half_say():
    keep, drop, unsure = (decided(a) for a in ("keep", "drop", "unsure"))
    muslim, jewish = (decided("relabel", label=("religion", s)) for s in ("Muslim", "Jewish"))
    assert votes(keep).action == "keep"
    assert votes(keep, keep, drop).action == "keep"
    assert votes(drop, drop, keep).action == "drop"
    assert votes(keep, drop).action == "unsure"
    assert votes(keep, unsure, unsure).action == "unsure"
    both = votes(muslim, muslim, jewish)
    assert (both.action, both.category, both.subgroup, both.reviewers) == (
        *("keep", "religion", "Muslim"),
        3,
    )
    assert votes(muslim, jewish, keep).action == "unsure"  # in the set, but as what?
    assert votes(keep, keep, muslim).subgroup is None
    with pytest.raises(InputError, match="nobody has decided"):
        verdict({})


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"action": "love"}, "'love' is no action"),
        ({"reviewer": "  "}, "'' is no name"),
        ({"reviewer": "a\udc80"}, "is no name"),
        ({"action": "relabel"}, "names a category and a subgroup"),
        ({"category": "religion", "subgroup": "Muslim"}, "keep gives no label"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(parts, said):
    whole = {"record": "r", "reviewer": "ana", "action": "keep", "at": AT}
    with pytest.raises(InputError, match=said):
        Decision(**{**whole, **parts})


@pytest.mark.parametrize("cut", [1, 20, -1])
def test_a_line_that_was_cut_is_taken_away(tmp_path, cut):
    path = tmp_path / "log"
    with DecisionLog(path) as log:
        log.append(decided("keep"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:cut])
    kept = [decided("keep")] * (2 if cut == -1 else 1)  # of the last cut only the newline is gone
    assert read_decisions(path) == kept
    with DecisionLog(path) as log:
        log.append(decided("drop", "r2"))
    assert read_decisions(path) == [*kept, decided("drop", "r2")]


def test_lines_that_are_no_decision_are_named(tmp_path):
    path = tmp_path / "log"
    line = {"record": "r", "reviewer": "ana", "action": "keep", "at": AT}
    for wrong, said in [
        ("nonsense", "not valid JSON"),
        ("[]", "no decision"),
        (json.dumps({**line, "mood": "good"}), "no decision"),
        (json.dumps({**line, "record": 3}), "'record' is 3"),
        (json.dumps({**line, "action": "love"}), "'love' is no action"),
    ]:
        path.write_text(f"{json.dumps(line)}\n{wrong}\n{json.dumps(line)}\n")
        with pytest.raises(InputError, match=f"log line 2: .*{said}"):
            DecisionLog(path)
        assert path.read_text().count("\n") == 3


def test_one_process_holds_the_log(tmp_path):
    path = tmp_path / "log"
    second = "import sys; from unskew.curate.decisions import DecisionLog; DecisionLog(sys.argv[1])"
    with DecisionLog(path):
        ran = subprocess.run([sys.executable, "-c", second, path], capture_output=True, text=True)
    assert ran.stderr.strip().splitlines()[-1].startswith("unskew.errors.InputError: ")
    assert "is being reviewed" in ran.stderr
    subprocess.run([sys.executable, "-c", second, path], check=True)  # free again


def test_threads_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "log"
    with DecisionLog(path) as log:

        def review(reviewer):
            for n in range(12):
                log.append(decided("keep", f"r{n}", reviewer))

        threads = [threading.Thread(target=review, args=(f"reviewer {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({(d.record, d.reviewer) for d in read_decisions(path)}) == 48


def test_a_full_disk_keeps_what_was_decided(tmp_path):
    """A limit on the size of files refuses the write in the middle of a line, as a disk does."""
    path = tmp_path / "log"
    with DecisionLog(path) as log:
        log.append(decided("keep"))
        before = path.read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 30, limits[1]))
            with pytest.raises(InputError, match=r"cannot write .*log: File too large.*not kept"):
                log.append(decided("drop", "r2"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert path.read_bytes() == before
        log.append(decided("unsure", "r2"))  # there is room again
    assert [d.action for d in read_decisions(path)] == ["keep", "unsure"]


def test_a_log_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "log").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*log: Is a directory"):
        DecisionLog(tmp_path / "log")


def test_a_full_disk_is_one_line_and_keeps_what_was_decided(tmp_path):
    path = tmp_path / "decisions.jsonl"
    with DecisionLog(path) as log:
        log.append(decided("keep"))
        before = path.read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        # Of the whole process, so for no longer than the one call.
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
        try:
            with pytest.raises(InputError, match="those before it are"):
                log.append(decided("drop"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == before
        log.append(decided("drop"))
    assert [d.action for d in read_decisions(path)] == ["keep", "drop"]


def test_a_device_is_no_log():
    with pytest.raises(InputError, match="it is no file"):
        DecisionLog("/dev/null")
