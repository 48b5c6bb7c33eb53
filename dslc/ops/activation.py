"""Activations: functions of each element, and softmax over an axis."""

from __future__ import annotations

from dslc.ops.attributes import Axis, Boolean, Number, Word
from dslc.ops.base import Check, Op, OpError, Weight
from dslc.ops.bases import Elementwise
from dslc.ops.shapes import resolve_axis
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Relu(Elementwise):
    """`max(x, 0)`. Source: ONNX Relu."""

    family = "activation"


class LeakyRelu(Elementwise):
    """`x` where positive, else `slope * x`. Source: ONNX LeakyRelu; Maas et al. 2013."""

    family = "activation"
    primary = "slope"
    slope = Number(0.01, doc="the factor of negative values")


class Gelu(Elementwise):
    """`x * Phi(x)` with the normal distribution's Phi, by `erf` or its `tanh` approximation.

    Source: ONNX Gelu; Hendrycks and Gimpel 2016.
    """

    family = "activation"
    primary = "approximate"
    cost = 8
    approximate = Word("none", words=("none", "tanh"), doc="`none` is exact (erf)")


class Silu(Elementwise):
    """`x * sigmoid(x)`, also called swish. Source: Elfwing et al. 2017."""

    family = "activation"
    cost = 5


class Sigmoid(Elementwise):
    """`1 / (1 + exp(-x))`. Source: ONNX Sigmoid."""

    family = "activation"
    cost = 4


class Tanh(Elementwise):
    """The hyperbolic tangent. Source: ONNX Tanh."""

    family = "activation"
    cost = 5


class Relu6(Elementwise):
    """`min(max(x, 0), 6)`. Source: ONNX Clip; Howard et al. 2017."""

    family = "activation"
    cost = 2


class Prelu(Op):
    """`x` where positive, else `weight * x` with a learned slope.

    Weights: `weight`, one slope for all, or with `shared: false` one for each channel (axis 1), at
    first 0.25. Shape: unchanged. Source: ONNX PRelu; `torch.nn.PReLU`; He et al. 2015.
    """

    family = "activation"
    layout = "channels"
    primary = "shared"
    shared = Boolean(True, doc="whether one slope serves all channels")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if not self.shared and types[0].rank < 2:
            message = f"`prelu` with a slope for each channel takes [N, C, …], not {types[0]}"
            raise OpError("E0303", message, input=0)
        return types[0]

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        slopes = 1 if self.shared else types[0].shape[1]
        return (Weight("weight", (slopes,), ("constant", ("value", 0.25))),)


class Elu(Elementwise):
    """`x` where positive, else `alpha * (exp(x) - 1)`. Source: ONNX Elu; Clevert et al. 2015."""

    family = "activation"
    primary = "alpha"
    cost = 4
    alpha = Number(1.0, doc="the factor of negative values")


class Selu(Elementwise):
    """`scale * elu(x, alpha)` with the constants that keep mean 0 and variance 1.

    Source: ONNX Selu; Klambauer et al. 2017.
    """

    family = "activation"
    cost = 5


class Celu(Elementwise):
    """`max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`. Source: ONNX Celu; Barron 2017."""

    family = "activation"
    primary = "alpha"
    cost = 6
    alpha = Number(1.0, minimum=1e-6, doc="the value that negative inputs approach, negated")


class QuickGelu(Elementwise):
    """`x * sigmoid(1.702 * x)`. Source: Hendrycks and Gimpel 2016; CLIP."""

    family = "activation"
    cost = 6


class Mish(Elementwise):
    """`x * tanh(softplus(x))`. Source: ONNX Mish; Misra 2019."""

    family = "activation"
    cost = 12


class Hardswish(Elementwise):
    """`x * min(max(x / 6 + 1/2, 0), 1)`. Source: ONNX HardSwish; Howard et al. 2019."""

    family = "activation"
    cost = 5


class Hardsigmoid(Elementwise):
    """`min(max(x / 6 + 1/2, 0), 1)`, the slope PyTorch's. Source: ONNX HardSigmoid."""

    family = "activation"
    cost = 4


class Softplus(Elementwise):
    """`log(1 + exp(x))`. Source: ONNX Softplus."""

    family = "activation"
    cost = 6


class Softsign(Elementwise):
    """`x / (1 + |x|)`. Source: ONNX Softsign."""

    family = "activation"
    cost = 3


class _OverAxis(Op):
    """A function over one axis; the type stays."""

    takes_empty = True
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
