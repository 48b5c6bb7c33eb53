"""What a model amounts to once unrolled, found without unrolling it.

Repeats of repeats multiply: three lines can stand for a billion steps. Instances and iterations are
shared objects, so each is counted once and multiplied, and the limits are checked before anything
walks the unrolled model.
"""

from __future__ import annotations

from collections import Counter

from dslc.ir.types import BYTES
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.instance import BodyInstance, Instance, Iteration, StepInstance
    from dslc.limits import Limits
    from dslc.source import Span

Total = tuple[int, int]
"""The number of steps and the bytes of weights."""


class Budget:
    """Counts instances by identity, each once."""

    def __init__(self) -> None:
        self.instances: dict[int, Total] = {}

    def instance(self, instance: Instance) -> Total:
        """What one instance amounts to."""
        key = id(instance)
        if key not in self.instances:
            self.instances[key] = self.body(instance.body)
        return self.instances[key]

    def body(self, body: BodyInstance) -> Total:
        """What the steps of a body amount to."""
        totals = [self.step(step) for step in body.steps]
        return sum(steps for steps, _ in totals), sum(size for _, size in totals)

    def step(self, found: StepInstance) -> Total:
        """What all iterations of a step amount to; shared weights count once."""
        steps = size = 0
        shared = found.step.repeat is not None and found.step.repeat.share
        for iteration, number in Counter(found.iterations).items():
            if iteration is None:
                continue
            more, weights = self.iteration(iteration)
            steps += number * more
            size = max(size, weights) if shared else size + number * weights
        return steps, size

    def iteration(self, iteration: Iteration) -> Total:
        """What one iteration amounts to."""
        if iteration.op is not None:
            types = tuple(type for type in iteration.inputs if type is not None)
            return 1, sum(weight_bytes(w.shape) for w in iteration.op.weights(*types))
        steps, size = (0, 0) if iteration.call is None else self.instance(iteration.call)
        for body in iteration.bodies:
            more = self.body(body)
            steps, size = steps + more[0], size + more[1]
        return 1 + steps, size


def weight_bytes(shape: tuple[object, ...]) -> int:
    """The bytes of a weight in f32."""
    total = BYTES["f32"]
    for size in shape:
        assert isinstance(size, int)
        total *= size
    return total


def check_budget(instance: Instance, limits: Limits, span: Span, report: Report) -> None:
    """Reports a model that is too large to be unrolled."""
    steps, size = Budget().instance(instance)
    if steps > limits.steps:
        message = f"the model has {steps:,} steps after repeats, and {limits.steps:,} are allowed"
        report.error("E0905", span, message, help="`--limit steps=…` allows more")
    if size > limits.weight_bytes:
        message = f"the weights take {size:,} bytes, and {limits.weight_bytes:,} are allowed"
        report.error("E0907", span, message, help="`--limit weight_bytes=…` allows more")
