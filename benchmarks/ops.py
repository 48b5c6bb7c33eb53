"""One op at a time: what dslc emits beside the framework's own layer, forward and a training step.

    python benchmarks/ops.py [--backends torch,jax,keras] [--rounds 21] [--only lstm,conv2d]
    python benchmarks/ops.py --write            # also writes figures/ops.json

The two take turns on the same array; the bar is 1.05 for the median of the ratios in a round. Keras
runs under `tf.function`, JAX under `jax.jit`; both take images in the layout that is theirs.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from dslc.api import loads

FIGURES = Path(__file__).parent / "figures" / "ops.json"
sys.path.insert(0, str(Path(__file__).parents[1]))
BAR = 1.05
LEAST_SECONDS = 0.02

IMAGE = "f32[N, 32, 32, 32]"
TOKENS = "f32[N, T, 256]"
SPECS = {
    "conv2d": (IMAGE, "{out: 64, kernel: 3, padding: 1}"),
    "depthwise_conv2d": (IMAGE, "{kernel: 3, padding: 1}"),
    "conv_transpose2d": (IMAGE, "{out: 32, kernel: 2, stride: 2}"),
    "batch_norm": (IMAGE, ""),
    "group_norm": (IMAGE, "8"),
    "max_pool2d": (IMAGE, "2"),
    "avg_pool2d": (IMAGE, "2"),
    "linear": (TOKENS, "512"),
    "layer_norm": (TOKENS, ""),
    "rms_norm": (TOKENS, ""),
    "gelu": (TOKENS, ""),
    "softmax": (TOKENS, ""),
    "multi_head_attention": (TOKENS, "{heads: 8}"),
    "lstm": (TOKENS, "{hidden: 128}"),
    "gru": (TOKENS, "{hidden: 128}"),
    "embedding": ("i64[N, T]", "{vocab: 1000, dim: 256}"),
}
"""By op: its input, and what is below it in a spec."""


def main() -> int:
    """The exit status: 1 if an op missed the bar."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--backends", default="torch,jax,keras")
    parser.add_argument("--only", default=",".join(SPECS))
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for backend in arguments.backends.split(","):
        framework = import_module(f"benchmarks.native.{backend}_layers")
        for name in arguments.only.split(","):
            if name not in framework.NATIVE:
                continue
            ours, theirs = emitted(framework, name), framework.NATIVE[name]()
            for mode in ("forward", "step"):
                x = array(name, channels_last=framework.CHANNELS_LAST)
                runs = [getattr(framework, mode)(model, x) for model in (ours, theirs)]
                row = {"op": name, "backend": backend, "mode": mode}
                rows.append(row | interleaved(*runs, arguments.rounds))
                print(json.dumps(rows[-1]), flush=True)
    if arguments.write:
        FIGURES.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(not row["ok"] for row in rows))


def emitted(framework: Any, name: str) -> Any:
    """The model that dslc writes of one op."""
    type, attributes = SPECS[name]
    text = f"dslc: 1\nname: Net\ninputs: {{x: '{type}'}}\nsteps:\n  - {name}: {attributes}\n"
    return framework.emitted(loads(f"{text}    name: layer\n").checked)


def array(name: str, *, channels_last: bool) -> Any:
    """A batch for an op."""
    generator = np.random.default_rng(0)
    if SPECS[name][0] == IMAGE:
        shape = (8, 32, 32, 32)  # as many channels as places on each side
        image = generator.standard_normal(shape, dtype=np.float32)
        return np.ascontiguousarray(image.transpose(0, 2, 3, 1)) if channels_last else image
    if SPECS[name][0] == TOKENS:
        return generator.standard_normal((8, 64, 256), dtype=np.float32)
    return generator.integers(0, 1000, (8, 64))


def interleaved(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> dict[str, Any]:
    """The medians in milliseconds and of the ratio, the two taking turns."""
    for _ in range(3):
        ours(), theirs()
    times = max(1, int(LEAST_SECONDS / max(seconds(theirs, 1), 1e-6)))
    pairs: list[tuple[float, float]] = []
    for turn in range(rounds):  # each is the first in every second round
        if turn % 2:
            pairs.append((seconds(ours, times), seconds(theirs, times)))
        else:
            pairs.append((seconds(theirs, times), seconds(ours, times))[::-1])
    quartiles = statistics.quantiles([mine / other for mine, other in pairs], n=4)
    return {
        "ours_ms": round(1e3 * statistics.median(mine for mine, _ in pairs), 4),
        "theirs_ms": round(1e3 * statistics.median(other for _, other in pairs), 4),
        "ratio": round(quartiles[1], 3),
        "quartiles": [round(quartiles[0], 3), round(quartiles[2], 3)],
        "ok": quartiles[1] <= BAR,
    }


def seconds(run: Callable[[], Any], times: int) -> float:
    """How long one call takes, over a few."""
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times


if __name__ == "__main__":
    sys.exit(main())
