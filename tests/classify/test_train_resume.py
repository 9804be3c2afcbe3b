"""A run that is killed goes on as if nothing had happened; a folder of another run is refused."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from classify_sets import settings, squares

from unskew.classify import SumOfSquares, make_strategy
from unskew.classify.checkpoint import FILE, Checkpoint, CheckpointFile
from unskew.classify.strategy import NoIntervention
from unskew.classify.train import train
from unskew.errors import InputError

SCRIPT = """
import sys, torch
sys.path.insert(0, {tests!r})
from test_train_resume import trained
torch.set_num_threads(1)
trained({strategy!r}, {out!r})
"""


def strategy_named(name, learnt):
    if name == "memory":
        return Memory(len(learnt))
    return make_strategy(name, learnt.targets, learnt.groups)


class Memory(NoIntervention):
    """Draws what had the largest losses in the epoch before, and counts the batches."""

    name, wants_losses = "memory", True

    def __init__(self, n):
        super().__init__(n)
        self.losses = torch.ones(n, dtype=torch.float64)
        self.batches = 0

    def sample(self, epoch, generator):
        return torch.multinomial(self.losses, self.n, replacement=True, generator=generator)

    def reduce(self, losses, indices):
        self.batches += 1
        return losses.mean() * (1 + 0.1 * (self.batches % 2))

    def after_epoch(self, epoch, losses):
        seen = torch.from_numpy(losses)
        self.losses = torch.where(seen.isnan(), self.losses, seen + 1e-3)

    def state_dict(self):
        return {"losses": self.losses, "batches": self.batches}

    def load_state_dict(self, state):
        self.losses, self.batches = state["losses"], state["batches"]


def trained(strategy="none", out=None, seed=0, objective="softmax-cross-entropy", **changes):
    chosen = settings(**{"epochs": 6, "augment": True, "select": "unbiased_accuracy", **changes})
    learnt, judged = squares(96), squares(36, seed=1)
    return train(
        chosen.network(3, 12, seed=seed),
        learnt,
        judged,
        chosen,
        objective=objective,
        strategy=strategy_named(strategy, learnt),
        seed=seed,
        out=out,
    )


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def killed_within(strategy, out):
    """Start the run in another process, and kill it once a checkpoint is there."""
    script = SCRIPT.format(tests=str(Path(__file__).parent), strategy=strategy, out=str(out))
    process = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 120
    while not (out / FILE).exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    return process.wait()


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("strategy", ["memory", pytest.param("adaptive", marks=pytest.mark.slow)])
def test_a_killed_run_ends_as_one_that_was_not(tmp_path, strategy):
    assert killed_within(strategy, tmp_path / "run") == -signal.SIGKILL
    resumed = trained(strategy, tmp_path / "run")
    whole = trained(strategy)
    assert list(resumed.history) == list(whole.history)
    assert resumed.best_epoch == whole.best_epoch
    ours, theirs = resumed.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in theirs)


@pytest.mark.parametrize("stop", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 5))])
def test_an_interrupted_run_goes_on_from_any_epoch(tmp_path, monkeypatch, stop):
    save, saved = CheckpointFile.save, []

    def save_and_stop(self, checkpoint):
        save(self, checkpoint)
        saved.append(checkpoint)
        if len(saved) == stop:
            raise KeyboardInterrupt

    monkeypatch.setattr(CheckpointFile, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        trained("memory", tmp_path)
    resumed, whole = trained("memory", tmp_path), trained("memory")
    assert len(saved) == 6  # no epoch was trained twice
    assert list(resumed.history) == list(whole.history)


def test_a_finished_run_is_read_back(tmp_path, monkeypatch):
    first = trained("memory", tmp_path)
    monkeypatch.setattr("unskew.classify.loop.Loop._epoch", None)
    second = trained("memory", tmp_path)
    assert first.history == second.history
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in theirs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 1e-4}, "its setting learning_rate is 0.003, not 0.0001"),
        ({"objective": "l1"}, "its objective is 'softmax-cross-entropy', not 'l1'"),
        ({"objective": SumOfSquares(2.0)}, "its objective is 'softmax-cross-entropy', not 'SumOf"),
        ({"strategy": "memory"}, "its strategy is 'none', not 'memory'"),
        ({"seed": 1}, "its network is"),
        ({"dropout": 0.2}, "its dropout is"),
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path, changes, message):
    trained("none", tmp_path, epochs=1)
    with pytest.raises(InputError, match=f"holds another run: {message}"):
        trained(**{"strategy": "none", "out": tmp_path, "epochs": 1, **changes})


def test_a_damaged_checkpoint_is_named(tmp_path):
    trained("none", tmp_path, epochs=1)
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=f"{FILE} is damaged"):
        trained("none", tmp_path, epochs=1)


def test_a_folder_that_cannot_be_made_is_named_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr("unskew.classify.loop.Loop._epoch", None)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot save checkpoints to .*file/run: Not a directory"):
        trained("none", tmp_path / "file" / "run", epochs=1)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    def full(*names):
        raise OSError(28, "No space left on device")

    first = trained("none", tmp_path, epochs=1)
    before = (tmp_path / FILE).read_bytes()
    monkeypatch.setattr("unskew.classify.checkpoint.os.replace", full)
    with pytest.raises(InputError, match=r"No space left on device; what was saved before is int"):
        CheckpointFile(tmp_path, {}).save(Checkpoint({}, {}))
    assert [p.name for p in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).read_bytes() == before
    assert trained("none", tmp_path, epochs=1).history == first.history
