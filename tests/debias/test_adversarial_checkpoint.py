"""Checkpoints: what they hold, and what survives a damaged file, a full disk, another run."""

import json
import multiprocessing
import resource
import signal
from dataclasses import replace

import adversarial_setup as setup
import pytest
import torch
from safetensors import safe_open

from unskew.debias.adversarial import AdversarialSettings, train_adversarial
from unskew.debias.checkpoint import Checkpoint, Checkpoints
from unskew.errors import InputError

QUICK = AdversarialSettings(**setup.QUICK)
FORK = multiprocessing.get_context("fork")


def checkpoint(step):
    return Checkpoint(step, {"a": torch.full((3,), float(step))}, {"worse": step})


@pytest.fixture
def two(tmp_path):
    """Checkpoints of a run after steps 2 and 4."""
    kept = Checkpoints(tmp_path, {"seed": 0})
    kept.save(checkpoint(2))
    kept.save(checkpoint(4))
    return kept


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_the_newest_is_loaded_and_the_oldest_goes(two):
    two.save(checkpoint(6))
    found = two.load()
    assert found.step == 6
    assert found.state == {"worse": 6}
    assert torch.equal(found.tensors["a"], torch.full((3,), 6.0))
    assert sorted(p.name for p in two.folder.iterdir()) == [
        "step-000004.safetensors",
        "step-000006.safetensors",
    ]


def test_one_cut_in_half_gives_way_to_the_one_before(two):
    cut(two.folder / "step-000004.safetensors")
    with pytest.warns(UserWarning, match=r"step-000004\.safetensors is damaged"):
        assert two.load().step == 2


def test_all_cut_in_half_is_one_line(two):
    for path in two.folder.iterdir():
        cut(path)
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(InputError, match=r"^every checkpoint in .* is damaged: remove"),
    ):
        two.load()


def test_another_run_is_refused(two):
    with pytest.raises(InputError, match="another run: its seed is 0, not 1"):
        Checkpoints(two.folder, {"seed": 1}).load()


def save_without_room(folder, said):
    """In a process of its own, whose files may not become larger than 5000 bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    try:
        Checkpoints(folder, {"seed": 0}).save(Checkpoint(6, {"a": torch.zeros(9999)}, {}))
    except InputError as error:
        said.send(str(error))


def test_no_room_for_it_leaves_the_last_one(two):
    before = {p.name: p.read_bytes() for p in two.folder.iterdir()}
    heard, said = FORK.Pipe(duplex=False)
    run = FORK.Process(target=save_without_room, args=(two.folder, said))
    run.start()
    run.join(60)
    assert run.exitcode == 0
    assert heard.poll()
    message = heard.recv()
    assert message.startswith("cannot save a checkpoint to")
    assert "the last one is intact" in message
    assert {p.name: p.read_bytes() for p in two.folder.iterdir()} == before


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Encoder, data and the folder of a finished run."""
    encoder = setup.tiny_encoder()
    data = setup.tiny_data(encoder)
    out = tmp_path_factory.mktemp("run")
    train_adversarial(encoder, data, QUICK, out=out)
    return encoder, data, out


def test_they_hold_no_base_weights(run):
    _, _, out = run
    with safe_open(out / "step-000006.safetensors", framework="pt") as file:
        names = set(file.keys())
        assert json.loads(file.metadata()["description"])["step"] == 6
    parts = {name.split(".")[0] for name in names}
    assert parts == {"adapter", "adversary", "optimizer"}
    assert all("lora_" in name for name in names if name.startswith("adapter."))


def test_a_finished_run_is_not_run_again(run):
    encoder, data, out = run
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    train_adversarial(encoder, data, QUICK, out=out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rank": 4}, "its rank is 16, not 4"), ({"steps": 9}, "its steps is 6, not 9")],
)
def test_a_folder_of_other_settings_is_refused(run, change, message):
    encoder, data, out = run
    with pytest.raises(InputError, match=message):
        train_adversarial(encoder, data, replace(QUICK, **change), out=out)


def test_a_folder_of_other_data_is_refused_unless_started_anew(run, tmp_path):
    encoder, data, _ = run
    train_adversarial(encoder, data, replace(QUICK, steps=2), out=tmp_path)
    other = setup.tiny_data(encoder, n=24)
    with pytest.raises(InputError, match="checkpoints of another run: its data is"):
        train_adversarial(encoder, other, replace(QUICK, steps=2), out=tmp_path)
    train_adversarial(encoder, other, replace(QUICK, steps=2), out=tmp_path, resume=False)
    assert len(setup.losses(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_is_one_line(run, tmp_path):
    encoder, data, _ = run
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write to"):
        train_adversarial(encoder, data, QUICK, out=tmp_path / "file" / "out")
