"""Backends by name. The four that ship are imported directly: a scan of entry points costs 40 ms."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dslc.emit.backend import BuildError

SHIPPED = ("torch", "keras", "jax", "onnx")


def find_backend(name: str) -> Any:
    """The backend of a name; raises `BuildError` where there is none."""
    if name in SHIPPED:
        return import_module(f"dslc_{name}").backend
    from importlib.metadata import entry_points

    found = {entry.name: entry for entry in entry_points(group="dslc.backends")}
    if name in found:
        return found[name].load()
    known = ", ".join(sorted({*SHIPPED, *found}))
    raise BuildError(f"no backend is called {name!r}; there are {known}")
