"""How fast `dslc check` is from a cold start, beside what it is measured against.

Each round runs both commands one after the other, so that a busy machine slows both; the figures are
medians. Every run reads a fresh text (a comment with its number), so nothing can be remembered.

    python benchmarks/check.py [--rounds 9] [--json]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BASE = [sys.executable, "-c", "import argparse, yaml, dataclasses"]
CHECK = [str(Path(sys.executable).with_name("dslc")), "check"]
MOST_TIMES_BASE = 2.5
MOST_SECONDS_OF_2000_LAYERS = 0.3


def seconds(command: list[str]) -> float:
    """The wall time of one command, which must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def compile_sources() -> None:
    """Compiles what changed, as an installed package is compiled, whatever the environment says."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "dslc")], check=True)


def fresh(folder: Path, name: str, text: str, number: int) -> str:
    """A file with this text and a comment that no run before had."""
    path = folder / f"{name}-{number}.yaml"
    path.write_text(f"{text}\n# round {number}, {time.time_ns()}\n", encoding="utf-8")
    return str(path)


def explicit_layers(count: int) -> str:
    """A spec of so many steps, each written out."""
    steps = "".join(
        f"  - linear: {{out: {64 + k % 7}, bias: {'true' if k % 2 else 'false'}}}\n    name: layer_{k}\n"
        for k in range(count)
    )
    return f"dslc: 1\nname: Long\ninputs:\n  x: f32[N, 64]\nsteps:\n{steps}"


def repeated(count: int) -> str:
    """A spec of one block that runs so many times."""
    return (
        "dslc: 1\nname: Deep\ninputs:\n  x: f32[N, 64]\nblocks:\n  Layer:\n"
        '    inputs: {x: "f32[N, D]"}\n    steps:\n      - residual:\n          - layer_norm\n'
        "          - linear: 4 * D\n          - gelu\n          - linear: D\n"
        f"steps:\n  - Layer:\n    name: layer\n    repeat: {count}\n"
    )


def compare(name: str, text: str, rounds: int, folder: Path) -> dict[str, float]:
    """The medians of the base command and of a check, taken in turn."""
    base: list[float] = []
    check: list[float] = []
    for number in range(rounds):
        base.append(seconds(BASE))
        check.append(seconds([*CHECK, fresh(folder, name, text, number)]))
    low, high = statistics.median(base), statistics.median(check)
    return {"base": low, "check": high, "ratio": high / low}


def compose_seconds(text: str, rounds: int) -> float:
    """The median time in which PyYAML's C composer reads a text, in this process."""
    import yaml

    found: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        yaml.compose(text, Loader=yaml.CSafeLoader)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def main() -> int:
    """Prints the figures; the status says whether they are within their limits."""
    parser = argparse.ArgumentParser(description="Times cold checks.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    resnet = (ROOT / "specs" / "zoo" / "resnet50.yaml").read_text(encoding="utf-8")
    long_text = explicit_layers(2000)
    compile_sources()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {
            "resnet50": compare("resnet50", resnet, options.rounds, folder),
            "layers_2000": compare("long", long_text, options.rounds, folder),
            "repeat_1000": compare("deep", repeated(1000), options.rounds, folder),
        }
    found["layers_2000"]["compose"] = compose_seconds(long_text, options.rounds)
    if options.json:
        print(json.dumps(found))
    else:
        print(table(found))
    good = found["resnet50"]["ratio"] < MOST_TIMES_BASE
    return 0 if good and found["layers_2000"]["check"] < MOST_SECONDS_OF_2000_LAYERS else 1


def table(found: dict[str, dict[str, float]]) -> str:
    """The figures in milliseconds."""
    lines = [f"{'':14}{'check':>10}{'base':>10}{'ratio':>8}"]
    for name, row in found.items():
        line = f"{name:14}{row['check'] * 1e3:8.1f}ms{row['base'] * 1e3:8.1f}ms{row['ratio']:8.2f}"
        if "compose" in row:
            line += f"   (C yaml.compose alone: {row['compose'] * 1e3:.1f} ms)"
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
