"""Pooling."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Integer, Maybe, Padding, Sizes
from dslc.ops.base import Check, Op, OpError
from dslc.ops.shapes import need_rank, product
from dslc.ops.windows import FORMS, spatial_sizes
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Pool(Op):
    """What the pools over windows of 1, 2 or 3 axes share."""

    primary = "kernel"
    layout = "channels"
    rank: ClassVar[int]

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        if self.values["stride"] is None:
            self.values["stride"] = self.values["kernel"]

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, self.rank + 2, FORMS[self.rank])
        padding = self.values["padding"]
        if padding == "same" and self.values.get("ceil"):
            message = "`same` gives as many places as rounding up, so `ceil` says nothing beside it"
            raise OpError("E0504", message, attribute="ceil", help="take `ceil` out")
        pairs = zip(padding, self.values["kernel"], strict=True) if padding != "same" else ()
        for pad, size in pairs:
            check.require(
                "<=",
                2 * pad,
                size,
                "`padding` may be at most half of the kernel, or a window holds nothing",
                code="E0509",
                attribute="padding",
            )
        return x.with_shape(*x.shape[:2], *spatial_sizes(check, x.shape, self))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return outputs[0].elements * product(self.values["kernel"])


class _Pool1d(_Pool):
    """What the pools over windows of one axis share."""

    rank = 1
    kernel = Sizes(1, minimum=1, doc="the window's length")
    stride = Maybe(Sizes(1, minimum=1, doc="the step of the window; the kernel's size by default"))
    padding = Padding(1, doc="elements on both sides, or `same` or `valid`")


class _Pool2d(_Pool):
    """What the pools over windows of two axes share."""

    rank = 2
    kernel = Sizes(2, minimum=1, doc="the window's height and width")
    stride = Maybe(Sizes(2, minimum=1, doc="the steps of the window; the kernel's size by default"))
    padding = Padding(2, doc="elements on both sides, or `same` or `valid`")


class _Pool3d(_Pool):
    """What the pools over windows of three axes share."""

    rank = 3
    kernel = Sizes(3, minimum=1, doc="the window's depth, height and width")
    stride = Maybe(Sizes(3, minimum=1, doc="the steps of the window; the kernel's size by default"))
    padding = Padding(3, doc="elements on both sides, or `same` or `valid`")


class MaxPool1d(_Pool1d):
    """The largest value of each window; padding never wins.

    `ceil` as in `max_pool2d`. Shape: `[N, C, L]` → `[N, C, (L + pads - kernel) // stride + 1]`.
    Source: ONNX MaxPool.
    """

    family = "pool"
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class MaxPool2d(_Pool2d):
    """The largest value of each window; padding never wins.

    With `ceil` a last window that begins inside is taken too, where it reaches beyond the end: the
    division rounds up. Shape: `[N, C, H, W]` → `[N, C, (H + pads - kernel) // stride + 1, …]`.
    Source: ONNX MaxPool (`ceil_mode`).
    """

    family = "pool"
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class MaxPool3d(_Pool3d):
    """The largest value of each window; padding never wins.

    `ceil` as in `max_pool2d`. Shape: `[N, C, D, H, W]`, each size as in `max_pool2d`. Source: ONNX
    MaxPool.
    """

    family = "pool"
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class AvgPool1d(_Pool1d):
    """The mean of each window; `count_padding` and `ceil` as in `avg_pool2d`.

    Shape as `max_pool1d`. Source: ONNX AveragePool.
    """

    family = "pool"
    count_padding = Boolean(False, doc="whether padding counts as zeros")
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class AvgPool2d(_Pool2d):
    """The mean of each window.

    `count_padding` says whether padding counts as zeros in the mean (as PyTorch's default does) or
    not (as ONNX's and Keras's do). What `ceil` adds behind the padding never counts. Shape and `ceil`
    as in `max_pool2d`. Source: ONNX AveragePool.
    """

    family = "pool"
    count_padding = Boolean(False, doc="whether padding counts as zeros")
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class AvgPool3d(_Pool3d):
    """The mean of each window; `count_padding` and `ceil` as in `avg_pool2d`.

    Shape as `max_pool3d`. Source: ONNX AveragePool.
    """

    family = "pool"
    count_padding = Boolean(False, doc="whether padding counts as zeros")
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class LpPool1d(_Pool1d):
    """The p-norm of each window: `sum(|x| ** p) ** (1 / p)`; padding adds nothing.

    `ceil` and shape as in `max_pool1d`. Source: ONNX LpPool; `torch.nn.functional.lp_pool1d`.
    """

    family = "pool"
    p = Integer(2, minimum=1, doc="the order of the norm")
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class LpPool2d(_Pool2d):
    """The p-norm of each window: `sum(|x| ** p) ** (1 / p)`; padding adds nothing.

    `ceil` and shape as in `max_pool2d`. Source: ONNX LpPool; `torch.nn.functional.lp_pool2d`.
    """

    family = "pool"
    p = Integer(2, minimum=1, doc="the order of the norm")
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class LpPool3d(_Pool3d):
    """The p-norm of each window: `sum(|x| ** p) ** (1 / p)`; padding adds nothing.

    `ceil` and shape as in `max_pool3d`. Source: ONNX LpPool; `torch.nn.functional.lp_pool3d`.
    """

    family = "pool"
    p = Integer(2, minimum=1, doc="the order of the norm")
    ceil = Boolean(False, doc="whether the last window may reach beyond the end")


class _GlobalPool(Op):
    """A pool over every axis after the channels."""

    layout = "channels"

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank < 3:
            message = f"`{self.name}` takes [N, C, …], and {x} has no axis 2"
            raise OpError("E0303", message, input=0)
        return x.with_shape(*x.shape[:2])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements


class GlobalAvgPool(_GlobalPool):
    """The mean over every axis after the channels.

    Shape: `[N, C, …]` → `[N, C]`. Source: ONNX GlobalAveragePool; Lin et al. 2013.
    """

    family = "pool"


class GlobalMaxPool(_GlobalPool):
    """The largest value over every axis after the channels.

    Shape: `[N, C, …]` → `[N, C]`. Source: ONNX GlobalMaxPool.
    """

    family = "pool"


class _AdaptivePool(Op):
    """A pool with a given number of windows.

    Window i goes from `i * size // out` up to `(i + 1) * size / out`, rounded up.
    """

    layout = "channels"
    primary = "out"

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        windows = self.values["out"]
        need_rank(self.name, x, len(windows) + 2, FORMS[len(windows)])
        return x.with_shape(*x.shape[:2], *windows)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements


class _AdaptivePool1d(_AdaptivePool):
    """What the adaptive pools over one axis share."""

    out = Sizes(1, minimum=1, doc="the length after it")


class _AdaptivePool2d(_AdaptivePool):
    """What the adaptive pools over two axes share."""

    out = Sizes(2, minimum=1, doc="the height and width after it")


class _AdaptivePool3d(_AdaptivePool):
    """What the adaptive pools over three axes share."""

    out = Sizes(3, minimum=1, doc="the depth, height and width after it")


class AdaptiveAvgPool1d(_AdaptivePool1d):
    """The mean of each of `out` windows, which overlap where the sizes do not divide.

    Shape: `[N, C, L]` → `[N, C, out]`. Source: ONNX AveragePool; `torch.nn.AdaptiveAvgPool1d`.
    """

    family = "pool"


class AdaptiveMaxPool1d(_AdaptivePool1d):
    """The largest value of each of `out` windows, which overlap where the sizes do not divide.

    Shape: `[N, C, L]` → `[N, C, out]`. Source: ONNX MaxPool; `torch.nn.AdaptiveMaxPool1d`.
    """

    family = "pool"


class AdaptiveAvgPool3d(_AdaptivePool3d):
    """The mean of each of `out` windows, which overlap where the sizes do not divide.

    Shape: `[N, C, D, H, W]` → `[N, C, *out]`. Source: ONNX AveragePool;
    `torch.nn.AdaptiveAvgPool3d`.
    """

    family = "pool"


class AdaptiveMaxPool3d(_AdaptivePool3d):
    """The largest value of each of `out` windows, which overlap where the sizes do not divide.

    Shape: `[N, C, D, H, W]` → `[N, C, *out]`. Source: ONNX MaxPool; `torch.nn.AdaptiveMaxPool3d`.
    """

    family = "pool"


class AdaptiveAvgPool2d(_AdaptivePool2d):
    """The mean of each of `out` windows, which overlap where the sizes do not divide.

    Shape: `[N, C, H, W]` → `[N, C, *out]`. Source: ONNX AveragePool;
    `torch.nn.AdaptiveAvgPool2d`.
    """

    family = "pool"


class AdaptiveMaxPool2d(_AdaptivePool2d):
    """The largest value of each of `out` windows, which overlap where the sizes do not divide.

    Shape: `[N, C, H, W]` → `[N, C, *out]`. Source: ONNX MaxPool; `torch.nn.AdaptiveMaxPool2d`.
    """

    family = "pool"
