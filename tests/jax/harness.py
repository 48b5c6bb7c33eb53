"""A spec on JAX beside the same spec on PyTorch in float64, from the same random weights."""

from functools import partial
from typing import Any

import jax
import numpy as np
from dslc_jax import backend
from dslc_torch import backend as judge

from dslc.diagnostics import Report
from dslc.ir.dims import evaluate
from dslc.ir.types import FLOATS
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source, read_source
from dslc.tools.verify_figures import FORWARD, GRADIENT, gradients_apart, values_apart
from dslc.weights import random_weights

Arrays = dict[str, np.ndarray[Any, Any]]

QUICK = {"xla_backend_optimization_level": 0}
"""Compiling takes most of the time here; the suite of all backends compiles as users do."""


def check(text: str) -> Checked:
    """A checked spec; an error in it fails the test with its message."""
    report = Report()
    checked = check_source(Source("net.yaml", text), report)
    assert checked is not None, [item.message for item in report.diagnostics]
    return checked


def text_of(path: object) -> str:
    return read_source(str(path)).text


def net(steps: str, inputs: str, outputs: str = "y", head: str = "") -> Checked:
    """A checked spec from its steps (lines without indentation); `outputs` names steps."""
    lines = ["dslc: 1", "name: Net", *head.strip("\n").splitlines(), f"inputs: {{{inputs}}}"]
    lines += ["steps:", *("  " + line for line in steps.strip("\n").splitlines())]
    lines += ["outputs:", *(f"  out_{k}: {name}" for k, name in enumerate(outputs.split()))]
    return check("\n".join(lines) + "\n")


def weights_of(checked: Checked, seed: int = 0) -> Arrays:
    """Every weight and running statistic at random; variances are positive."""
    infos = [info for info in checked.weights() if info.tied is None]
    zeros = [info.path for info in infos if info.role == "zeros"]
    return random_weights({info.path: tuple(info.shape) for info in infos}, seed, zeros)  # pyright: ignore[reportArgumentType, reportReturnType]


def inputs_of(checked: Checked, sizes: dict[str, int], below: int = 4, seed: int = 0) -> Arrays:
    """Inputs of the spec's types: normal floats, ids under `below`, masks that hide some."""
    random = np.random.default_rng(seed)
    found: Arrays = {}
    for name, type in checked.instance.inputs.items():
        shape = tuple(evaluate(dim, sizes) for dim in type.shape)
        if type.dtype in FLOATS:
            found[name] = random.standard_normal(shape).astype(np.float32)
        elif type.dtype == "bool":
            found[name] = random.random(shape) < 0.7
        else:
            found[name] = random.integers(0, below, shape)
    return found


class Pair:
    """One spec on both sides, with the same weights.

    Args:
        checked: The spec.
        io_layout: The layout of the JAX model's inputs and outputs.
    """

    def __init__(self, checked: Checked, io_layout: str = "spec") -> None:
        self.checked = checked
        self.weights = weights_of(checked)
        self.jax = backend.driver(checked, io_layout=io_layout)
        quick: Any = partial(jax.jit, static_argnums=0, compiler_options=QUICK)
        self.jax.compiled = quick(self.jax.pure)
        self.jax.differentiated = quick(jax.grad(self.jax.total, argnums=(1, 2), has_aux=True))
        self.torch = judge.driver(checked, dtype="f64")
        self.reload()

    def reload(self) -> None:
        """Puts the weights back, running statistics among them."""
        self.jax.load(self.weights)
        self.torch.load(self.weights)

    def forward(self, inputs: Arrays, *, training: bool = False) -> float:
        """How far the outputs are apart, relative to the largest of each."""
        found = self.jax.forward(inputs, training=training)
        expected = self.torch.forward(inputs, training=training)
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            assert found[name].shape == array.shape
        return values_apart(found, expected).max_rel

    def gradients(self, inputs: Arrays, *, training: bool = False) -> float:
        """How far the gradients of a random projection of the outputs are apart."""
        random = np.random.default_rng(1)
        shapes = {name: array.shape for name, array in self.torch.forward(inputs).items()}
        cotangents = {name: random.standard_normal(shape) for name, shape in shapes.items()}
        narrow = {name: array.astype(np.float32) for name, array in cotangents.items()}
        found = self.jax.gradients(inputs, narrow, training=training)
        expected = self.torch.gradients(inputs, narrow, training=training)
        assert found.keys() == expected.keys()
        return gradients_apart(found, expected).max_rel

    def agree(self, inputs: Arrays) -> None:
        """Fails unless values and gradients are as close as float32 lets them be."""
        assert self.forward(inputs) < FORWARD
        assert self.gradients(inputs) < GRADIENT
