"""The digits network trained with five seeds in every framework, by the scripts that people get.

    python benchmarks/training.py            # measures, and compares with the bars
    python benchmarks/training.py --write    # also writes figures/training.json

The bars: a mean held-out accuracy of 97 % over the seeds in each framework; with the same seed, the
first ten batch losses of the three within 1e-6 of each other, relative; the loss fallen by a tenth
over them; every trained weight moved. A run uses one thread, and two runs go at a time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dslc.files import write_tree
from dslc.passes.pipeline import check_file
from dslc.tools.backends import find_backend
from dslc.train.runtime.weights import read
from dslc.weights.starting import starting_weights

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "examples" / "digits" / "net.yaml"
FIGURES = Path(__file__).parent / "figures" / "training.json"
BACKENDS = ("torch", "keras", "jax")
SEEDS = range(5)
QUIET = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
QUIET |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
Rows = list[dict[str, Any]]


def train(project: Path, run: Path, seed: int) -> float:
    """Runs a project's script from the beginning; gives the seconds it took."""
    command = [sys.executable, project / "train.py", "--device=cpu", f"--seed={seed}", "-o", run]
    began = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{project.name} with seed {seed}: {done.stderr}")
    return time.perf_counter() - began


def rows_of(run: Path) -> Rows:
    """The rows of a run's metrics."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def moved(run: Path, seed: int) -> bool:
    """Whether every trained weight is another than at the start."""
    infos = check_file(str(SPEC)).weights()
    start, end = starting_weights(infos, seed), read(run / "weights.safetensors")
    return all((start[w.path] != end[w.path]).any() for w in infos if w.role == "trained")


def compared(folder: Path, seconds: dict[str, float]) -> Rows:
    """A result for each backend."""
    runs = {(b, seed): rows_of(folder / f"{b}-{seed}") for b in BACKENDS for seed in SEEDS}
    losses = {key: [row["loss"] for row in rows if "loss" in row] for key, rows in runs.items()}
    results: Rows = []
    for backend in BACKENDS:
        last = [runs[backend, seed][-1]["held_out_accuracy"] for seed in SEEDS]
        pairs = [
            (mine, judge)
            for seed in SEEDS
            for mine, judge in zip(
                losses[backend, seed][:10], losses[BACKENDS[0], seed][:10], strict=True
            )
        ]
        falls = [1 - losses[backend, seed][9] / losses[backend, seed][0] for seed in SEEDS]
        results.append(
            {
                "backend": backend,
                "accuracy": [round(value, 4) for value in last],
                "mean_accuracy": round(sum(last) / len(last), 4),
                "first_10_losses_max_rel": max(abs(a - b) / b for a, b in pairs),
                "least_fall": round(min(falls), 4),
                "all_weights_moved": all(moved(folder / f"{backend}-{s}", s) for s in SEEDS),
                "seconds_a_run": round(seconds[backend] / len(SEEDS), 1),
            }
        )
    return results


def holds(result: dict[str, Any]) -> bool:
    """Whether a backend's result reaches every bar."""
    return (
        result["mean_accuracy"] >= 0.97
        and result["first_10_losses_max_rel"] <= 1e-6
        and result["least_fall"] >= 0.1
        and result["all_weights_moved"]
    )


def main() -> int:
    """The exit status: 1 if a bar is missed."""
    checked = check_file(str(SPEC))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for backend in BACKENDS:
            files = find_backend(backend).project(checked)
            write_tree(folder / f"{backend}-project", files, force=True)
        seconds = dict.fromkeys(BACKENDS, 0.0)
        jobs = [(backend, seed) for backend in BACKENDS for seed in SEEDS]
        with ThreadPoolExecutor(2) as pool:
            times = pool.map(
                lambda job: train(
                    folder / f"{job[0]}-project", folder / f"{job[0]}-{job[1]}", job[1]
                ),
                jobs,
            )
            for (backend, _), took in zip(jobs, times, strict=True):
                seconds[backend] += took
        results = compared(folder, seconds)
    for result in results:
        print(json.dumps({**result, "ok": holds(result)}), flush=True)
    if "--write" in sys.argv[1:]:
        FIGURES.parent.mkdir(exist_ok=True)
        lasting = [{k: v for k, v in row.items() if k != "seconds_a_run"} for row in results]
        FIGURES.write_text(json.dumps(lasting, indent=2) + "\n")
    return 0 if all(map(holds, results)) else 1


if __name__ == "__main__":
    sys.exit(main())
