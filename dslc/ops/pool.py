"""Pooling."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Maybe, Padding, Sizes
from dslc.ops.base import Check, Op, OpError
from dslc.ops.shapes import need_rank, product
from dslc.ops.windows import spatial_sizes
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Pool2d(Op):
    """What the pools over windows of two axes share."""

    primary = "kernel"
    layout = "channels"
    kernel = Sizes(2, minimum=1, doc="the window's height and width")
    stride = Maybe(Sizes(2, minimum=1, doc="the steps of the window; the kernel's size by default"))
    padding = Padding(2, doc="elements on both sides, or `same` or `valid`")

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        if self.values["stride"] is None:
            self.values["stride"] = self.values["kernel"]

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, 4, "[N, C, H, W]")
        if self.padding != "same":
            for axis in range(2):
                check.require(
                    "<=",
                    2 * self.padding[axis],
                    self.kernel[axis],
                    "`padding` may be at most half of the kernel, or a window holds nothing",
                    code="E0509",
                    attribute="padding",
                )
        return x.with_shape(*x.shape[:2], *spatial_sizes(check, x.shape, self))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return outputs[0].elements * product(self.kernel)


class MaxPool2d(_Pool2d):
    """The largest value of each window; padding never wins.

    Shape: `[N, C, H, W]` → `[N, C, (H + pads - kernel) // stride + 1, …]`. Source: ONNX MaxPool.
    """

    family = "pool"


class AvgPool2d(_Pool2d):
    """The mean of each window.

    `count_padding` says whether padding counts as zeros in the mean (as PyTorch's default does) or
    not (as ONNX's and Keras's do). Shape as `max_pool2d`. Source: ONNX AveragePool.
    """

    family = "pool"
    count_padding = Boolean(False, doc="whether padding counts as zeros")


class GlobalAvgPool(Op):
    """The mean over every axis after the channels.

    Shape: `[N, C, …]` → `[N, C]`. Source: ONNX GlobalAveragePool; Lin et al. 2013.
    """

    family = "pool"
    layout = "channels"

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank < 3:
            raise OpError(
                "E0303", f"`global_avg_pool` takes [N, C, …], and {x} has no axis 2", input=0
            )
        return x.with_shape(*x.shape[:2])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements
