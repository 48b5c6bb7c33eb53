"""What only a GPU can tell: the same numbers there, emitted code as fast as what others wrote.

    python benchmarks/gpu.py [equal] [train] [speed]      # all three where none is named
    python benchmarks/gpu.py --write figures.json         # also writes what was measured

Needs a CUDA device, and torchvision and transformers for `speed`; says so where they are missing.
`equal` holds networks in PyTorch and JAX on the GPU against PyTorch in float64 on the CPU. `train`
runs the digits project's own script there, against itself on the CPU. `speed` takes turns between
an emitted module and the framework's well-known one; the bar is 1.05 of the medians in a round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from dslc.diagnostics import Report
from dslc.emit.loading import load_module
from dslc.files import write_tree
from dslc.passes.pipeline import Checked, check_file
from dslc.source import Source
from dslc.syntax.reader import read
from dslc.tools.backends import find_backend
from dslc.tools.verify import verify

ROOT = Path(__file__).parents[1]
ZOO = ROOT / "specs" / "zoo"
DIGITS = ROOT / "examples" / "digits" / "net.yaml"
BAR = 1.05
ROUNDS = 15
Rows = list[dict[str, Any]]

EQUAL: dict[str, dict[str, Any]] = {
    "resnet50": {"depths": [1, 2, 1, 1], "classes": 10},
    "densenet": {"growth": 4, "depths": [2, 1], "classes": 7},
    "vit": {"size": 16, "patch": 8, "dim": 8, "depth": 2, "heads": 2, "classes": 7},
    "gpt": {},
    "lstm_classifier": {},
}
"""The zoo's networks, made small: every size of theirs is compared in float64 too."""
GPT2 = {"vocab": 50257, "context": 1024, "dim": 768, "heads": 12, "depth": 12}


def load(path: Path, **params: Any) -> Checked:
    """A spec with some params set."""
    nodes = {
        key: read(Source("--set", json.dumps(value)), Report()) for key, value in params.items()
    }
    return check_file(str(path), {key: node for key, node in nodes.items() if node is not None})


def equal() -> Rows:
    """Values, gradients and training steps of networks on the GPU."""
    rows: Rows = []
    specs = [(DIGITS, {}, 10), *((ZOO / f"{name}.yaml", sets, 0) for name, sets in EQUAL.items())]
    for path, params, steps in specs:
        found = verify(load(path, **params), ["torch", "jax"], train_steps=steps, device="cuda")
        for name, figures in json.loads(found.as_json())["backends"].items():
            rows.append({"what": "equal", "net": path.stem, "backend": name, **figures})
    return rows


def train() -> Rows:
    """The digits project trained on the GPU and on the CPU by its own script."""
    rows: Rows = []
    for name in ("torch", "jax"):
        losses: dict[str, list[float]] = {}
        accuracy: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / "project"
            write_tree(project, find_backend(name).project(check_file(str(DIGITS))), force=True)
            for device in ("cpu", "cuda"):
                run = Path(folder) / device
                metrics = trained(project, run, device)
                losses[device] = [row["loss"] for row in metrics if "loss" in row][:10]
                accuracy[device] = metrics[-1]["held_out_accuracy"]
        pairs = zip(losses["cpu"], losses["cuda"], strict=True)
        apart = max(abs(mine - judge) / judge for judge, mine in pairs)
        rows.append(
            {"what": "train", "backend": name, "accuracy": accuracy, "ten_losses_apart": apart}
            | {"ok": apart <= 1e-5 and min(accuracy.values()) >= 0.97}
        )
    return rows


def trained(project: Path, run: Path, device: str) -> Rows:
    """The metrics of a whole run."""
    command = [sys.executable, "train.py", f"--device={device}", "--seed=0", "-o", str(run)]
    subprocess.run(command, cwd=project, env=os.environ, stdout=subprocess.DEVNULL, check=True)
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def speed() -> Rows:
    """A training step and a forward pass of emitted modules beside well-known ones."""
    missing = [name for name in ("torchvision", "transformers") if find_spec(name) is None]
    if missing:
        print(f"missing: {', '.join(missing)}; no speeds", file=sys.stderr)
        return []
    import torchvision
    import transformers

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    image = torch.randn(64, 3, 224, 224, device="cuda")
    tokens = torch.randint(0, GPT2["vocab"], (8, 512), device="cuda")
    config = transformers.GPT2Config(
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False
    )
    gpt2 = transformers.GPT2LMHeadModel(config)
    pairs: list[tuple[str, Checked, torch.nn.Module, torch.Tensor]] = [
        ("resnet50", load(ZOO / "resnet50.yaml"), torchvision.models.resnet50(), image),
        ("vit", load(ZOO / "vit.yaml"), torchvision.models.vit_b_16(), image),
        ("gpt", load(ZOO / "gpt.yaml", **GPT2), gpt2, tokens),
    ]
    rows: Rows = []
    for name, checked, theirs, x in pairs:
        ours = emitted(checked)
        for bf16 in (False, True):
            for mode, make in (("forward", forward), ("step", step)):
                timed = interleaved(make(ours, x, bf16), make(theirs.cuda(), x, bf16))
                precision = "bf16" if bf16 else "f32"
                row = {"what": "speed", "net": name, "mode": mode, "precision": precision}
                rows.append(row | timed)
    return rows


def emitted(checked: Checked) -> torch.nn.Module:
    """The module of a spec on the GPU."""
    from dslc_torch.driver import model_class

    source = find_backend("torch").model_source(checked)
    return model_class(load_module(source, "model"))().cuda()


def logits_of(found: Any) -> torch.Tensor:
    """The logits of a model, whatever it wraps them in."""
    return found if isinstance(found, torch.Tensor) else found.logits


def forward(model: torch.nn.Module, x: torch.Tensor, bf16: bool) -> Callable[[], None]:
    """A pass without gradients."""

    def run() -> None:
        model.eval()
        with torch.no_grad(), torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            logits_of(model(x))

    return run


def step(model: torch.nn.Module, x: torch.Tensor, bf16: bool) -> Callable[[], None]:
    """A training step."""
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, 0.9)

    def run() -> None:
        model.train()
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            logits = logits_of(model(x)).flatten(0, -2)
            loss = torch.nn.functional.cross_entropy(logits, logits.detach().argmax(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return run


def interleaved(ours: Callable[[], None], theirs: Callable[[], None]) -> dict[str, Any]:
    """The medians in milliseconds and of the ratio, the two taking turns."""
    for _ in range(3):
        ours(), theirs()
    rounds = [(milliseconds(ours), milliseconds(theirs)) for _ in range(ROUNDS)]
    quartiles = statistics.quantiles([mine / other for mine, other in rounds], n=4)
    return {
        "ours_ms": statistics.median(mine for mine, _ in rounds),
        "theirs_ms": statistics.median(other for _, other in rounds),
        "ratio": quartiles[1],
        "quartiles": [quartiles[0], quartiles[2]],
        "ok": quartiles[1] <= BAR and quartiles[2] <= BAR + 0.03,
    }


def milliseconds(run: Callable[[], None], times: int = 5) -> float:
    """How long one call takes on the device, over a few."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(times):
        run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / times


def rounded(value: Any) -> Any:
    """Figures of four digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main() -> int:
    """The exit status: 1 where a figure misses its bar."""
    parser = argparse.ArgumentParser(description="What only a GPU can tell.")
    parser.add_argument("parts", nargs="*", help="equal, train, speed; by default all")
    parser.add_argument("--write", metavar="FILE", help="where the figures go as well")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("missing: a CUDA device; nothing is measured", file=sys.stderr)
        return 0
    measures = {"equal": equal, "train": train, "speed": speed}
    rows: Rows = []
    for part in options.parts or measures:
        found = [rounded(row) for row in measures[part]()]
        rows += found
        for row in found:
            print(json.dumps(row), flush=True)
    card = {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    if options.write:
        Path(options.write).write_text(json.dumps({**card, "rows": rows}, indent=1) + "\n")
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
