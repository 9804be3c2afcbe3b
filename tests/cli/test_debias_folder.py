"""What `unskew debias` left before, whole, damaged or half done, and the command after that."""

import json

import pytest
from folders import contents

from unskew import DualEncoder


class TestDamaged:
    """What a debiased model's folder can suffer, told by the commands that load it."""

    @pytest.fixture
    def made(self, fitted, tmp_path):
        fitted("leace")
        return tmp_path / "out"

    @pytest.fixture
    def loaded(self, unskew, faces, stimuli, tmp_path):
        def run(folder):
            where = ("--dataset", faces, "--stimuli", stimuli, "--out", tmp_path / "audit")
            code, _, err = unskew("audit", folder, *where)
            assert (code, len(err.strip().splitlines())) == (2, 1), err
            assert not (tmp_path / "audit").exists()
            return err

        return run

    def test_weights_cut_in_half(self, made, loaded):
        file = made / "heads.safetensors"
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        assert "heads.safetensors of" in (err := loaded(made))
        assert "damaged or incomplete" in err

    def test_another_base_model(self, made, loaded):
        file = made / "unskew_encoder.json"
        described = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps(described | {"base_fingerprint": "0" * 32}))
        assert "another base model" in loaded(made)

    def test_debiasers_do_not_stack(self, made, refused, tmp_path):
        refused("is debiased already", model=made, out=tmp_path / "second")


class TestTraining:
    """A method that takes long enough to be stopped."""

    SHORT = ("steps=4", "batch_size=8", "checkpoint_every=2", "blocks=1", "rank=2")

    def options(self, *settings):
        return [part for s in (*self.SHORT, *settings) for part in ("--set", s)]

    @pytest.fixture
    def train(self, debias):
        return lambda *settings: debias("adversarial", *self.options(*settings))

    @pytest.fixture
    def trained(self, fitted, tmp_path):
        fitted("adversarial", *self.options())
        return tmp_path / "out"

    def test_the_same_command_again_goes_on(self, trained, train):
        """From the last checkpoint that is whole, to the same adapter."""
        first = (trained / "adapter_model.safetensors").read_bytes()
        *_, newest = sorted((trained / "checkpoints").glob("step-*"))
        newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
        with pytest.warns(UserWarning, match=f"{newest.name} is damaged"):
            code, out, err = train()
        assert code == 0, err
        assert "adversarial" in out
        losses = (trained / "checkpoints" / "losses.jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line)["step"] for line in losses] == [1, 2, 3, 4]
        assert (trained / "adapter_model.safetensors").read_bytes() == first
        assert DualEncoder.from_pretrained(trained).embed_texts(["a person"]).shape == (1, 384)

    def test_other_settings_and_damage_are_refused(self, trained, train):
        before = contents(trained)
        code, _, err = train("rank=3")
        assert code == 2
        assert "holds checkpoints of another run: its rank is 2, not 3" in err
        for file in (trained / "checkpoints").glob("step-*"):
            before[str(file)] = file.read_bytes()[:99]
            file.write_bytes(before[str(file)])
        with pytest.warns(UserWarning, match="is damaged"):
            code, _, err = train()
        assert code == 2
        assert f"every checkpoint in {trained / 'checkpoints'} is damaged" in err
        assert contents(trained) == before

    def test_an_adapter_for_another_model(self, trained, unskew, tmp_path):
        file = trained / "unskew_encoder.json"
        described = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps(described | {"base_fingerprint": "0" * 32}))
        code, _, err = unskew("audit", trained, "--out", tmp_path / "audit")
        assert (code, len(err.strip().splitlines())) == (2, 1)
        assert "another base model" in err

    def test_an_adapter_cut_in_half(self, trained, unskew, tmp_path):
        file = trained / "adapter_model.safetensors"
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        code, _, err = unskew("audit", trained, "--out", tmp_path / "audit")
        assert (code, len(err.strip().splitlines())) == (2, 1)
        assert "adapter_model.safetensors of" in err
        assert "damaged or incomplete" in err
