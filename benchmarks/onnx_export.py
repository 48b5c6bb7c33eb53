"""Exporting a network to ONNX: our own lowering beside `torch.onnx.export` of the generated module.

    python benchmarks/onnx_export.py [SPEC] [--rounds 9]

Both start from the same weights in memory and end with a checked file on disk; they take turns in
one process, so that the noise of the machine meets both. Prints one JSON line a result: node
counts, times, and the ratio of the medians within a round (`ratio`, with its quartiles). Ours also
runs ONNX's full checker over the whole file, so nothing is left out.
"""

import argparse
import contextlib
import gc
import io
import json
import logging
import statistics
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from dslc_onnx import backend as onnx_backend
from dslc_torch import backend as torch_backend

from dslc.emit.loading import load_module
from dslc.passes.pipeline import Checked, check_file

ZOO = Path(__file__).parents[1] / "specs" / "zoo"


def main() -> None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(description="ONNX export beside torch.onnx.export.")
    parser.add_argument("spec", nargs="?", default=str(ZOO / "resnet50.yaml"))
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    checked = check_file(options.spec)
    module = generated_module(checked).eval()
    weights = {name: value.numpy() for name, value in module.state_dict().items()}
    weights = {name: value for name, value in weights.items() if "num_batches" not in name}
    example = tuple(example_inputs(checked))
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.onnx", Path(folder) / "theirs.onnx"

        def direct() -> None:
            onnx_backend.save(checked, weights, ours, force=True)
            onnx.checker.check_model(ours.read_bytes(), full_check=True)

        def dynamo() -> None:
            options = {"dynamo": True, "verbose": False, "external_data": False}
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                torch.onnx.export(module, example, theirs, **options)

        variants = {"dslc": direct, "torch.onnx.export": dynamo}
        samples = interleave(variants, options.rounds)
        report(samples)
        for name, path in (("dslc", ours), ("torch.onnx.export", theirs)):
            count(name, path.read_bytes())
        unfolded = onnx_backend.export(checked, weights, fold_batch_norm=False)
        count("dslc, batch norm kept", unfolded)


def generated_module(checked: Checked) -> torch.nn.Module:
    """The spec's model as the PyTorch backend writes it."""
    module = load_module(torch_backend.model_source(checked), "model")
    return getattr(module, checked.program.main)()


def example_inputs(checked: Checked) -> list[torch.Tensor]:
    """Inputs at a usual size: 224 for what is as large as an image, 2 for the rest."""
    found: list[torch.Tensor] = []
    for type in checked.instance.inputs.values():
        image = type.rank == 4
        shape = [
            d if isinstance(d, int) else 224 if image and k > 1 else 2
            for k, d in enumerate(type.shape)
        ]
        array = np.zeros(shape, np.float32 if type.dtype == "f32" else np.int64)
        found.append(torch.from_numpy(array))
    return found


def interleave(variants: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Times each variant once a round, after one call that does not count."""
    samples: dict[str, list[float]] = {name: [] for name in variants}
    for name, run in variants.items():
        start = time.perf_counter()
        run()
        emit("first call", variant=name, seconds=time.perf_counter() - start)
    for turn in range(rounds):
        for name in sorted(variants, reverse=bool(turn % 2)):
            gc.collect()
            start = time.perf_counter()
            variants[name]()
            samples[name].append(time.perf_counter() - start)
    return samples


def report(samples: dict[str, list[float]]) -> None:
    """Prints medians and the ratio."""
    for name, seconds in samples.items():
        emit("export", variant=name, seconds=statistics.median(seconds), rounds=len(seconds))
    ratios = [a / b for a, b in zip(samples["dslc"], samples["torch.onnx.export"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    emit("ratio", ratio=middle, lower=low, upper=high, bar=0.25, held=middle <= 0.25)


def count(name: str, data: bytes) -> None:
    """Prints how many nodes a file has."""
    nodes = Counter(node.op_type for node in onnx.load_from_string(data).graph.node)
    emit(
        "nodes", variant=name, nodes=nodes.total(), bytes=len(data), top=dict(nodes.most_common(8))
    )


def emit(bench: str, **values: object) -> None:
    """One result as a JSON line."""
    rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in values.items()}
    print(json.dumps({"bench": bench, **rounded}), flush=True)


if __name__ == "__main__":
    main()
