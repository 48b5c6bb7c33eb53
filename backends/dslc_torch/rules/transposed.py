"""Transposed and composed convolutions, and maps of two values, in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.transposed import (
    Bilinear,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    SeparableConv2d,
)
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(c: OpContext) -> str:
    options = [("stride", 1), ("padding", 0), ("output_padding", 0), ("groups", 1)]
    texts = [c.option(name, default) for name, default in options]
    texts.append("" if c.op.values["bias"] else ", bias=False")
    texts.append(c.option("dilation", 1))
    sizes = f"{c.size(c.types[0].shape[1])}, {c.attribute('out')}, {c.attribute('kernel')}"
    rank = c.types[0].rank - 2
    layer = c.layer(f"nn.ConvTranspose{rank}d({sizes}{''.join(texts)})")
    return f"{layer}({c.x})"


@RULES.add(SeparableConv2d)
def separable_conv2d(c: OpContext) -> str:
    values, x, options = c.op.values, c.x, c.option("stride", 1)
    if values["padding"] == "same":
        window = [c.run_attribute("kernel"), c.run_attribute("stride")]
        window += [c.run_attribute("dilation")] if c.given("dilation") else []
        x = f"{c.helper('pad_same')}({x}, {', '.join(window)})"
    else:
        options += c.option("padding", 0)
    options += c.option("dilation", 1) + c.option("multiplier", 1)
    options += "" if values["bias"] else ", bias=False"
    sizes = f"{c.size(c.types[0].shape[1])}, {c.attribute('out')}, {c.attribute('kernel')}"
    layer = c.layer(f"{c.helper('SeparableConv2d')}({sizes}{options})")
    return f"{layer}({x})"


@RULES.add(Bilinear)
def bilinear(c: OpContext) -> str:
    sizes = ", ".join(c.size(type.shape[-1]) for type in c.types)
    bias = "" if c.op.values["bias"] else ", bias=False"
    layer = c.layer(f"nn.Bilinear({sizes}, {c.attribute('out')}{bias})")
    return f"{layer}({', '.join(c.args)})"
