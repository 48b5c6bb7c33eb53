"""How far the memory of a process rises while it exports a network, over its imports.

    python benchmarks/export_memory.py [--depth 12] [--weights-apart]

The network is GPT-2 small, or as deep as `--depth` says: 200 layers take more than 2 GiB.
The weights are drawn first and are part of the rise: 1.0 is what they take, and nothing but them.
Prints one JSON line: the bytes of the weights, the peak before and after, and their ratio.
"""

import argparse
import json
import resource
import tempfile
from pathlib import Path

from dslc_onnx import backend
from dslc_onnx.export import build, save  # what an export imports is no part of the rise
from dslc_onnx.options import Options

from dslc.api import load, loads

ZOO = Path(__file__).parents[1] / "specs" / "zoo"
GPT2 = {"vocab": 50257, "context": 1024, "dim": 768, "heads": 12}
SMALL = "{dslc: 1, name: Net, inputs: {x: 'f32[N, 4]'}, steps: [{linear: 4}]}"


def main() -> None:
    """Runs the measurement."""
    parser = argparse.ArgumentParser(description="The peak memory of an export.")
    parser.add_argument("--depth", type=int, default=12, help="layers; GPT-2 small has 12")
    parser.add_argument("--weights-apart", action="store_true", help="in a file of their own")
    options = parser.parse_args()
    build(loads(SMALL).checked, None, Options())
    checked = load(ZOO / "gpt.yaml", **{**GPT2, "depth": options.depth}).checked
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        longest = {"longest": 0} if options.weights_apart else {}
        save(checked, None, path, **longest)
        written = sum(file.stat().st_size for file in Path(folder).iterdir())
    weights = sum(4 * info.count for info in checked.weights() if info.tied is None)
    result = {
        "benchmark": "export_memory",
        "backend": backend.name,
        "depth": options.depth,
        "weights": weights,
        "written": written,
        "rise": peak() - before,
        "ratio": round((peak() - before) / weights, 3),
    }
    print(json.dumps(result))


def peak() -> int:
    """The most memory that the process has held, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
