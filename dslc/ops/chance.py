"""Numbers drawn at random, in training and in use alike: from the seed, the step and its path.

Each has a setting at which nothing is left to chance, by which backends are compared.
"""

from __future__ import annotations

from dslc.ir.types import TensorType
from dslc.ops.attributes import Boolean, Number, Shape, Size
from dslc.ops.base import Check, Input, Op
from dslc.ops.shapes import broadcast, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike


class _Random(Op):
    """Numbers of a shape."""

    primary = "shape"
    inputs = ()
    shape = Shape(minimum=1, doc="the shape; `[]` is a scalar")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return TensorType("f32", tuple(self.shape))


class RandomNormal(_Random):
    """Numbers from a normal distribution, drawn anew in each run, in use as in training.

    Shape: `f32[shape]`. Source: ONNX RandomNormal.
    """

    family = "random"
    chance = ("std",)
    always_draws = True
    mean = Number(0.0, doc="the mean")
    std = Number(1.0, minimum=0, doc="the standard deviation")


class RandomUniform(_Random):
    """Numbers spread evenly between two bounds, drawn anew in each run, in use as in training.

    Shape: `f32[shape]`. Source: ONNX RandomUniform.
    """

    family = "random"
    chance = ("low", "high")
    always_draws = True
    low = Number(0.0, doc="the lower bound")
    high = Number(1.0, doc="the upper bound")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        message = f"`low` is at most `high`, and {self.low:g} is above {self.high:g}"
        check.require("<=", int(self.low > self.high), 0, message, code="E0504", attribute="low")
        return super().infer(check, *types)


class RandomInteger(_Random):
    """Integers from `low` up to, not including, `high`, drawn anew in each run, in use as in training.

    Shape: `i64[shape]`. Source: ONNX RandomUniform and Floor; `torch.randint`.
    """

    family = "random"
    chance = ("low", "high")
    always_draws = True
    settled: ClassVar[Mapping[str, int | bool]] = {"low": 0, "high": 1}
    low = Size(0, minimum=0, doc="the least integer")
    high = Size(minimum=1, doc="the integer that all lie below")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        message = f"`low` is below `high`, and {self.low} is not below {self.high}"
        check.require("<", self.low, self.high, message, code="E0308", attribute="high")
        return TensorType("i64", tuple(self.shape))


class RandomCategorical(Op):
    """The number of a class for each row, drawn in proportion to `exp(logits / temperature)`.

    It is drawn anew in each run, in use as in training; at temperature 0 it is the likeliest.
    Shape: `[…, C]` → `i64[…]`. Source: ONNX Multinomial; Gumbel 1954.
    """

    family = "random"
    primary = "temperature"
    inputs = (Input("logits"),)
    chance = ("temperature",)
    always_draws = True
    temperature = Number(1.0, minimum=0, doc="how far draws stray from the likeliest class")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (logits,) = types
        check.require_some(self, logits, (logits.rank - 1,) if logits.rank else ())
        return TensorType("i64", logits.shape[:-1])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 6 * types[0].elements


class Bernoulli(Op):
    """1 with a probability and else 0, drawn anew in each run, in use as in training.

    Shape: probabilities, unchanged. Source: ONNX Bernoulli.
    """

    family = "random"
    layout = "elementwise"
    inputs = (Input("probability"),)
    chance = ("likelier",)
    always_draws = True
    settled: ClassVar[Mapping[str, int | bool]] = {"likelier": True}
    likelier = Boolean(False, doc="whether it is the likelier of the two, and nothing is drawn")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return types[0]


class Reparameterize(Op):
    """`mean + exp(log_variance / 2) * temperature * noise`, through which gradients pass.

    The noise is normal, and drawn anew in each run, in use as in training.
    Shape: the two, broadcast; so is the noise's. Source: ONNX RandomNormalLike; Kingma and Welling 2014.
    """

    family = "random"
    layout = "elementwise"
    primary = "temperature"
    inputs = (Input("mean"), Input("log_variance"))
    chance = ("temperature",)
    always_draws = True
    temperature = Number(1.0, minimum=0, doc="the factor of the noise")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        dtype = same_dtype(self.name, types)
        shape = broadcast(check, self.name, [value.shape for value in types])
        return TensorType(dtype, shape)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements
