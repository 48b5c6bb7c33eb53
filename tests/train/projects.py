"""Projects for tests: specs, their data, and runs of what is generated from them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dslc.passes.pipeline import Checked, check_file
from dslc.tools.backends import find_backend
from dslc.train.runtime import data
from dslc.train.runtime.data_files import read_digits, read_table
from dslc.train.runtime.data_order import Batches

SPECS = Path(__file__).parent / "specs"
DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "net.yaml"
BACKENDS = ("torch", "jax", "keras")
Arrays = dict[str, np.ndarray]


@cache
def checked(name: str) -> Checked:
    """A spec of this folder, or the digits example."""
    return check_file(str(DIGITS if name == "digits" else SPECS / f"{name}.yaml"))


@cache
def project(name: str, backend: str) -> Mapping[str, str | bytes]:
    """The generated project of a spec."""
    return find_backend(backend).project(checked(name))


def write_project(folder: Path, name: str, backend: str) -> Path:
    """Writes a project into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in project(name, backend).items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(raw)
    return folder


def columns(name: str) -> Arrays:
    """All rows of a spec's data, in the spec's layout; random ones where it reads a file."""
    train = checked(name).train
    assert train is not None
    if train.data.is_path:
        return random_columns(name)
    wanted = {
        key: data.Column(column.source, NUMPY[column.type.dtype], sizes(column), column.below)
        for key, column in train.columns.items()
    }
    source = train.data.source
    raw = read_digits() if source == "digits" else read_table(source)
    return data.checked(source, raw, wanted)


NUMPY = {"f32": "float32", "i64": "int64"}


def sizes(column: Any) -> tuple[int | None, ...]:
    """The shape of a row, None where any size will do."""
    return tuple(size if isinstance(size, int) else None for size in column.type.shape[1:])


def random_columns(name: str) -> Arrays:
    """Random ids below each column's bound."""
    train = checked(name).train
    assert train is not None
    generator = np.random.default_rng(0)
    return {
        key: generator.integers(0, column.below, (96, *[7 for _ in column.type.shape[1:]]))
        for key, column in train.columns.items()
    }


def batches(name: str, count: int) -> list[Arrays]:
    """The first batches of a run with seed 0, epoch after epoch."""
    train = checked(name).train
    assert train is not None
    order = Batches(columns(name), train.run.batch, 0)
    found: list[Arrays] = []
    epoch = 0
    while len(found) < count:
        found += order.epoch(epoch)
        epoch += 1
    return found[:count]


def run(
    folder: Path, *arguments: str, python: str = sys.executable, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a project's `train.py` to its end."""
    return subprocess.run(
        [python, str(folder / "train.py"), "--device", "cpu", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def environment() -> dict[str, str]:
    """One thread, no accelerator, no chatter."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **quiet, "CUDA_VISIBLE_DEVICES": "-1", "PYTHONUNBUFFERED": "1"}
