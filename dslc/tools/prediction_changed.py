"""Rows to predict from where training changes them first: by the spec's transforms, and what its run learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.emit.data_file import data_source
from dslc.emit.data_steps import Stages
from dslc.emit.loading import load_module
from dslc.emit.script import DTYPES, FORMS
from dslc.train.changes import Change
from dslc.train.data import Data
from dslc.train.sources import suffix_of
from dslc.train.training import Training

if TYPE_CHECKING:
    from collections.abc import Collection

    from dslc.train.runtime.data import Arrays

ONE_BY_ONE = ("window", "shift")
"""What makes other rows of the data's, so that there is no output for each."""


def changes_of(data: Data, inputs: Collection[str]) -> list[Change]:
    """What is done to a model's inputs whenever they are read, augmentation left out.

    Raises:
        ValueError: A transform makes other rows than the data have.
    """
    found: list[Change] = []
    for change in data.changes:
        columns = tuple(name for name in change.columns if name in inputs)
        if columns and change.transform.name in ONE_BY_ONE:
            reason = f"training changes `{columns[0]}` by `{change.transform.name}` first"
            hint = "call the run's `data.py` and its model in Python"
            raise ValueError(f"{reason}, which `predict` does not do: {hint}")
        if columns and (change.transform.name == "crop" or not change.transform.is_random):
            own = Change(change.transform, change.span)
            own.columns, own.late, own.after = columns, change.late, change.after
            found.append(own)
    return found


def load_changed(train: Training, inputs: Collection[str], path: str, folder: Path) -> Arrays:
    """The columns that a model takes, as its training had them.

    Args:
        train: The section.
        inputs: The model's inputs.
        path: The data.
        folder: The run's, which says what was learned from the training rows.

    Raises:
        ValueError: They are missing or of other types, or nothing was kept of what was learned.
        OSError: The file cannot be read.
    """
    data = data_of(train.data, inputs, path)
    columns = {name: train.columns[name] for name in data.raws}
    parts = train.program, train.model, train.phases, columns, data, train.run, train.options
    used = "from data import Column, Draws, load, prepare, read_learned, settle"
    module: Any = load_module(data_source(Training(*parts), [used]), "data")
    wanted: dict[str, Any] = {}
    for name, raw in data.raws.items():
        dtype = FORMS.get(raw.form, DTYPES[raw.dtype])
        wanted[name] = module.Column(columns[name].source, dtype, raw.shape, raw.below)
    stages = Stages(data)
    arrays = module.load(path, wanted)
    if stages.learned:
        arrays = module.prepare(arrays, module.read_learned(folder / "learned.json"))
    if stages.settled:
        rows = np.arange(len(next(iter(arrays.values()))))
        arrays = module.settle(arrays, module.Draws(0, "of rows to predict from", rows))
    return {name: np.asarray(arrays[name]) for name in inputs}


def data_of(data: Data, inputs: Collection[str], path: str) -> Data:
    """A section's data with another source, and what concerns a model's inputs alone."""
    kind = None if suffix_of(path) else data.format
    found = Data({**data.values, "source": path, "format": kind, "cache": "memory", "workers": 0})
    found.changes = changes_of(data, inputs)
    found.raws = {name: raw for name, raw in data.raws.items() if name in inputs}
    return found
