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
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(at: Lowering[Any]) -> Result:
    """`ConvTranspose`, the crops on both sides written out."""
    names = {"kernel": "kernel_shape", "stride": "strides", "dilation": "dilations"}
    found: dict[str, Any] = {
        own: [at.known(size, name) for size in at.op.values[name]] for name, own in names.items()
    }
    sides = [at.known(size, "padding") for size in at.op.padding]
    more = [at.known(size, "output_padding") for size in at.op.output_padding]
    x, ends = at.input(), sides
    if any(own >= step for own, step in zip(more, found["strides"], strict=True)):
        x, ends = lengthened(at, found["strides"], sides, more)
    elif any(more):
        found["output_padding"] = more
    found["pads"] = [*sides, *ends]
    groups = at.known(at.op.groups, "groups")
    if groups != 1:
        found["group"] = groups
    bias = [at.weight("bias")] if at.op.bias else []
    return at.emit("ConvTranspose", x, at.weight("weight"), *bias, **found)


def lengthened(
    at: Lowering[Any], strides: list[int], sides: list[int], more: list[int]
) -> tuple[ir.Value, list[int]]:
    """The input with zeros at the end of each axis, and how much of that is cropped again.

    onnxruntime takes no `output_padding` of a stride or more.
    """
    sizes = list(zip(strides, sides, more, strict=True))
    zeros = [max(0, -((side - own) // step)) for step, side, own in sizes]
    ends = [
        count * step + side - own for count, (step, side, own) in zip(zeros, sizes, strict=True)
    ]
    if not any(zeros):
        return at.input(), ends
    type = at.operand().type
    longer = [size + count for size, count in zip(type.shape[2:], zeros, strict=True)]
    widths = at.graph.integers(*[0] * (type.rank + 2), *zeros)
    full = type.with_shape(*type.shape[:2], *longer)
    return at.emit("Pad", at.input(), widths, type=full, label="longer"), ends


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
