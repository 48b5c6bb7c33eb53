"""The backends under test, each with what starts it and what marks its tests.

Tests of one framework run in one worker, so that each is started once; where its packages are not
installed they skip, which in CI is a failure.
"""

import os
import warnings
from importlib.util import find_spec
from typing import Any

import pytest

from dslc.tools.backends import REQUIRES, find_backend
from tests import quick_xla

quick_xla.hurry()

DEVICE = os.environ.get("DSLC_DEVICE", "cpu")
"""Where the backends compute; the reference does on the CPU."""

WHOLE = bool(os.environ.get("DSLC_WHOLE", ""))
"""Whether everything is compared, as `make parity` does, or what `make test` has time for."""

NAMES = ("torch", "keras", "jax", "onnx")


def backend_params() -> list[Any]:
    """Each backend as a parameter of a test."""
    return [
        pytest.param(name, marks=[pytest.mark.xdist_group(name), getattr(pytest.mark, name)])
        for name in NAMES
    ]


def backend_named(name: str) -> Any:
    """The backend, its framework imported; its own warnings at import are not ours to mend."""
    missing = [module for module in REQUIRES[name] if find_spec(module) is None]
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in REQUIRES[name]:
            __import__(module)
        backend = find_backend(name)
    if not backend.has_device(DEVICE):
        pytest.skip(f"missing: a {DEVICE} device for {name}")
    return backend
