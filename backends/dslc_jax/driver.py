"""The generated JAX model driven with NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from dslc.emit.driver import Driver
from dslc.ir.types import FLOATS
from dslc.train.paths import frozen_paths
from dslc_jax.runtime.portable import load_weights, to_portable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Array = NDArray[Any]


@final
class JaxDriver(Driver):
    """Runs the model of one spec, what it freezes frozen as its training has it.

    Args:
        checked: The spec.
        model: The generated model; its inputs and outputs are in `io_layout`.
        io_layout: "spec", or "native" where arrays are to be turned here.
        device: Where it runs.
    """

    differentiable = True
    layouts = ("spec", "native")

    def __init__(
        self, checked: Checked, model: nnx.Module, io_layout: str, device: str = "cpu"
    ) -> None:
        self.device = jax.devices(device)[0]
        self.model = model
        self.turns = io_layout == "native"
        self.types = checked.instance.inputs
        self.inputs = {name: type.dtype in FLOATS for name, type in checked.instance.inputs.items()}
        self.outputs = [name for name, _ in checked.instance.module.outputs]
        self.trained = {w.path for w in checked.weights() if w.role == "trained" and not w.tied}
        self.frozen = tuple(f"{path}." for path in frozen_paths(checked.instance))
        self.compiled = jax.jit(self.pure, static_argnums=0)
        both = jax.grad(self.total, argnums=(1, 2), has_aux=True)
        self.differentiated = jax.jit(both, static_argnums=0)

    def load(self, weights: Mapping[str, Array]) -> None:
        """Takes the portable weights, all of them."""
        load_weights(self.model, weights)
        nnx.update(self.model, jax.device_put(nnx.state(self.model), self.device))

    def weights(self) -> dict[str, Array]:
        """The portable weights as they are now."""
        return dict(to_portable(self.model))

    def forward(self, inputs: Mapping[str, Array], *, training: bool = False) -> dict[str, Array]:
        """The outputs by name; in training mode the running statistics move."""
        graph, params, rest = self.split(training)
        outputs, rest = self.compiled(graph, params, self.arrays(inputs), rest)
        nnx.update(self.model, rest)
        return {name: np.array(value) for name, value in outputs.items()}

    def forward_and_gradients(
        self,
        inputs: Mapping[str, Array],
        cotangents: Mapping[str, Array],
        *,
        training: bool = False,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Both of one compiled function."""
        graph, params, rest = self.split(training)
        arrays = self.arrays(inputs)
        floats = {name: arrays.pop(name) for name, is_float in self.inputs.items() if is_float}
        targets = {
            name: jnp.asarray(array, device=self.device) for name, array in cotangents.items()
        }
        (by_weight, by_input), (outputs, after) = self.differentiated(
            graph, params, floats, arrays, targets, rest
        )
        found = to_portable(nnx.merge(graph, by_weight, rest, copy=True))
        nnx.update(self.model, after)
        gradients = {name: array for name, array in found.items() if name in self.trained}
        for name, array in by_input.items():
            gradients[f"input:{name}"] = np.array(self.to_spec(array))
        return {name: np.array(value) for name, value in outputs.items()}, gradients

    def epsilons(self) -> dict[str, float]:
        """The epsilon of every normalisation by its path."""
        modules: list[tuple[Any, Any]] = list(nnx.iter_modules(self.model))
        norms = {path: module.epsilon for path, module in modules if hasattr(module, "epsilon")}
        return {".".join(map(str, path)): value for path, value in norms.items()}

    def split(self, training: bool) -> tuple[Any, Any, Any]:
        """The model's graph, trained weights and other state, in a mode."""
        self.model.train() if training else self.model.eval()
        modules: list[tuple[Any, Any]] = list(nnx.iter_modules(self.model))
        for path, module in modules:
            if (".".join(map(str, path)) + ".").startswith(self.frozen):
                module.eval()
        graph, params, rest = nnx.split(self.model, nnx.Param, ...)
        return graph, params, rest

    def arrays(self, inputs: Mapping[str, Array]) -> dict[str, jax.Array]:
        """The inputs as JAX's arrays, 32 bits wide or as short as the spec has them."""
        found = {name: jnp.asarray(inputs[name], device=self.device) for name in self.inputs}
        short = {name: jnp.bfloat16 for name, type in self.types.items() if type.dtype == "bf16"}
        found |= {name: found[name].astype(dtype) for name, dtype in short.items()}
        return {name: self.to_native(array) for name, array in found.items()}

    def to_native(self, array: jax.Array) -> jax.Array:
        """An input as the model takes it."""
        return jnp.moveaxis(array, 1, -1) if self.turns and array.ndim > 3 else array

    def to_spec(self, array: jax.Array) -> jax.Array:
        """An output of the model, or an input's gradient, in the spec's order."""
        return jnp.moveaxis(array, -1, 1) if self.turns and array.ndim > 3 else array

    def pure(
        self, graph: Any, params: Any, arrays: dict[str, jax.Array], rest: Any
    ) -> tuple[dict[str, jax.Array], Any]:
        """The outputs in the spec's order, and the state after the call."""
        model = nnx.merge(graph, params, rest, copy=True)
        with jax.default_matmul_precision("highest"):  # no TF32
            found = model(*(arrays[name] for name in self.inputs))
        outputs = found if isinstance(found, dict) else {self.outputs[0]: found}
        _, _, after = nnx.split(model, nnx.Param, ...)
        return {name: self.to_spec(value) for name, value in outputs.items()}, after

    def total(
        self,
        graph: Any,
        params: Any,
        floats: dict[str, jax.Array],
        others: dict[str, jax.Array],
        cotangents: dict[str, jax.Array],
        rest: Any,
    ) -> tuple[jax.Array, tuple[dict[str, jax.Array], Any]]:
        """The sum of `output * cotangent`; with it the outputs and the state after the call."""
        outputs, after = self.pure(graph, params, {**floats, **others}, rest)
        parts = [(outputs[name] * cotangent).sum() for name, cotangent in cotangents.items()]
        return jnp.stack(parts).sum(), (outputs, after)
