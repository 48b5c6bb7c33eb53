"""The rules of the Keras backend, a file per family as in `dslc.ops`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from dslc.emit.backend import Rules

RULES = Rules("keras")

for _file in sorted(Path(__file__).parent.glob("[!_]*.py")):
    import_module(f"{__name__}.{_file.stem}")
