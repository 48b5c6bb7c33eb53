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
from dslc_keras.layers import flag, is_native, named, option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(c: FunctionContext) -> str:
    """Keras's own layer, whose crops are other ones, with a cropping layer; else one of ours."""
    values, rank = c.op.values, c.types[0].rank - 2
    first = (c.attribute("out"), c.attribute("kernel"))
    bias = flag(c, "bias", "use_bias")
    if not is_native(c.found):
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
    return plain(c, f"layers.Cropping{rank}D", str(crops), call=text)


@RULES.add(SeparableConv2d)
def separable_conv2d(c: FunctionContext) -> str:
    """Keras's own layer; strides that it refuses, with dilation or uneven, as every so many-th place."""
    x, values, every = c.x, c.op.values, ""
    stride, strides = values["stride"], option(c, "stride", 1, "strides")
    dilation, padding = option(c, "dilation", 1, "dilation_rate"), ""
    two_steps = strides and (dilation or len(set(stride)) > 1)
    if values["padding"] == "same" and two_steps:
        sizes = [c.attribute(name) for name in ("kernel", "stride", "dilation")]
        x = plain(c, c.helper("PadSame"), *sizes)
    elif values["padding"] == "same":
        padding = 'padding="same"'
    elif literal(values["padding"]) != "0":
        x = plain(c, "layers.ZeroPadding2D", c.attribute("padding"))
    if two_steps:
        every, strides = f"[:, ::{stride[0]}, ::{stride[1]}]", ""
    options = [c.attribute("out"), c.attribute("kernel"), strides, padding, dilation]
    options += [option(c, "multiplier", 1, "depth_multiplier"), flag(c, "bias", "use_bias")]
    return named(c, "layers.SeparableConv2D", *options, call=x) + every


@RULES.add(Bilinear)
def bilinear(c: FunctionContext) -> str:
    options = (c.attribute("out"), flag(c, "bias", "use_bias"))
    return named(c, c.helper("Bilinear"), *options, call=", ".join(c.args))
