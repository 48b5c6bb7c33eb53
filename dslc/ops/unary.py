"""Functions of one value, element by element."""

from __future__ import annotations

from dslc.ops.base import Check, Input, OpError
from dslc.ops.bases import Elementwise
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.types import TensorType


class Neg(Elementwise):
    """`-x`. Source: ONNX Neg."""

    family = "arithmetic"
    inputs = (Input("x", "number"),)

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if types[0].dtype == "u8":
            raise OpError("E0320", "`neg` takes numbers with a sign, not u8", input=0)
        return types[0]


class Abs(Elementwise):
    """The magnitude. Source: ONNX Abs."""

    family = "arithmetic"
    inputs = (Input("x", "number"),)


class Exp(Elementwise):
    """`e ** x`. Source: ONNX Exp."""

    family = "arithmetic"
    cost = 4


class Log(Elementwise):
    """The natural logarithm. Source: ONNX Log."""

    family = "arithmetic"
    cost = 4


class Sqrt(Elementwise):
    """The square root. Source: ONNX Sqrt."""

    family = "arithmetic"


class Rsqrt(Elementwise):
    """`1 / sqrt(x)`. Source: ONNX Sqrt and Reciprocal; `torch.rsqrt`."""

    family = "arithmetic"
    cost = 2


class Sin(Elementwise):
    """The sine of an angle in radians. Source: ONNX Sin."""

    family = "arithmetic"
    cost = 4


class Cos(Elementwise):
    """The cosine of an angle in radians. Source: ONNX Cos."""

    family = "arithmetic"
    cost = 4


class Erf(Elementwise):
    """The error function. Source: ONNX Erf."""

    family = "arithmetic"
    cost = 6


class Floor(Elementwise):
    """The greatest integer at or below. Source: ONNX Floor."""

    family = "arithmetic"
    passes_gradient = False


class Ceil(Elementwise):
    """The least integer at or above. Source: ONNX Ceil."""

    family = "arithmetic"
    passes_gradient = False


class Round(Elementwise):
    """The nearest integer, halves to the even one. Source: ONNX Round."""

    family = "arithmetic"
    passes_gradient = False


class Sign(Elementwise):
    """-1, 0 or 1. Source: ONNX Sign."""

    family = "arithmetic"
    passes_gradient = False
    inputs = (Input("x", "number"),)
