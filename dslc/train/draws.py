"""Random numbers that a training graph draws: noise for a generator, a step of diffusion.

A draw is a step without inputs at the top of a training graph. Its numbers come from the seed, the
step of the run and its own name, through the generator that draws initial weights; so they are the
same bits in every framework, and in a run that was resumed. It is no op of models, so it is registered
nowhere: what a project draws comes in with the batch.
"""

from __future__ import annotations

from dslc.ir.graph import ApplyOp
from dslc.ir.types import TensorType
from dslc.ops.attributes import Number, Shape
from dslc.ops.base import Check, Op, OpError
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Step


class Draw(Op):
    """What draws a value of a shape."""

    primary = "shape"
    inputs = ()
    shape = Shape(minimum=1, doc="the shape")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        del check, types
        return TensorType("f32", tuple(self.shape))


class RandomNormal(Draw):
    """Numbers from a normal distribution, anew for each step. Source: ONNX RandomNormal."""

    name = "random_normal"
    mean = Number(0.0, doc="the mean")
    std = Number(1.0, minimum=0, doc="the standard deviation")


class RandomUniform(Draw):
    """Numbers spread evenly between two bounds, anew for each step. Source: ONNX RandomUniform."""

    name = "random_uniform"
    low = Number(0.0, doc="the lower bound")
    high = Number(1.0, doc="the upper bound")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if self.low > self.high:
            raise OpError("E0504", "`low` is above `high`", attribute="low")
        return super().infer(check, *types)


DRAWS: dict[str, type[Draw]] = {op.name: op for op in (RandomNormal, RandomUniform)}
"""The draws by name."""


def is_draw(step: Step) -> bool:
    """Whether a step draws."""
    return isinstance(step.action, ApplyOp) and issubclass(step.action.op, Draw)
