"""Arithmetic on tensors: sums, products, reductions."""

from __future__ import annotations

from dslc.ops.attributes import Integer, Maybe, Number
from dslc.ops.base import Check, Input, OpError
from dslc.ops.bases import Broadcasting, Elementwise, Reduce
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.types import TensorType

NUMBERS = (Input("x", "number"), Input("y", "number"))


class Add(Broadcasting):
    """The sum of any number of values, broadcast. Source: ONNX Add and Sum."""

    family = "arithmetic"


class Mul(Broadcasting):
    """The product of any number of values, broadcast. Source: ONNX Mul."""

    family = "arithmetic"


class Sub(Broadcasting):
    """`x - y`, broadcast. Source: ONNX Sub."""

    family = "arithmetic"
    inputs = NUMBERS


class Div(Broadcasting):
    """`x / y` of floats, broadcast. Source: ONNX Div."""

    family = "arithmetic"
    inputs = (Input("x"), Input("y"))


class Pow(Broadcasting):
    """`x ** y` of floats, broadcast. Source: ONNX Pow."""

    family = "arithmetic"
    inputs = (Input("x"), Input("y"))


class Minimum(Broadcasting):
    """The least of any number of values, broadcast. Source: ONNX Min."""

    family = "arithmetic"


class Maximum(Broadcasting):
    """The greatest of any number of values, broadcast. Source: ONNX Max."""

    family = "arithmetic"


class Clip(Elementwise):
    """`min(max(x, min), max)`; a bound left out is none. Source: ONNX Clip."""

    family = "arithmetic"
    cost = 2
    min_ = Maybe(Number(doc="the least value"))
    max_ = Maybe(Number(doc="the greatest value"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        low, high = self.values["min"], self.values["max"]
        if low is None and high is None:
            raise OpError("E0503", "`clip` takes `min`, `max` or both")
        if low is not None and high is not None and low > high:
            message = f"`min`, {low:g}, is above `max`, {high:g}"
            raise OpError("E0504", message, attribute="min")
        return types[0]


class ReduceMean(Reduce):
    """The mean over axes. Source: ONNX ReduceMean."""

    family = "arithmetic"


class ReduceSum(Reduce):
    """The sum over axes. Source: ONNX ReduceSum."""

    family = "arithmetic"
    of_nothing = True


class ReduceMax(Reduce):
    """The greatest over axes. Source: ONNX ReduceMax."""

    family = "arithmetic"


class ReduceMin(Reduce):
    """The least over axes. Source: ONNX ReduceMin."""

    family = "arithmetic"


class ReduceProd(Reduce):
    """The product over axes. Source: ONNX ReduceProd."""

    family = "arithmetic"
    of_nothing = True


class ReduceLogsumexp(Reduce):
    """`log(sum(exp(x)))` over axes. Source: ONNX ReduceLogSumExp; `torch.logsumexp`."""

    family = "arithmetic"


class ReduceNorm(Reduce):
    """The p-norm over axes: the sum of magnitudes for `p: 1`, Euclid's for 2.

    Source: ONNX ReduceL1 and ReduceL2; `torch.linalg.vector_norm`.
    """

    family = "arithmetic"
    of_nothing = True
    p = Integer(2, minimum=1, maximum=2, doc="the order of the norm")
