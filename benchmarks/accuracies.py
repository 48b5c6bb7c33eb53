"""The final accuracies of five networks over three seeds, in each framework.

    python benchmarks/accuracies.py [--networks digits,rows] [--backends torch,jax] [--seeds 0,1,2]
    python benchmarks/accuracies.py --write    # also writes figures/accuracies.json

Each run is a `dslc train` of its own, whose last figure of the held-out rows is taken. The bar: the
means over the seeds are within one percentage point of each other. Two of the networks have dropout,
which each framework draws in its own way.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
FIGURES = HERE / "figures" / "accuracies.json"
NETWORKS = {
    "digits": ROOT / "examples" / "digits" / "net.yaml",
    "sentiment": ROOT / "examples" / "sentiment" / "net.yaml",
    **{path.stem: path for path in sorted((HERE / "specs" / "accuracies").glob("*.yaml"))},
}
BAR = 0.01


def main() -> int:
    """The exit status: 1 if frameworks differ by more than the bar."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--backends", default="torch,jax,keras")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    backends, seeds = arguments.backends.split(","), arguments.seeds.split(",")
    rows: list[dict[str, Any]] = []
    for name in arguments.networks.split(","):
        rows.append(compared(name, backends, seeds))
        print(json.dumps(rows[-1]), flush=True)
    if arguments.write:
        FIGURES.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(not row["ok"] for row in rows))


def compared(name: str, backends: list[str], seeds: list[str]) -> dict[str, Any]:
    """The accuracies of a network, and how far their means are apart."""
    found = {
        backend: [accuracy(NETWORKS[name], backend, seed) for seed in seeds] for backend in backends
    }
    means = {backend: round(mean(values), 4) for backend, values in found.items()}
    apart = round(max(means.values()) - min(means.values()), 4)
    return {"network": name, **found, "means": means, "apart": apart, "ok": apart <= BAR}


def accuracy(spec: Path, backend: str, seed: str) -> float:
    """The accuracy of the held-out rows at the end of a run."""
    with tempfile.TemporaryDirectory() as folder:
        line = ["-m", "dslc", "train", str(spec), "--backend", backend, "--seed", seed]
        command = [sys.executable, *line, "--device", "cpu", "-o", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        with (Path(folder) / "metrics.csv").open(encoding="utf-8", newline="") as file:
            found = [row["held_out_accuracy"] for row in csv.DictReader(file)]
    return round(float([text for text in found if text][-1]), 4)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main())
