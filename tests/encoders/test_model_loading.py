"""`DualEncoder.from_pretrained`: what cannot be loaded is named in one line."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from unskew.encoders import DualEncoder
from unskew.errors import InputError, NotFoundError


@pytest.fixture
def copy(tiny: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the tiny CLIP that a test may break."""
    return Path(shutil.copytree(tiny("clip"), tmp_path / "model"))


def refusal(kind: type[Exception], name: str | Path, **options: object) -> str:
    with pytest.raises(kind) as caught:
        DualEncoder.from_pretrained(name, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert str(name) in message or options
    return message


def test_a_hub_id_that_cannot_be_fetched() -> None:
    message = refusal(NotFoundError, "someone/no-such-model")
    assert "Hub cannot be reached" in message


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c", "two words"])
def test_a_path_that_is_not_there(name: str) -> None:
    assert "neither a folder here nor a valid Hub id" in refusal(NotFoundError, name)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    assert "without a config.json" in refusal(NotFoundError, tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 100, 100_000])
def test_truncated_weights(copy: Path, keep: int) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    assert "damaged or incomplete" in refusal(InputError, copy)


def test_missing_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    assert "no file named model.safetensors" in refusal(NotFoundError, copy)


def test_a_broken_configuration(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    assert "not a valid JSON file" in refusal(NotFoundError, copy)
    (copy / "config.json").write_text('{"model_type": "zork"}')
    assert "`zork`" in refusal(InputError, copy)


def test_missing_processor_files(copy: Path) -> None:
    for path in [*copy.glob("token*"), *copy.glob("*processor*")]:
        path.unlink()
    assert "processor" in refusal(NotFoundError, copy)


@pytest.mark.parametrize("part", ["image processor", "tokenizer"])
def test_half_of_the_processor(part: str, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    model = transformers.AutoModel.from_pretrained(tiny("clip"))
    processor = transformers.AutoProcessor.from_pretrained(tiny("clip"))
    model.save_pretrained(tmp_path)
    present = processor.tokenizer if part == "image processor" else processor.image_processor
    present.save_pretrained(tmp_path)
    assert part in refusal(NotFoundError, tmp_path)


def test_a_model_that_is_no_dual_encoder(tmp_path: Path) -> None:
    config = transformers.BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=50
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    assert "is a bert model, not a dual encoder" in refusal(InputError, tmp_path)


def test_weights_of_one_tower_only(tiny: Callable[[str], Path], copy: Path) -> None:
    """transformers would fill the other tower with random numbers and only log it."""
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    vision = {name: w for name, w in weights.items() if not name.startswith("text_")}
    save_file(vision, copy / "model.safetensors", metadata={"format": "pt"})
    message = refusal(InputError, copy)
    assert "would stay random" in message
    assert "text_" in message


def test_the_loss_temperature_may_be_absent(copy: Path, tiny: Callable[[str], Path]) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    del weights["logit_scale"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    texts = ["kind", "dangerous"]
    np.testing.assert_allclose(
        DualEncoder.from_pretrained(copy).embed_texts(texts),
        DualEncoder.from_pretrained(tiny("clip")).embed_texts(texts),
        atol=1e-6,
    )


def test_bin_weights_are_read_without_running_pickled_code(
    copy: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(weights, copy / "pytorch_model.bin")
    texts = ["kind", "dangerous"]
    np.testing.assert_allclose(
        DualEncoder.from_pretrained(copy).embed_texts(texts),
        DualEncoder.from_pretrained(tiny("clip")).embed_texts(texts),
        atol=1e-6,
    )
    torch.save({**weights, "evil": Planted(tmp_path / "planted")}, copy / "pytorch_model.bin")
    refusal(InputError, copy)
    assert not (tmp_path / "planted").exists()
    (copy / "pytorch_model.bin").write_bytes(b"PK\x03\x04 cut off")
    refusal(InputError, copy)


class Planted:
    """Unpickling this writes a file, as a hostile checkpoint would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_remote_code_is_not_run(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "custom", "auto_map": {"AutoConfig": "code.C", "AutoModel": "code.M"}}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "code.py").write_text("raise SystemExit('ran')")
    refusal(InputError, copy)


def test_a_lora_adapter_loads_over_its_base(
    tiny: Callable[[str], Path], tmp_path: Path, photos: list[Image.Image]
) -> None:
    import peft

    base = transformers.AutoModel.from_pretrained(tiny("clip"))
    processor = transformers.AutoProcessor.from_pretrained(tiny("clip"))
    modules = r".*vision_model\.encoder\.layers\.\d+\.self_attn\.(q_proj|v_proj)"
    adapted = peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules=modules))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_()
    adapted.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    expected = DualEncoder(adapted.merge_and_unload(), processor, "merged").embed_images(photos)
    plain = DualEncoder.from_pretrained(tiny("clip"))
    loaded = DualEncoder.from_pretrained(tmp_path)
    assert loaded.fingerprint != plain.fingerprint
    got = loaded.embed_images(photos)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert np.abs(got - plain.embed_images(photos)).max() > 1e-3


def test_devices_and_dtypes(tiny: Callable[[str], Path]) -> None:
    assert "'warp'" in refusal(InputError, tiny("clip"), device="warp")
    assert "'int8'" in refusal(InputError, tiny("clip"), dtype="int8")
    assert "'float13'" in refusal(InputError, tiny("clip"), dtype="float13")
    for double in ("float64", torch.float64, "double"):
        message = refusal(InputError, tiny("clip"), dtype=double)
        assert "float64" in message or "double" in message
        assert "use float32, bfloat16, float16" in message
    if not torch.cuda.is_available():
        assert "'cuda'" in refusal(InputError, tiny("clip"), device="cuda")
    assert DualEncoder.from_pretrained(tiny("clip"), device="cpu").device.type == "cpu"


def test_loading_leaves_the_environment_and_the_log_level_alone(
    tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    variable = "DISABLE_SAFETENSORS_CONVERSION"
    monkeypatch.setenv(variable, "0")
    level = transformers.logging.get_verbosity()
    DualEncoder.from_pretrained(tiny("clip"))
    assert os.environ[variable] == "0"
    assert transformers.logging.get_verbosity() == level
    monkeypatch.delenv(variable)
    DualEncoder.from_pretrained(tiny("clip"))
    assert variable not in os.environ


def test_hub_out_of_reach_is_one_line_and_quick(tmp_path: Path) -> None:
    """Without HF_HUB_OFFLINE, and with nothing listening where the Hub should be."""
    code = (
        "import sys, time\n"
        "from unskew.encoders import DualEncoder\n"
        "start = time.perf_counter()\n"
        "try:\n"
        "    DualEncoder.from_pretrained('someone/no-such-model')\n"
        "except FileNotFoundError as error:\n"
        "    print(error)\n"
        "print(time.perf_counter() - start)\n"
    )
    hub = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | hub,
        capture_output=True,
        text=True,
        check=True,
    )
    line, seconds = done.stdout.splitlines()
    assert "someone/no-such-model" in line
    assert "cannot be reached" in line
    assert "Retrying" not in done.stderr
    assert float(seconds) < 30  # importing transformers included; the client alone retries for 48 s
