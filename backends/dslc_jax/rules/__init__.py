"""The rules of the JAX backend, a file per family as in `dslc.ops`."""

from __future__ import annotations

import os
from importlib import import_module

from dslc.emit.backend import Rules

RULES = Rules("jax")

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"{__name__}.{_file[:-3]}")
