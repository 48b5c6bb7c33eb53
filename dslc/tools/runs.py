"""The folder of a run: what it has to hold for others to read it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast, final

from dslc.tools.backends import SHIPPED, find_backend, require

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD, WEIGHTS, SCRIPT, SPEC = "run.json", "weights.safetensors", "train.py", "net.yaml"


@final
class Run:
    """A run that has ended.

    Attributes:
        folder: Its folder.
        backend: The name of the backend that trained it, which is installed.
        record: What `run.json` says.
    """

    __slots__ = ("backend", "folder", "record")

    def __init__(self, folder: str, backend: str, record: Mapping[str, Any]) -> None:
        self.folder = folder
        self.backend = backend
        self.record = record

    def path(self, name: str) -> str:
        """The path of one of its files."""
        return os.path.join(self.folder, name)


def find_run(folder: str) -> Run:
    """A run by its folder.

    Raises:
        ValueError: It is no folder of a run that has ended; says what is missing or damaged.
        MissingBackendError: The framework of the run is not installed.
    """
    if not os.path.isdir(folder):
        raise ValueError(f"{folder}: no such folder; `dslc train FILE -o RUN` makes one")
    for name in (RECORD, SCRIPT, SPEC):
        if not os.path.isfile(os.path.join(folder, name)):
            raise ValueError(f"{folder}: no folder of a run, which has a `{name}`")
    record = read_record(os.path.join(folder, RECORD))
    if not os.path.isfile(os.path.join(folder, WEIGHTS)):
        text = f"{folder}: the run has not ended, as it has no `{WEIGHTS}`"
        raise ValueError(f"{text}; `dslc train … -o {folder} --resume` ends it")
    backend = record["backend"]
    require(backend, find_backend(backend))
    return Run(folder, backend, record)


def read_record(path: str) -> Mapping[str, Any]:
    """What a record says.

    Raises:
        ValueError: It is damaged.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found: Any = json.load(file)
    except (ValueError, RecursionError):
        raise ValueError(f"{path}: damaged, it is no JSON") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: damaged, it is no JSON object")
    record = cast("dict[str, Any]", found)
    if record.get("backend") not in SHIPPED or not isinstance(record.get("options", {}), dict):
        raise ValueError(f"{path}: damaged, it names no backend that trains")
    return record
