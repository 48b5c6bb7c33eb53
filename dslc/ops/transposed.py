"""Transposed and composed convolutions, and maps of two values."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Padding, Size, Sizes
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.normed import FAN_IN, KAIMING
from dslc.ops.shapes import need_rank, product
from dslc.ops.windows import FORMS, spatial_sizes
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Transposed(Op):
    """What transposed convolutions share.

    Every input element adds the whole kernel, times its value, to the output at its place times
    `stride`; then `padding` elements are cut off on both sides, and `output_padding` fewer behind.
    """

    layout = "channels"
    primary = "out"
    rank: ClassVar[int]
    bias = Boolean(True, doc="whether a learned vector is added to every channel")
    groups = Size(1, minimum=1, doc="channel groups that do not see each other")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, self.rank + 2, FORMS[self.rank])
        channels, out, groups = x.shape[1], self.values["out"], self.groups
        for count, which in ((channels, "input"), (out, "output")):
            message = f"`groups` must divide the {count} {which} channels, and {groups} does not"
            check.require("==", count % groups, 0, message, attribute="groups")
        sizes = (self._size(check, size, axis) for axis, size in enumerate(x.shape[2:]))
        return x.with_shape(x.shape[0], out, *sizes)

    def _size(self, check: Check, size: DimLike, axis: int) -> DimLike:
        names = ("kernel", "stride", "padding", "output_padding", "dilation")
        kernel, stride, cut, more, dilation = (self.values[name][axis] for name in names)
        message = "`output_padding` must be below `stride` or `dilation`"
        if more >= stride and more >= dilation:
            raise OpError("E0504", message, attribute="output_padding")
        result = (size - 1) * stride - 2 * cut + dilation * (kernel - 1) + more + 1
        message = f"`padding` cuts off everything: axis {axis + 2} is {result}"
        check.require(">=", result, 1, message, code="E0319", attribute="padding")
        return result

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        channels, out = types[0].shape[1], self.values["out"]
        shape = (channels, out // self.groups, *self.values["kernel"])
        weight = Weight("weight", shape, KAIMING)
        return (weight, Weight("bias", (out,), FAN_IN)) if self.bias else (weight,)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        taps = (self.values["out"] // self.groups) * product(self.values["kernel"])
        return 2 * types[0].elements * taps + (outputs[0].elements if self.bias else 0)


class ConvTranspose1d(_Transposed):
    """A convolution over one axis turned around: the gradient of `conv1d` by its input.

    Shape: `[N, C, L]` → `[N, out, (L - 1) * stride - 2 * padding + dilation * (kernel - 1) +
    output_padding + 1]`. Weights: `weight` `[C, out // groups, kernel]`, `bias`.
    Source: ONNX ConvTranspose; `torch.nn.ConvTranspose1d`.
    """

    family = "linear"
    rank = 1
    out = Size(minimum=1, doc="the number of output channels")
    kernel = Sizes(1, minimum=1, doc="the window's length")
    stride = Sizes(1, 1, minimum=1, doc="the distance between the places of two input elements")
    padding = Sizes(1, 0, minimum=0, doc="elements cut off on both sides")
    output_padding = Sizes(1, 0, minimum=0, doc="elements that are not cut off at the end")
    dilation = Sizes(1, 1, minimum=1, doc="the distance between the window's elements")


class ConvTranspose2d(_Transposed):
    """A convolution over two axes turned around: the gradient of `conv2d` by its input.

    Shape: `[N, C, H, W]` → `[N, out, …]`, each size as in `conv_transpose1d`.
    Weights: `weight` `[C, out // groups, *kernel]`, `bias`.
    Source: ONNX ConvTranspose; `torch.nn.ConvTranspose2d`.
    """

    family = "linear"
    rank = 2
    out = Size(minimum=1, doc="the number of output channels")
    kernel = Sizes(2, minimum=1, doc="the window's height and width")
    stride = Sizes(2, 1, minimum=1, doc="the distances between the places of two input elements")
    padding = Sizes(2, 0, minimum=0, doc="elements cut off on both sides")
    output_padding = Sizes(2, 0, minimum=0, doc="elements that are not cut off at the end")
    dilation = Sizes(2, 1, minimum=1, doc="the distance between the window's elements")


class ConvTranspose3d(_Transposed):
    """A convolution over three axes turned around: the gradient of `conv3d` by its input.

    Shape: `[N, C, D, H, W]` → `[N, out, …]`, each size as in `conv_transpose1d`.
    Weights: `weight` `[C, out // groups, *kernel]`, `bias`.
    Source: ONNX ConvTranspose; `torch.nn.ConvTranspose3d`.
    """

    family = "linear"
    rank = 3
    out = Size(minimum=1, doc="the number of output channels")
    kernel = Sizes(3, minimum=1, doc="the window's depth, height and width")
    stride = Sizes(3, 1, minimum=1, doc="the distances between the places of two input elements")
    padding = Sizes(3, 0, minimum=0, doc="elements cut off on both sides")
    output_padding = Sizes(3, 0, minimum=0, doc="elements that are not cut off at the end")
    dilation = Sizes(3, 1, minimum=1, doc="the distance between the window's elements")


class SeparableConv2d(Op):
    """A depthwise convolution without bias, then one of window 1 over the channels.

    Weights: `depthwise.weight` `[C * multiplier, 1, *kernel]`, `pointwise.weight` and
    `pointwise.bias`. Shape: `[N, C, H, W]` → `[N, out, …]`, the sizes as in `conv2d`.
    Source: two of ONNX Conv; Chollet 2016.
    """

    family = "linear"
    layout = "channels"
    primary = "out"
    out = Size(minimum=1, doc="the number of output channels")
    kernel = Sizes(2, minimum=1, doc="the depthwise window's height and width")
    stride = Sizes(2, 1, minimum=1, doc="the steps of the window")
    padding = Padding(2, doc="zeros on both sides, or `same` or `valid`")
    dilation = Sizes(2, 1, minimum=1, doc="the distance between the window's elements")
    multiplier = Size(1, minimum=1, doc="depthwise filters for each channel")
    bias = Boolean(True, doc="whether a learned vector is added to every channel")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, 4, FORMS[2])
        return x.with_shape(x.shape[0], self.out, *spatial_sizes(check, x.shape, self))

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        inner = types[0].shape[1] * self.multiplier
        depthwise = Weight("depthwise.weight", (inner, 1, *self.kernel), KAIMING)
        pointwise = Weight("pointwise.weight", (self.out, inner, 1, 1), KAIMING)
        if not self.bias:
            return (depthwise, pointwise)
        return (depthwise, pointwise, Weight("pointwise.bias", (self.out,), FAN_IN))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        places = outputs[0].shape[0] * outputs[0].shape[2] * outputs[0].shape[3]
        inner = types[0].shape[1] * self.multiplier
        bias = 1 if self.bias else 0
        return places * (2 * inner * product(self.kernel) + self.out * (2 * inner + bias))


class Bilinear(Op):
    """A map of two values, linear in each: `y[k] = x1 @ weight[k] @ x2 + bias[k]`.

    Shape: `[…, in1]`, `[…, in2]` with equal axes before → `[…, out]`. Weights: `weight`
    `[out, in1, in2]`, `bias`. Source: ONNX Einsum; `torch.nn.Bilinear`.
    """

    family = "linear"
    primary = "out"
    inputs = (Input("x"), Input("y"))
    out = Size(minimum=1, doc="the size of the last axis after the map")
    bias = Boolean(True, doc="whether a learned vector is added")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, y = types
        if x.rank == 0 or x.rank != y.rank:
            message = (
                f"`bilinear` takes two values with equal axes before the last, not {x} and {y}"
            )
            raise OpError("E0303", message, input=1)
        for axis, (left, right) in enumerate(zip(x.shape[:-1], y.shape[:-1], strict=True)):
            message = (
                f"`bilinear` needs equal axes before the last: axis {axis} is {right}, not {left}"
            )
            check.require("==", left, right, message, code="E0304", input=1, axis=axis)
        return x.with_shape(*x.shape[:-1], self.out)

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        x, y = types
        weight = Weight("weight", (self.out, x.shape[-1], y.shape[-1]), KAIMING)
        return (weight, Weight("bias", (self.out,), FAN_IN)) if self.bias else (weight,)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        x, y = types
        bias = outputs[0].elements if self.bias else 0
        return 2 * outputs[0].elements * x.shape[-1] * (y.shape[-1] + 1) + bias
