"""A training step of what dslc writes beside a plain loop written by hand, and how long a run takes to begin.

    python benchmarks/steps.py [--backends torch,jax,keras] [--rounds 11]
    python benchmarks/steps.py --beginnings     # only how long runs take to begin
    python benchmarks/steps.py --write          # also writes figures/steps.json

The two take turns on epochs of the same batches, each with its own loop: `native/*_loops.py` in PyTorch
and JAX, `fit` with `jit_compile=False` in Keras. The bars for the median of the ratios in a round:
1.05 in PyTorch and JAX; 0.8 for the small convolutional network in Keras. From `dslc train` to the
end of the first step it may take a second more than the imports of any loop in the framework (of
the framework, with what it imports itself when an optimiser is made, and of scikit-learn, whose set
is the data) and what the first step compiles.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.ops import interleaved  # noqa: E402
from dslc.passes.pipeline import check_file  # noqa: E402
from dslc.tools.backends import find_backend  # noqa: E402
from dslc.train.steps import as_read, load_script  # noqa: E402

FIGURES = HERE / "figures" / "steps.json"
BARS = {("keras", "digits"): 0.8, ("keras", "text"): None}
USUAL = 1.05
BATCHES = {"digits": (64, 22), "text": (32, 4)}
"""The rows of a batch, and how many of them make an epoch."""
IMPORTS = {
    "torch": "import torch; torch.optim.SGD([torch.zeros(1)])",
    "jax": "import jax, optax; from flax import nnx; jax.devices()",
    "keras": "import tensorflow, keras",
}
DATA = "; import sklearn.datasets"
SECONDS = 1.0


def main() -> int:
    """The exit status: 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--backends", default="torch,jax,keras")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--beginnings", action="store_true", help="no steps")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    compiled = [sys.executable, "-m", "compileall", "-q", str(HERE.parent / "dslc")]
    subprocess.run([*compiled, str(HERE.parent / "backends")], check=True)  # as when installed
    rows: list[dict[str, Any]] = []
    for backend in arguments.backends.split(","):
        for name in [] if arguments.beginnings else BATCHES:
            rows.append(compared(backend, name, arguments.rounds))
            print(json.dumps(rows[-1]), flush=True)
        rows.append(beginning(backend, rounds=3))
        print(json.dumps(rows[-1]), flush=True)
    if arguments.write:
        FIGURES.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(not row["ok"] for row in rows))


def batches_of(name: str) -> list[dict[str, Any]]:
    """Batches in the spec's layout."""
    generator = np.random.default_rng(0)
    size, count = BATCHES[name]
    found: list[dict[str, Any]] = []
    for _ in range(count):
        x: Any = generator.standard_normal((size, 1, 8, 8), np.float32)
        if name == "text":
            x = generator.integers(0, 10000, (size, 100))
        found.append({"x": x, "label": generator.integers(0, 10 if name == "digits" else 4, size)})
    return found


def compared(backend: str, name: str, rounds: int) -> dict[str, Any]:
    """How long a step takes in both loops."""
    spec = check_file(str(HERE / "specs" / f"{name}.yaml"))
    script = load_script(find_backend(backend).project(spec))
    given = batches_of(name)
    mine = [as_read(script, batch) for batch in given]
    native = import_module(f"benchmarks.native.{backend}_loops")
    found = interleaved(epochs(script, mine), native.steps(name, layout(backend, given)), rounds)
    bar = BARS.get((backend, name), USUAL)
    for key in ("ours_ms", "theirs_ms"):
        found[key] = round(found[key] / len(given), 4)
    ok = bar is None or found["ratio"] <= bar
    return {"step": name, "backend": backend, **found, "bar": bar, "ok": ok}


def layout(backend: str, batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Batches with images as a framework has them."""
    if backend == "torch" or batches[0]["x"].ndim < 4:
        return batches
    return [{**b, "x": np.ascontiguousarray(np.moveaxis(b["x"], 1, -1))} for b in batches]


def epochs(script: Any, batches: list[Any]) -> Callable[[], float]:
    """An epoch of a generated trainer, the last loss read."""
    trainer = script.Trainer(0, "cpu")

    def epoch() -> float:
        loss: Any = np.nan
        for batch in batches:
            loss = trainer.step(batch, script.LEARNING_RATE)
        return float(loss)

    return epoch


def beginning(backend: str, rounds: int) -> dict[str, Any]:
    """The seconds from `dslc train` to the end of its first step, by what they are spent on."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [begin(Path(folder) / str(number), backend) for number in range(rounds)]
    parts = {key: round(median(run[key] for run in runs), 3) for key in runs[0]}
    return {"start": "digits", "backend": backend, **parts, "ok": parts["rest_s"] <= SECONDS}


def begin(folder: Path, backend: str) -> dict[str, float]:
    """The same of one run: it compiles in its first step what the second one has, JAX a little before."""
    imports = seconds_of(["-c", IMPORTS[backend]])[0]
    data = max(0.0, seconds_of(["-c", IMPORTS[backend] + DATA])[0] - imports)
    spec = str(HERE.parent / "examples" / "digits" / "net.yaml")
    line = ["-m", "dslc", "build", spec, "--backend", backend, "-o", str(folder)]
    build = seconds_of(line)[0]
    _, text = seconds_of(["-c", BEGIN, str(folder), str(time.time())])
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    compiling = found["before"] + found["first"] - found["second"]
    rest = build + found["until"] - imports - data - compiling
    parts = {"imports_s": imports, "data_imports_s": data, "compiling_s": compiling}
    return {**parts, "build_s": build, "rest_s": rest}


BEGIN = """
import json, sys, time
began = float(sys.argv[2])
sys.path.insert(0, sys.argv[1])
import train
took, compiled = [], []
if "jax" in sys.modules:
    import jax
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiled.append(seconds) if event == COMPILED else None
    )

def timed(trainer, *given, step=train.Trainer.step):
    if not took:
        before.append(sum(compiled))
    start = time.time()
    loss = step(trainer, *given)
    float(loss)
    took.append(time.time() - start)
    if len(took) == 2:
        parts = {"until": until[0], "before": before[0], "first": took[0], "second": took[1]}
        print(json.dumps(parts))
        sys.stdout.flush()
        raise SystemExit
    until.append(time.time() - began)
    return loss

until, before = [], []
COMPILED = "/jax/core/compile/backend_compile_duration"
train.Trainer.step = timed
sys.argv = ["train.py", "--device=cpu", "-o", sys.argv[1] + "/run"]
train.main()
"""
"""Runs a project's script up to its second step, and prints the seconds."""


def seconds_of(words: list[str]) -> tuple[float, str]:
    """How long Python takes for something, and what it prints."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - began, done.stdout


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
