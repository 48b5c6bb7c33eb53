"""Regularisers: what acts in training alone."""

from __future__ import annotations

from dslc.ops.attributes import Number
from dslc.ops.base import Check, Op, OpError
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Regulariser(Op):
    """What leaves its input's type, and outside training its value."""

    layout = "elementwise"

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return types[0]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class Dropout(_Regulariser):
    """In training zeroes each element with probability `rate` and scales the rest by `1/(1-rate)`.

    Shape: unchanged. Source: ONNX Dropout; Srivastava et al. 2014.
    """

    takes_empty = True
    family = "regulariser"
    primary = "rate"
    chance = ("rate",)
    rate = Number(0.5, minimum=0, below=1, doc="the share of elements that are zeroed")


class SpatialDropout(_Regulariser):
    """In training zeroes each channel of each row with probability `rate`, scaling as `dropout`.

    Shape: `[N, C, …]`, unchanged. Source: `torch.nn.Dropout2d`; Tompson et al. 2015.
    """

    family = "regulariser"
    layout = "channels"
    primary = "rate"
    chance = ("rate",)
    rate = Number(0.5, minimum=0, below=1, doc="the share of channels that are zeroed")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if not 3 <= types[0].rank <= 5:
            message = f"`spatial_dropout` takes [N, C, …] with 1 to 3 further axes, not {types[0]}"
            raise OpError("E0303", message, input=0)
        return types[0]


class DropPath(_Regulariser):
    """In training zeroes each row with probability `rate`, scaling as `dropout`: stochastic depth.

    Shape: `[N, …]`, unchanged. Source: Huang et al. 2016; `torchvision.ops.stochastic_depth`.
    """

    family = "regulariser"
    primary = "rate"
    chance = ("rate",)
    rate = Number(0.1, minimum=0, below=1, doc="the share of rows that are zeroed")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if types[0].rank < 1:
            raise OpError("E0303", "`drop_path` takes [N, …], not a scalar", input=0)
        return types[0]


class GaussianNoise(_Regulariser):
    """In training adds normal numbers of a standard deviation. Shape: unchanged.

    Source: `keras.layers.GaussianNoise`; Bishop 1995.
    """

    family = "regulariser"
    primary = "std"
    chance = ("std",)
    std = Number(0.1, minimum=0, doc="the standard deviation of what is added")
