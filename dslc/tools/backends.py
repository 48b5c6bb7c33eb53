"""Backends by name, found without importing any framework.

The four that ship are imported straight; the entry points are scanned (40 ms) only for a name that
is not among them.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dslc.passes.pipeline import Checked

GROUP = "dslc.backends"
SHIPPED = ("torch", "keras", "jax", "onnx")
REQUIRES = {
    "torch": ("torch", "safetensors"),
    "keras": ("keras", "tensorflow", "safetensors"),
    "jax": ("jax", "flax", "optax", "safetensors"),
    "onnx": ("onnx", "onnx_ir", "onnxruntime", "safetensors"),
}
"""What each shipped backend's own work needs, beside what it says itself."""


class MissingBackendError(Exception):
    """A backend, or what it runs on, is not installed; the message says how to install it."""


def find_backend(name: str) -> Any:
    """The backend of a name: an object with `name` and `project(checked, io_layout=…)`.

    Raises:
        MissingBackendError: there is none of this name.
    """
    if name in SHIPPED:
        try:
            return import_module(f"dslc_{name}").backend
        except ModuleNotFoundError as error:
            if error.name == f"dslc_{name}":
                raise MissingBackendError(f"this dslc has no {name} backend") from error
            if (error.name or "").startswith("dslc_"):
                raise
            raise MissingBackendError(hint(name, error.name or name)) from error
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        names = ", ".join([*SHIPPED, *sorted(found.keys() - set(SHIPPED))])
        raise MissingBackendError(f"no backend is called {name!r}; there are {names}")
    return found[name].load()


def require(name: str, backend: Any) -> None:
    """Makes sure that what a backend runs on is installed, without importing it.

    Raises:
        MissingBackendError: a module is missing; says the `pip install` that mends it.
    """
    for module in (*getattr(backend, "requires", ()), *REQUIRES.get(name, ())):
        if find_spec(module) is None:
            raise MissingBackendError(hint(name, module))


def hint(name: str, module: str) -> str:
    """What to do about a missing module."""
    return f'the {name} backend needs {module}: pip install "dslc[{name}]"'


def project(name: str, checked: Checked, *, io_layout: str = "spec") -> dict[str, str | bytes]:
    """The files of the generated project of a backend, by path below its folder."""
    backend = find_backend(name)
    if name == "onnx":
        require(name, backend)
    spec_only = name == "onnx" or io_layout == "spec"  # ONNX has the spec's layout for its own
    options: dict[str, Any] = {} if spec_only else {"io_layout": io_layout}
    if checked.program.weights is None:
        return backend.project(checked, **options)
    from dslc.tools.given_weights import first_weights, start_file

    if name == "onnx":
        return backend.project(checked, first_weights(checked.chosen))
    return backend.project(checked, **options) | start_file(checked)
