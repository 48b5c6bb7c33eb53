"""Transposed and composed convolutions, and maps of two values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.transposed import (
    Bilinear,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    SeparableConv2d,
)
from dslc_onnx.lowering import ROWS
from dslc_onnx.rules import RULES
from dslc_onnx.rules.linear import windowed

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(at: Lowering[Any]) -> Result:
    """`ConvTranspose`, the crops on both sides written out."""
    names = {"kernel": "kernel_shape", "stride": "strides", "dilation": "dilations"}
    found: dict[str, Any] = {
        own: [at.known(size, name) for size in at.op.values[name]] for name, own in names.items()
    }
    found["pads"] = [at.known(size, "padding") for size in at.op.padding] * 2
    more = [at.known(size, "output_padding") for size in at.op.output_padding]
    if any(more):
        found["output_padding"] = more
    groups = at.known(at.op.groups, "groups")
    if groups != 1:
        found["group"] = groups
    bias = [at.weight("bias")] if at.op.bias else []
    return at.emit("ConvTranspose", at.input(), at.weight("weight"), *bias, **found)


@RULES.add(SeparableConv2d)
def separable_conv2d(at: Lowering[SeparableConv2d]) -> Result:
    """Two of `Conv`."""
    channels = at.known(at.operand().type.shape[1], "channels")
    x, attributes = windowed(at)
    attributes["group"] = channels
    inner = at.type.with_shape(at.type.shape[0], channels * at.op.multiplier, *at.type.shape[2:])
    weight = at.weight("depthwise.weight")
    y = at.emit("Conv", x, weight, type=inner, label="depthwise", **attributes)
    bias = [at.weight("pointwise.bias")] if at.op.bias else []
    return at.emit("Conv", y, at.weight("pointwise.weight"), *bias, kernel_shape=[1, 1])


@RULES.add(Bilinear)
def bilinear(at: Lowering[Bilinear]) -> Result:
    """`Einsum` on rows, then the bias."""
    at.form = ROWS if at.type.rank != 2 else at.form
    label = "map" if at.op.bias else ""
    values = (at.input(0), at.weight("weight"), at.input(1))
    y = at.emit("Einsum", *values, label=label, equation="ni,kij,nj->nk")
    return at.emit("Add", y, at.weight("bias")) if at.op.bias else y
