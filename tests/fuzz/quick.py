"""Backends that compare small networks quickly: what is the same work twice is done once.

JAX spends its time on compiling what then runs once, so values and gradients of a case are one
function here. Another layout of inputs and outputs is tried where there is one to try, in every
third network.
"""

import json
from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np

from dslc.passes.pipeline import Checked
from dslc.tools.verify import Comparison
from dslc.tools.verify_reference import Case
from tests.numeric.frameworks import backend_named

Arrays = Mapping[str, np.ndarray[Any, Any]]

FEWEST_AXES = 4
"""A layout is the order of these or more axes."""
SHARE = 3


class Quick:
    """A backend whose drivers are quick.

    Attributes:
        layouts: Whether another layout is compared too.
    """

    def __init__(self, name: str, comparison: Comparison, spec: Mapping[str, Any]) -> None:
        self.name = name
        self.backend = backend_named(name)
        self.comparison = comparison
        instance = comparison.checked.instance
        doors = [*instance.inputs.values(), *instance.outputs.values()]
        drawn = crc32(json.dumps(spec["steps"]).encode()) % SHARE == 0
        self.layouts = drawn and any(len(type.shape) >= FEWEST_AXES for type in doors)

    def driver(self, checked: Checked, **options: Any) -> Any:
        """The backend's driver, or one that is quicker."""
        found: Any = self.backend.driver(checked, **options)
        if self.name == "jax" and options.get("io_layout", "spec") == "spec":
            found = Joined(found, self.comparison)
        return found if self.layouts else InOneLayout(found)


class InOneLayout:
    """A driver that says nothing of other layouts."""

    layouts = ("spec",)

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)


class Joined:
    """A JAX driver that compiles values and gradients as one function."""

    def __init__(self, driver: Any, comparison: Comparison) -> None:
        import jax

        self.driver = driver
        self.comparison = comparison
        total = jax.value_and_grad(self.total, argnums=(1, 2), has_aux=True)
        self.compiled = jax.jit(total, static_argnums=0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)

    def forward(self, inputs: Arrays, *, training: bool = False) -> dict[str, Any]:
        """The outputs by name; in training mode the running statistics move."""
        case = self.case(inputs)
        if case is None or not case.cotangents:
            return self.driver.forward(inputs, training=training)
        from flax import nnx

        (_, (outputs, rest)), _, _ = self.run(inputs, case.cotangents, training)
        nnx.update(self.driver.model, rest)
        return {name: np.array(value) for name, value in outputs.items()}

    def gradients(
        self, inputs: Arrays, cotangents: Arrays, *, training: bool = False
    ) -> dict[str, Any]:
        """The gradients of the sum of `output * cotangent`."""
        from dslc_jax.runtime.portable import to_portable
        from flax import nnx

        _, (by_weight, by_input), (graph, rest) = self.run(inputs, cotangents, training)
        found = to_portable(nnx.merge(graph, by_weight, rest, copy=True))
        gradients = {name: array for name, array in found.items() if name in self.driver.trained}
        turned = {name: np.array(self.driver.to_spec(a)) for name, a in by_input.items()}
        return gradients | {f"input:{name}": array for name, array in turned.items()}

    def run(self, inputs: Arrays, cotangents: Arrays, training: bool) -> tuple[Any, Any, Any]:
        """Values, gradients, and what the model was split into."""
        graph, params, rest = self.driver.split(training)
        arrays = self.driver.arrays(inputs)
        is_float = self.driver.inputs
        floats = {name: array for name, array in arrays.items() if is_float[name]}
        others = {name: array for name, array in arrays.items() if not is_float[name]}
        targets = {name: array.astype(np.float32) for name, array in cotangents.items()}
        values, gradients = self.compiled(graph, params, floats, others, targets, rest)
        return values, gradients, (graph, rest)

    def total(
        self, graph: Any, params: Any, floats: Any, others: Any, cotangents: Any, rest: Any
    ) -> Any:
        """The sum of `output * cotangent`, with the outputs and the state after the run."""
        import jax.numpy as jnp

        outputs, after = self.driver.pure(graph, params, {**floats, **others}, rest)
        parts = [(outputs[name] * cotangent).sum() for name, cotangent in cotangents.items()]
        return jnp.stack(parts).sum(), (outputs, after)

    def case(self, inputs: Arrays) -> Case | None:
        """The reference's case of these inputs."""
        made = vars(self.comparison)
        references = (made.get(name) for name in ("reference", "training_reference"))
        cases = [case for reference in references if reference for case in reference.cases.values()]
        return next((case for case in cases if case.inputs is inputs), None)
