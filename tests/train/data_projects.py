"""`data.py` of small specs, written and run without a framework."""

import sys
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from dslc.emit.data_file import data_source
from dslc.emit.script import DTYPES
from dslc.passes.pipeline import Checked, check_file

NUMBERS = count()
USED = "from data import Batches, Column, average, load, split"

IMAGES = """
inputs: {image: "f32[N, 3, 8, 8]"}
steps: [flatten, {linear: 2}]
"""
LANGUAGE = """
inputs: {ids: "i64[N, T]"}
steps: [{embedding: {vocab: 300, dim: 4}}, {linear: 300}]
"""
READER = """
inputs: {ids: "i64[N, T]", length: "i64[N]"}
steps:
  - embedding: {vocab: 20, dim: 4}
    from: ids
    name: table
  - lstm: 3
    from: [table, length]
    name: run
  - linear: 2
    from: run.last
"""
CLASSES = 'inputs: {label: "i64[N]"}\n  loss: cross_entropy'
NEXT = 'inputs: {target: "i64[N, T]"}\n  loss: {cross_entropy: {axis: 2}}'


def checked(folder: Path, model: str, graph: str, data: str) -> Checked:
    """A checked spec in a folder."""
    path = folder / "net.yaml"
    path.write_text(
        f"dslc: 1\nname: Net\n{model}\ntrain:\n  {graph}\n  data: {data}\n"
        "  optimizer: {sgd: 0.1}\n  epochs: 1\n  batch: 2\n"
    )
    return check_file(str(path))


def written(spec: Checked, folder: Path, used: str = USED) -> ModuleType:
    """The module `data.py` of a spec."""
    assert spec.train is not None
    text = data_source(spec.train, [used])
    (folder / "data.py").write_text(text)
    module = ModuleType(f"data_of_test_{next(NUMBERS)}")
    module.__file__ = str(folder / "data.py")
    sys.modules[module.__name__] = module  # dataclasses look for their module
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return module


def columns_of(spec: Checked, module: ModuleType) -> dict[str, Any]:
    """`COLUMNS` of a project."""
    assert spec.train is not None
    found: dict[str, Any] = {}
    for name, raw in spec.train.data.raws.items():
        dtype = {"text": "str", "tokens": "tokens"}.get(raw.form) or DTYPES[raw.dtype]
        source = spec.train.columns[name].source
        found[name] = module.Column(source, dtype, raw.shape, raw.below)
    return found


def read(
    folder: Path, model: str, graph: str, data: str, *more: Any
) -> tuple[ModuleType, dict[str, Any]]:
    """The module of a spec, and its rows before they are split."""
    spec = checked(folder, model, graph, data)
    module = written(spec, folder)
    assert spec.train is not None
    source = spec.train.data.source
    place = str(folder / source) if spec.train.data.is_path else source
    return module, module.load(place, columns_of(spec, module), *more)
