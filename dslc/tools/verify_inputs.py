"""Random inputs by type; ids stay below the vocabulary that they are looked up in.

Which integers an input may hold follows from where it goes: the model's graph is traced from its
inputs through every op that hands integers on, to the ops that say how large theirs may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.emit.backend import BuildError
from dslc.ir.dims import evaluate, symbols_of
from dslc.ir.graph import MODULE, REGION_INPUT, Reuse, Scan, round_slot
from dslc.ir.types import FLOATS, INTEGERS
from dslc.tools.verify_figures import to_bf16

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Ref
    from dslc.ir.instance import BodyInstance, Instance, Iteration, StepInstance
    from dslc.ir.types import TensorType

Roots = frozenset[str]
Values = dict[tuple[int, str], Roots]
Below = Mapping[str, tuple["DimLike", ...]]

NUMPY = {
    "bool": np.bool_,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "u8": np.uint8,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
}
NONE: Roots = frozenset()
FREE_BELOW = 8


def draw_inputs(
    types: Mapping[str, TensorType],
    below: Below,
    sizes: Mapping[str, int],
    seed: int,
    least: Mapping[str, int] | None = None,
) -> dict[str, NDArray[Any]]:
    """One batch of inputs.

    Args:
        types: The inputs' types.
        below: What the integers of an input lie below, where that matters.
        sizes: A value for every symbol.
        seed: Another seed gives other inputs.
        least: The least integer of an input, where it is not 0.

    Raises:
        BuildError: What reads an input takes no integer that what reads it elsewhere takes.
    """
    generator, least = np.random.default_rng([seed, 0x5EED]), least or {}
    return {
        name: draw(generator, type, sizes, below.get(name, ()), least.get(name, 0))
        for name, type in types.items()
    }


def draw(
    generator: np.random.Generator,
    type: TensorType,
    sizes: Mapping[str, int],
    below: tuple[DimLike, ...],
    least: int = 0,
) -> NDArray[Any]:
    """One array: normal floats, integers, and masks that always let something through."""
    shape = tuple(evaluate(dim, sizes) for dim in type.shape)
    if type.dtype in FLOATS:
        drawn = generator.standard_normal(shape)
        return to_bf16(drawn) if type.dtype == "bf16" else drawn.astype(NUMPY[type.dtype])
    if type.dtype in INTEGERS:
        known = [size for size in below if symbols_of(size) <= sizes.keys()]
        most = min((evaluate(size, sizes) for size in known), default=FREE_BELOW)
        if most <= least:
            reason = f"what reads them takes {least} and more, and what lies below {most}"
            raise BuildError(f"no integers fit an input of {type}: {reason}")
        return generator.integers(least, most, shape).astype(NUMPY[type.dtype])
    mask = generator.random(shape) < 0.7
    if mask.ndim:
        mask[..., :1] = True
    return mask


def traced(instance: Instance) -> Tracer:
    """What has been found of the integers of a model's inputs."""
    tracer = Tracer()
    inputs = instance.inputs
    roots = [frozenset((n,)) if t.dtype in INTEGERS else NONE for n, t in inputs.items()]
    tracer.instance(instance, roots)
    return tracer


def floors(instance: Instance) -> dict[str, int]:
    """The least integer of each input, where it is not 0."""
    return traced(instance).least


def ceilings(instance: Instance) -> dict[str, tuple[DimLike, ...]]:
    """What the integers of each input must lie below."""
    tracer, inputs = traced(instance), instance.inputs
    known = [size for sizes in tracer.below.values() for size in sizes if isinstance(size, int)]
    least = min([FREE_BELOW, *known])
    integers = (name for name, type in inputs.items() if type.dtype in INTEGERS)
    return {name: tracer.below.get(name, (least,)) for name in integers}


class Tracer:
    """Follows integers from the inputs of a model; `below` and `least` collect their bounds."""

    def __init__(self) -> None:
        self.below: dict[str, tuple[DimLike, ...]] = {}
        self.least: dict[str, int] = {}

    def instance(self, instance: Instance, inputs: list[Roots]) -> dict[str, Roots]:
        """Where the integers of an instance's outputs come from."""
        values: Values = {
            (MODULE, name): roots for name, roots in zip(instance.inputs, inputs, strict=False)
        }
        found = {"": self.body(instance.body, values)}
        found |= {name: read(ref, values) for name, ref in instance.module.outputs}
        return found

    def body(self, body: BodyInstance, values: Values) -> Roots:
        """Runs the steps; gives where the result's integers come from."""
        for step in body.steps:
            self.step(step, values)
        return read(body.result, values)

    def step(self, found: StepInstance, values: Values) -> None:
        """Runs one step in all its iterations."""
        inputs = [read(ref, values) for ref in found.step.inputs]
        outputs = {"": inputs[0] if inputs else NONE}
        for iteration in found.iterations:
            if iteration is None:
                continue
            outputs = self.iteration(found, iteration, inputs, values)
            if inputs:
                inputs[0] = outputs[""]
        for slot, roots in outputs.items():
            values[found.step.id, slot] = roots

    def iteration(
        self, found: StepInstance, iteration: Iteration, inputs: list[Roots], values: Values
    ) -> dict[str, Roots]:
        """One run: an op, a call, or the bodies of a region."""
        if iteration.op is not None:
            types = [type for type in iteration.inputs if type is not None]
            given = [roots for roots, t in zip(inputs, iteration.inputs, strict=False) if t]
            for roots, most in zip(given, iteration.op.ceilings(*types), strict=False):
                if most is not None:
                    self.bound(roots, most)
            for roots, least in zip(given, iteration.op.floors(*types), strict=False):
                self.least |= {n: max(least, self.least.get(n, 0)) for n in roots if least}
            every = frozenset[str]().union(*given)
            outputs = iteration.outputs.items()
            return {slot: every if t.dtype in INTEGERS else NONE for slot, t in outputs}
        if iteration.call is not None:
            return {"": NONE, **self.instance(iteration.call, inputs)}
        action = found.step.action
        action = action.step.action if isinstance(action, Reuse) else action
        if isinstance(action, Scan):
            return self.scan(found.step.id, action, iteration, inputs, values)
        values[found.step.id, REGION_INPUT] = inputs[0] if inputs else NONE
        bodies = [self.body(body, values) for body in iteration.bodies]
        every = frozenset[str]().union(*bodies)
        return dict.fromkeys(iteration.outputs, every)

    def scan(
        self, owner: int, action: Scan, iteration: Iteration, inputs: list[Roots], values: Values
    ) -> dict[str, Roots]:
        """A scan: as many rounds as it takes for integers to get from carry to carry."""
        names = (*action.over, *action.carry)
        carried = dict(zip(names, inputs, strict=True))
        every = NONE
        for _ in range(len(action.carry) + 1):
            values.update(((owner, round_slot(name)), roots) for name, roots in carried.items())
            every |= self.body(iteration.bodies[0], values)
            for name, ref in zip(action.carry, action.next, strict=True):
                carried[name] |= read(ref, values)
        return {slot: carried.get(slot, every) for slot in iteration.outputs}

    def bound(self, roots: Roots, most: DimLike) -> None:
        """Integers that come from these inputs must lie below a number."""
        for name in roots:
            self.below[name] = (*self.below.get(name, ()), most)


def read(ref: Ref | None, values: Values) -> Roots:
    """Where a value's integers come from."""
    return NONE if ref is None else values.get((ref.owner, ref.slot), NONE)
