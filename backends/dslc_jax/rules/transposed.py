"""Transposed and composed convolutions, and maps of two values, in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.transposed import (
    Bilinear,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    SeparableConv2d,
)
from dslc_jax.axes import sizes
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


def window(c: OpContext, name: str) -> str:
    """Sizes by axis as a tuple."""
    texts = sizes(c, name)
    return f"({', '.join(texts)}{',' * (len(texts) == 1)})"


@RULES.add(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(c: OpContext) -> str:
    texts = [f"{c.size(c.types[0].shape[1])}, {c.attribute('out')}, {window(c, 'kernel')}"]
    for name, default in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1)):
        texts += [f"{name}={window(c, name)}"] if c.option(name, default) else []
    texts += [text for text in [c.option("groups", 1).removeprefix(", ")] if text]
    texts += [] if c.op.values["bias"] else ["use_bias=False"]
    layer = c.layer(f"{c.helper('ConvTranspose')}({', '.join(texts)}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(SeparableConv2d)
def separable_conv2d(c: OpContext) -> str:
    values = c.op.values
    padding = '"SAME"' if values["padding"] == "same" else c.attribute("padding")
    options = c.option("stride", 1).replace("stride=", "strides=") + f", padding={padding}"
    options += c.option("dilation", 1) + c.option("multiplier", 1)
    options += "" if values["bias"] else ", use_bias=False"
    shape = f"{c.size(c.types[0].shape[1])}, {c.attribute('out')}, {window(c, 'kernel')}"
    layer = c.layer(f"{c.helper('SeparableConv2d')}({shape}{options}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(Bilinear)
def bilinear(c: OpContext) -> str:
    shape = ", ".join(c.size(type.shape[-1]) for type in c.types)
    bias = "" if c.op.values["bias"] else ", use_bias=False"
    name = c.helper("Bilinear")
    layer = c.layer(f"{name}({shape}, {c.attribute('out')}{bias}, rngs=rngs)")
    return f"{layer}({', '.join(c.args)})"
