"""Activations: functions of each element, and softmax over an axis."""

from __future__ import annotations

from dslc.ops.attributes import Axis, Number, Word
from dslc.ops.base import Check, Op
from dslc.ops.shapes import resolve_axis
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Elementwise(Op):
    """A function of each element; the type stays."""

    layout = "elementwise"
    cost: ClassVar[int] = 1

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return types[0]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return self.cost * outputs[0].elements


class Relu(_Elementwise):
    """`max(x, 0)`. Source: ONNX Relu."""

    family = "activation"


class LeakyRelu(_Elementwise):
    """`x` where positive, else `slope * x`. Source: ONNX LeakyRelu; Maas et al. 2013."""

    family = "activation"
    primary = "slope"
    slope = Number(0.01, doc="the factor of negative values")


class Gelu(_Elementwise):
    """`x * Phi(x)` with the normal distribution's Phi, by `erf` or its `tanh` approximation.

    Source: ONNX Gelu; Hendrycks and Gimpel 2016.
    """

    family = "activation"
    primary = "approximate"
    cost = 8
    approximate = Word("none", words=("none", "tanh"), doc="`none` is exact (erf)")


class Silu(_Elementwise):
    """`x * sigmoid(x)`, also called swish. Source: Elfwing et al. 2017."""

    family = "activation"
    cost = 5


class Sigmoid(_Elementwise):
    """`1 / (1 + exp(-x))`. Source: ONNX Sigmoid."""

    family = "activation"
    cost = 4


class Tanh(_Elementwise):
    """The hyperbolic tangent. Source: ONNX Tanh."""

    family = "activation"
    cost = 5


class _OverAxis(Op):
    """A function over one axis; the type stays."""

    layout = "axes"
    primary = "axis"
    axis = Axis(-1, doc="the axis that sums to one")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        resolve_axis(self.axis, types[0].rank)
        return types[0]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements


class Softmax(_OverAxis):
    """`exp(x) / sum(exp(x))` over an axis. Source: ONNX Softmax."""

    family = "activation"


class LogSoftmax(_OverAxis):
    """The logarithm of softmax over an axis. Source: ONNX LogSoftmax."""

    family = "activation"
