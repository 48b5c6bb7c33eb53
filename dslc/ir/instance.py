"""Checked instances: a module with its arguments and input types, every value typed.

An instance is made once for each distinct pair of arguments and input types, and shared by all
calls of that kind. Dims are expressions in the symbols of the main model's inputs.
"""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Module, Ref, Step
    from dslc.ir.types import TensorType
    from dslc.ops.base import Op


@final
class Iteration:
    """One run of a step: an op with evaluated attributes, a called instance, or inner bodies.

    `inputs` and `outputs` are types, outputs by slot ("" is the step's value); `environment` holds
    what names mean here: params, dims, loop items.
    """

    __slots__ = ("bodies", "call", "environment", "inputs", "op", "outputs")

    def __init__(
        self,
        inputs: tuple[TensorType | None, ...],
        outputs: Mapping[str, TensorType],
        environment: Mapping[str, object],
        *,
        op: Op | None = None,
        call: Instance | None = None,
        bodies: tuple[BodyInstance, ...] = (),
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.environment = environment
        self.op = op
        self.call = call
        self.bodies = bodies


@final
class StepInstance:
    """A step in one instance: its iterations in order, None for one that is absent."""

    __slots__ = ("iterations", "step")

    def __init__(self, step: Step, iterations: tuple[Iteration | None, ...]) -> None:
        self.step = step
        self.iterations = iterations


@final
class BodyInstance:
    """The steps of a body, typed; `result` is the value that it ends on."""

    __slots__ = ("result", "steps", "type")

    def __init__(
        self, steps: tuple[StepInstance, ...], result: Ref, type: TensorType | None
    ) -> None:
        self.steps = steps
        self.result = result
        self.type = type


@final
class Instance:
    """One distinct instance of a module."""

    __slots__ = ("arguments", "body", "inputs", "module", "outputs", "sizes")

    def __init__(
        self,
        module: Module,
        arguments: Mapping[str, object],
        sizes: Mapping[str, object],
        inputs: Mapping[str, TensorType],
        outputs: Mapping[str, TensorType],
        body: BodyInstance,
    ) -> None:
        self.module = module
        self.arguments = arguments
        self.sizes = sizes
        self.inputs = inputs
        self.outputs = outputs
        self.body = body
