"""How fast and how small `dslc check` is, beside what it is measured against.

    python benchmarks/check.py            # measures, and compares with the bars
    python benchmarks/check.py --write    # also writes figures/check.json

What is compared takes turns within each round, so that a busy machine slows both; a figure is the
median of the rounds' ratios. Every run reads a fresh text (a comment with its number), so nothing can
be remembered; there is no daemon and no cache.

The bars: a cold `check` of a ResNet-50 under 2 times an interpreter that imports argparse, yaml and
dataclasses; 2,000 layers, each written out, under 7 times C `yaml.compose` of the same text (warm, in one
process); a block repeated 1,000 times at the cost of the same spec with one; the time of a step among
100,000 that of one among 10,000; 10,000 steps within 300 MB. The last three allow for noise.
"""

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from dslc.diagnostics import Report
from dslc.limits import Limits
from dslc.passes.pipeline import check_source
from dslc.source import Source

ROOT = Path(__file__).parents[1]
FIGURES = Path(__file__).parent / "figures" / "check.json"
BASE = [sys.executable, "-c", "import argparse, yaml, dataclasses"]
CHECK = [str(Path(sys.executable).with_name("dslc")), "check"]
WIDE = Limits({"nodes": 10**7, "file_bytes": 10**8})
Rows = list[dict[str, Any]]


def main() -> int:
    """The exit status: 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Times and measures checks.")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--write", action="store_true", help="write figures/check.json")
    parser.add_argument("--memory-of", type=int, metavar="STEPS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        check(explicit_layers(options.memory_of))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        return 0
    results: Rows = []
    for measure in (memory, cold, dense, convolutions, repeats, growth):
        results.append(measure(options.rounds))
        print(json.dumps(results[-1]), flush=True)
    if options.write:
        FIGURES.write_text(json.dumps(results, indent=2) + "\n")
    return 0 if all(row["ok"] for row in results) else 1


def cold(rounds: int) -> dict[str, Any]:
    """A whole run of the command on a ResNet-50."""
    text = (ROOT / "specs" / "zoo" / "resnet50.yaml").read_text(encoding="utf-8")
    compiled = [sys.executable, "-m", "compileall", "-q", str(ROOT / "dslc")]
    subprocess.run(compiled, check=True)  # as an installed package has it
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet50.yaml"

        def run(spec: str) -> None:
            path.write_text(spec, encoding="utf-8")
            command([*CHECK, str(path)])

        return row("cold_resnet50", 2.0, rounds, (text, run), (text, lambda _: command(BASE)))


def dense(rounds: int) -> dict[str, Any]:
    """2,000 dense layers beside PyYAML's C composer."""
    text = explicit_layers(2000)
    return row("layers_2000", 7.0, rounds, (text, check), (text, compose))


def convolutions(rounds: int) -> dict[str, Any]:
    """2,000 layers on images of any size: convolutions, norms and activations."""
    text = explicit_convolutions(2000)
    return row("convolutions_2000", 7.0, rounds, (text, check), (text, compose))


def repeats(rounds: int) -> dict[str, Any]:
    """A block 1,000 times beside the same block once."""
    return row(
        "repeat_1000", 1.5, 3 * rounds, (repeated(1000), check), (repeated(1), check), digits=5
    )


def growth(rounds: int) -> dict[str, Any]:
    """A step among 100,000 beside one among 10,000."""
    del rounds
    few, many = explicit_layers(10_000), explicit_layers(100_000)
    found = row("growth_100000", 1.5, 2, (many, check), (few, check), scale=10)
    return found | {"steps": 100_000, "microseconds_a_step": round(found["seconds"] * 10, 1)}


def memory(rounds: int) -> dict[str, Any]:
    """The peak of a process that checks 10,000 steps; Linux counts its parent's in, so it comes first."""
    del rounds
    done = subprocess.run(
        [sys.executable, __file__, "--memory-of=10000"], check=True, capture_output=True, text=True
    )
    megabytes = int(done.stdout) / 1e6
    return {"row": "memory_10000", "megabytes": round(megabytes), "bar": 300, "ok": megabytes < 300}


Timed = tuple[str, Callable[[str], None]]


def row(
    name: str, bar: float, rounds: int, what: Timed, base: Timed, *, scale: int = 1, digits: int = 4
) -> dict[str, Any]:
    """Two things timed in turn, after one turn that does not count; the ratio per `scale`."""
    ratios: list[float] = []
    pairs: list[tuple[float, float]] = []
    for turn in range(rounds + 1):
        times = [timed(run, f"{text}\n# {turn} {time.time_ns()}\n") for text, run in (base, what)]
        if turn:
            pairs.append((times[1], times[0]))
            ratios.append(times[1] / times[0] / scale)
    ratio = statistics.median(ratios)
    seconds, base_seconds = (statistics.median(side) for side in zip(*pairs, strict=True))
    return {
        "row": name,
        "ratio": round(ratio, 2),
        "quartiles": [round(value, 2) for value in statistics.quantiles(ratios, n=4)[::2]],
        "bar": bar,
        "ok": ratio < bar,
        "seconds": round(seconds, digits),
        "base_seconds": round(base_seconds, digits),
        "rounds": rounds,
    }


def timed(run: Callable[[str], None], text: str) -> float:
    """The wall time of one run on a text that no run before had."""
    gc.collect()
    start = time.perf_counter()
    run(text)
    return time.perf_counter() - start


def command(words: list[str]) -> None:
    """Runs a command, which must succeed."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check(text: str) -> None:
    """Checks a spec in this process; it must pass."""
    report = Report()
    if check_source(Source("net.yaml", text), report, limits=WIDE) is None:
        raise SystemExit(report.diagnostics[0].message)


def compose(text: str) -> None:
    """What PyYAML's C composer makes of a text."""
    yaml.compose(text, Loader=yaml.CSafeLoader)


def explicit_layers(count: int) -> str:
    """A spec of so many steps, each written out."""
    steps = "".join(
        f"  - linear: {{out: {64 + k % 7}, bias: {'true' if k % 2 else 'false'}}}\n    name: layer_{k}\n"
        for k in range(count)
    )
    return f"dslc: 1\nname: Long\ninputs:\n  x: f32[N, 64]\nsteps:\n{steps}"


def explicit_convolutions(count: int) -> str:
    """A spec of so many steps on images of any size, each written out."""
    group = (
        "  - conv2d: {{out: {out}, kernel: 3, padding: 1, bias: false}}\n    name: conv_{k}\n"
        "  - batch_norm: {{eps: 1e-5}}\n    name: norm_{k}\n  - relu\n"
        "  - max_pool2d: {{kernel: 3, stride: 1, padding: 1}}\n"
    )
    steps = "".join(group.format(out=8 + k % 5, k=k) for k in range(count // 4))
    return f"dslc: 1\nname: Deep\ninputs:\n  x: f32[N, 3, H, W]\nsteps:\n{steps}"


def repeated(count: int) -> str:
    """A spec of one block that runs so many times."""
    return (
        "dslc: 1\nname: Deep\ninputs:\n  x: f32[N, 64]\nblocks:\n  Layer:\n"
        '    inputs: {x: "f32[N, D]"}\n    steps:\n      - residual:\n          - layer_norm\n'
        "          - linear: 4 * D\n            name: up\n          - gelu\n"
        "          - linear: D\n            name: down\n"
        f"steps:\n  - Layer:\n    name: layer\n    repeat: {count}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
