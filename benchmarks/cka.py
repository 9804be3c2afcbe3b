"""CKA beside its peers: error against double precision, time and memory, in one run.

    python benchmarks/cka.py [--images 512] [--batch-size 128] [--rounds 5] [--threads 1]

Models: two ResNet18 in plain torch, the same 60 layers for every tool (convolution, BatchNorm,
in-place ReLU, pooling, linear), all of one model against all of the other, on random 32 x 32
images. Their BatchNorm statistics have settled, or lag behind after three batches, which leaves
deep layers whose squared mean is hundreds of times their variance. Features: two matrices of 512
features, plain and with mean = 100 std.

Peers are used where they can be imported: pytorch-cka (module `cka`), cka-pytorch
(`cka_pytorch`, in one pass over the data, and in the ten that it makes by default), torch-cka
(`torch_cka`). Every tool sees a small batch before it is timed. The bare forward, which no tool
can do without, and the fast tools take turns, in changing order, so that a busy machine slows
all; medians over turns are printed, and of their ratios. The slow ones run in the first turn
only. Memory is the peak beyond that of a forward, of a process that does nothing else. One
thread compares work; more add how well it is spread.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset

# pytorch-cka's module is called as this file is: this folder must not be searched for it.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "inside"))
from cka_reference import u_centred
from plain_resnet import resnet18

from unskew.inside import layer_cka
from unskew.inside.layers import Watch, choose_layers
from unskew.measures import cka as feature_cka

OURS, PARITY, FORWARD = "unskew", "pytorch-cka", "forward"
ONE_PASS, TEN_PASSES = "cka-pytorch", "cka-pytorch, 10"
Tool = Callable[[list[Any], DataLoader, list[str]], tuple[Any, list[str]]]


def unskew_tool(models: list[Any], loader: DataLoader, names: list[str]) -> tuple[Any, list[str]]:
    found = layer_cka(models[0], loader, models[1], layers=names)
    return found.matrix, list(found.layers_a)


def pytorch_cka(models: list[Any], loader: DataLoader, names: list[str]) -> tuple[Any, list[str]]:
    from cka import compute_cka

    matrix = compute_cka(*models, loader, layers=names, progress=False, device="cpu")[0]
    return matrix.numpy(), names


def cka_pytorch(
    models: list[Any], loader: DataLoader, names: list[str], passes: int = 1
) -> tuple[Any, list[str]]:
    from cka_pytorch import CKACalculator

    tool = CKACalculator(*models, model1_layers=names, model2_layers=names, verbose=False)
    matrix = tool.calculate_cka_matrix(loader, num_epochs=passes).numpy()
    rows = tool.hook_manager1.module_names
    tool.reset()
    return matrix, list(rows)


def torch_cka(models: list[Any], loader: DataLoader, names: list[str]) -> tuple[Any, list[str]]:
    from torch_cka import CKA

    tool = CKA(*models, model1_layers=names, model2_layers=names)
    with torch.no_grad(), contextlib.redirect_stderr(io.StringIO()):
        tool.compare(loader)
    rows = list(tool.model1_features)  # the order of its rows, which is not that of its names
    for model in models:
        for module in model.modules():
            module._forward_hooks.clear()  # it never takes them off
    return tool.hsic_matrix.numpy(), rows


TOOLS: dict[str, Tool] = {
    OURS: unskew_tool,
    PARITY: pytorch_cka,
    ONE_PASS: cka_pytorch,
    TEN_PASSES: partial(cka_pytorch, passes=10),
    "torch-cka": torch_cka,
}
MODULES = {
    PARITY: "cka",
    ONE_PASS: "cka_pytorch",
    TEN_PASSES: "cka_pytorch",
    "torch-cka": "torch_cka",
}


def present() -> list[str]:
    found = [OURS]
    for name, module in MODULES.items():
        try:
            __import__(module)
            found.append(name)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return found


def job(case: str, options: argparse.Namespace) -> tuple[list[Any], DataLoader, list[str]]:
    models = [resnet18(seed, settled=case == "settled", reused=False) for seed in (0, 1)]
    x = torch.randn(options.images, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    data = TensorDataset(x, torch.zeros(len(x), dtype=torch.long))
    loader = DataLoader(data, batch_size=options.batch_size)
    return models, loader, [n for n, m in models[0].named_modules() if not [*m.children()]]


def reference(models: list[Any], loader: DataLoader, names: list[str]) -> np.ndarray:
    """Minibatch CKA of the layers in the order of their names, in double precision."""
    totals: list[Any] = [0.0, 0.0, 0.0]
    grams: list[dict[str, Any]] = [{}, {}]

    def keep(side: int) -> Callable[[str, Any], None]:
        def hook(name: str, output: Any) -> None:
            rows = output.flatten(1).double()
            rows = rows - rows.mean(dim=0)
            grams[side][name] = (rows @ rows.T).numpy()

        return hook

    with contextlib.ExitStack() as stack, torch.inference_mode():
        watches = [
            stack.enter_context(Watch(model, choose_layers(model, names, "it"), keep(side)))
            for side, model in enumerate(models)
        ]
        for x, _ in loader:
            for watch in watches:
                watch.run(x)
            n = len(x)
            K, L = (
                u_centred(np.stack([g[name] for name in names])) / np.sqrt(n * (n - 3))
                for g in grams
            )
            for i, part in enumerate((K @ L.T, (K**2).sum(1), (L**2).sum(1))):
                totals[i] = totals[i] + part
    return totals[0] / np.sqrt(np.outer(totals[1], totals[2]))


def error(found: Any, rows: list[str], expected: np.ndarray, names: list[str]) -> str:
    """The largest over all entries, and where it is."""
    at = [names.index(row) for row in rows]
    assert sorted(at) == list(range(len(names))), "a tool skipped or repeated layers"
    errors = np.abs(found - expected[np.ix_(at, at)])
    i, j = np.unravel_index(np.nanargmax(errors), errors.shape)
    undefined = f", {np.isnan(errors).sum()} undefined" if np.isnan(errors).any() else ""
    return f"max error {errors[i, j]:.1e} ({rows[i]} by {rows[j]}){undefined}"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def memory(tool: str, options: argparse.Namespace) -> None:
    """In a process of its own: extra peak memory in MB, printed as JSON."""
    models, loader, names = job("settled", options)
    with torch.inference_mode():
        for x, _ in loader:
            for model in models:
                model.eval()(x)
    TOOLS[tool](models, DataLoader(TensorDataset(*loader.dataset[:32]), batch_size=32), names)
    before = peak()
    TOOLS[tool](models, loader, names)
    print(json.dumps((peak() - before) / 1024))


def peak() -> int:
    """Resident kB of this process at most; getrusage would count its parent's too."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def extra_memory(tool: str, options: argparse.Namespace) -> float:
    command = [sys.executable, __file__, "--memory", tool, "--images", str(options.images)]
    command += ["--batch-size", str(options.batch_size), "--threads", str(options.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def bare(models: list[Any], loader: DataLoader, names: list[str]) -> tuple[None, list[str]]:
    with torch.inference_mode():
        for x, _ in loader:
            for model in models:
                model(x)
    return None, names


def models_part(tools: list[str], options: argparse.Namespace) -> None:
    for case in ("settled", "lagged"):
        models, loader, names = job(case, options)
        expected = reference(models, loader, names)
        seconds = turns(tools, case, (models, loader, names), expected, options)
        if case == "lagged":
            continue
        for tool, took in seconds.items():
            ratio = [a / b for a, b in zip(took, seconds[OURS], strict=False)]
            print(
                f"{case:8} {tool:15} {statistics.median(took):6.2f} s, "
                f"{statistics.median(ratio):5.2f} times ours in {len(took)} turns",
                flush=True,
            )


def memory_part(tools: list[str], options: argparse.Namespace) -> None:
    for tool in tools:
        print(f"settled  {tool:15} extra memory {extra_memory(tool, options):.0f} MB", flush=True)


def turns(
    tools: list[str], case: str, given: Any, expected: np.ndarray, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds of each tool, turn by turn; errors are printed in the first."""
    models, loader, names = given
    every = {FORWARD: bare} | {tool: TOOLS[tool] for tool in tools}
    warm = DataLoader(Subset(loader.dataset, range(32)), batch_size=32)
    seconds: dict[str, list[float]] = {tool: [] for tool in every}
    for turn in range(options.rounds if case == "settled" else 1):
        order = [t for t in every if not turn or t in (FORWARD, OURS, PARITY, ONE_PASS)]
        for tool in order if turn % 2 == 0 else order[::-1]:
            try:
                if not turn and case == "settled":
                    every[tool](models, warm, names)
                took, (found, rows) = timed(partial(every[tool], models, loader, names))
            except AssertionError as failure:
                print(f"{case:8} {tool:15} fails: {failure}", flush=True)
                continue
            seconds[tool].append(took)
            if not turn and found is not None:
                print(f"{case:8} {tool:15} {error(found, rows, expected, names)}", flush=True)
    return {tool: took for tool, took in seconds.items() if took}


def ours_of_features(x: torch.Tensor, y: torch.Tensor, confidence: float | None) -> float:
    return feature_cka(x, y, confidence=confidence).cka


def peer_of_features(x: torch.Tensor, y: torch.Tensor) -> float:
    from cka import cka_from_features

    return float(cka_from_features(x, y)[0, 0])


def features_part(tools: list[str]) -> None:
    generator = torch.Generator().manual_seed(0)
    for n, offset in ((2000, 0), (2000, 100), (10_000, 0)):
        x = torch.randn(n, 512, generator=generator)
        mixing = torch.randn(512, 512, generator=generator) / 512**0.5
        y = x @ mixing + torch.randn(n, 512, generator=generator)
        x, y = x + offset, y + offset
        expected = feature_cka(x.double(), y.double(), confidence=None).cka
        if n <= 2000:
            centred = [z.double().numpy() - z.double().numpy().mean(0) for z in (x, y)]
            exact = u_centred(np.stack([z @ z.T for z in centred]))
            expected = exact[0] @ exact[1] / np.linalg.norm(exact[0]) / np.linalg.norm(exact[1])
        runs: dict[str, Callable[[], float]] = {
            OURS: partial(ours_of_features, x, y, None),
            "with interval": partial(ours_of_features, x, y, 0.95),
        }
        if PARITY in tools:
            runs[PARITY] = partial(peer_of_features, x, y)
        times = {}
        for name, run in runs.items():
            times[name], value = min(timed(run) for _ in range(1 if name == PARITY else 3))
            print(
                f"features {n} x 512, mean = {offset} std: {name:13} {times[name]:.3f} s, "
                f"{times[name] / times[OURS]:5.1f} times ours, error {abs(value - expected):.1e}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", choices=TOOLS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(options.threads)
    if options.memory:
        memory(options.memory, options)
        return
    tools = present()
    features_part(tools)
    models_part(tools, options)
    memory_part(tools, options)


if __name__ == "__main__":
    main()
