"""Transposed and composed convolutions, and maps of two values, in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import literal
from dslc.ops.transposed import (
    Bilinear,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    SeparableConv2d,
)
from dslc_keras.layers import flag, named, option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(c: FunctionContext) -> str:
    """Keras's own layer, whose crops are other ones, with a cropping layer; else one of ours."""
    values, rank = c.op.values, c.types[0].rank - 2
    first = (c.attribute("out"), c.attribute("kernel"))
    bias = flag(c, "bias", "use_bias")
    if not is_native(c):
        names = [("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1)]
        options = [option(c, name, default) for name, default in (*names, ("groups", 1))]
        return named(c, c.helper("ConvTranspose"), *first, *options, bias)
    strides = option(c, "stride", 1, "strides")
    text = named(c, f"layers.Conv{rank}DTranspose", *first, strides, bias)
    pairs = [
        (p, p - more) for p, more in zip(values["padding"], values["output_padding"], strict=True)
    ]
    if not any(p or q for p, q in pairs):
        return text
    crops = pairs[0] if rank == 1 else tuple(pairs)
    return f"layers.Cropping{rank}D({crops})({text})"


def is_native(c: FunctionContext) -> bool:
    """Whether Keras's layer and a cropping say the same."""
    values = c.op.values
    names = ("kernel", "stride", "padding", "output_padding", "dilation")
    if literal(values["groups"]) != "1" or not all(c.is_constant(name) for name in names):
        return False
    windows = zip(*(values[name] for name in names), strict=True)
    return all(k >= s and p >= more and d == 1 for k, s, p, more, d in windows)


@RULES.add(SeparableConv2d)
def separable_conv2d(c: FunctionContext) -> str:
    """Two layers; strides with dilation, which Keras refuses, as every so many-th place."""
    x, kernel, dilation = c.x, c.attribute("kernel"), option(c, "dilation", 1, "dilation_rate")
    values, padding, strides, every = c.op.values, "", option(c, "stride", 1, "strides"), ""
    stride = values["stride"]
    two_steps = strides and (dilation or len(set(stride)) > 1)
    if values["padding"] == "same" and two_steps:
        sizes = ", ".join(c.attribute(name) for name in ("kernel", "stride", "dilation"))
        x = f"{c.helper('PadSame')}({sizes})({x})"
    elif values["padding"] == "same":
        padding = 'padding="same"'
    elif literal(values["padding"]) != "0":
        x = f"layers.ZeroPadding2D({c.attribute('padding')})({x})"
    if two_steps:
        every, strides = f"[:, ::{stride[0]}, ::{stride[1]}]", ""
    multiplier = option(c, "multiplier", 1, "depth_multiplier")
    options = [kernel, strides, padding, multiplier, dilation, "use_bias=False"]
    options = [text for text in options if text]
    depthwise = f"layers.DepthwiseConv2D({', '.join(options)}, name={c.path('depthwise')})"
    bias = flag(c, "bias", "use_bias")
    point = [
        text for text in (c.attribute("out"), "1", bias, f"name={c.path('pointwise')}") if text
    ]
    return f"layers.Conv2D({', '.join(point)})({depthwise}({x}){every})"


@RULES.add(Bilinear)
def bilinear(c: FunctionContext) -> str:
    options = (c.attribute("out"), flag(c, "bias", "use_bias"))
    return named(c, c.helper("Bilinear"), *options, call=", ".join(c.args))
